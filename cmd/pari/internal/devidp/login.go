package devidp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Login signs a persona in, the way a browser would: authorization request, the page where a person is chosen, code,
// token. It returns the access token and when it expires.
func Login(ctx context.Context, base *http.Client, issuer, persona string) (token string, expires time.Time, err error) {
	ctx = oidc.ClientContext(ctx, base)
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign in: %w", err)
	}
	config := oauth2.Config{ClientID: ClientID, Endpoint: provider.Endpoint(), RedirectURL: callback, Scopes: []string{oidc.ScopeOpenID}}
	verifier, state := oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	browser := &http.Client{Transport: base.Transport, Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	page, err := follow(ctx, browser, http.MethodGet, config.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier)), nil, issuer)
	if err != nil {
		return "", time.Time{}, err
	}
	chosen := url.Values{"request": {page.Query().Get("request")}, "persona": {persona}}
	back, err := follow(ctx, browser, http.MethodPost, issuer+"/login", chosen, issuer)
	if err != nil {
		return "", time.Time{}, err
	}
	if back, err = follow(ctx, browser, http.MethodGet, back.String(), nil, issuer); err != nil {
		return "", time.Time{}, err
	}
	if back.Query().Get("state") != state || back.Query().Get("code") == "" {
		return "", time.Time{}, errors.New("sign in: the provider answered something else")
	}
	got, err := config.Exchange(ctx, back.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign in: %w", err)
	}
	return got.AccessToken, got.Expiry, nil
}

// follow asks for a page and returns where it leads.
func follow(ctx context.Context, browser *http.Client, method, address string, form url.Values, issuer string) (*url.URL, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := browser.Do(r)
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode/100 != 3 {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 500))
		return nil, fmt.Errorf("sign in: %s", strings.TrimSpace(string(text)))
	}
	base, err := url.Parse(issuer)
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	return base.Parse(answer.Header.Get("Location"))
}
