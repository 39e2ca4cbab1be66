package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/retepari/pari/pkg/identity"
)

const (
	// clientID is the public client that the provider knows Pari's command line as.
	clientID = "pari"
	// redirectURI is where a provider sends the code. Nothing listens there: the code is read from the redirect.
	redirectURI = "http://127.0.0.1/callback"
	// maxRedirects bounds the way from the authorization request to the code.
	maxRedirects = 10
)

// SignIn returns an access token of the network's provider for the user, and when it expires.
func (n Network) SignIn(ctx context.Context, user string) (token string, expires time.Time, err error) {
	pem, err := os.ReadFile(filepath.Join(n.Dir, "authority", identity.CAFile))
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign in: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	tlsConfig := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: tlsConfig}}
	defer client.CloseIdleConnections()
	return SignIn(ctx, client, n.Issuer, user)
}

// SignIn runs the authorization code flow with PKCE (RFC 7636) and gives the user as login_hint. It has no browser: it
// works with a provider that redirects at once, as the one of the development network does, and fails with the
// provider's own words where a page asks for a password.
func SignIn(ctx context.Context, client *http.Client, issuer, user string) (string, time.Time, error) {
	ctx = oidc.ClientContext(ctx, client)
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign in: %w", err)
	}
	config := oauth2.Config{
		ClientID: clientID, Endpoint: provider.Endpoint(), RedirectURL: redirectURI, Scopes: []string{oidc.ScopeOpenID},
	}
	verifier, state := oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	answer, err := followToCallback(ctx, client, config.AuthCodeURL(state,
		oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("login_hint", user)))
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign in: %w", err)
	}
	if refused := answer.Get("error"); refused != "" {
		return "", time.Time{}, fmt.Errorf("sign in: %s: %s", refused, answer.Get("error_description"))
	}
	if answer.Get("state") != state || answer.Get("code") == "" {
		return "", time.Time{}, errors.New("sign in: the provider returned no code for this request")
	}
	token, err := config.Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign in: %w", err)
	}
	return token.AccessToken, token.Expiry, nil
}

// followToCallback follows redirects from address until one leads to redirectURI, and returns its parameters.
func followToCallback(ctx context.Context, client *http.Client, address string) (url.Values, error) {
	once := &http.Client{Transport: client.Transport, Timeout: client.Timeout, CheckRedirect: stopAtRedirect}
	for range maxRedirects {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return nil, err
		}
		resp, err := once.Do(req)
		if err != nil {
			return nil, err
		}
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 500))
		if err := resp.Body.Close(); err != nil {
			return nil, err
		}
		location, err := resp.Location()
		if err != nil {
			return nil, fmt.Errorf("the provider answers %s: %s", resp.Status, strings.TrimSpace(string(body)))
		}
		if address = location.String(); strings.HasPrefix(address, redirectURI) {
			return location.Query(), nil
		}
	}
	return nil, errors.New("the provider redirects without end")
}

func stopAtRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
