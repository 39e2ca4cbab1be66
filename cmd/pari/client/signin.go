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
	// clientID is the id of the command line, a public client.
	clientID = "pari"
	// redirectURI receives the code. Nothing listens there: the code is read from the redirect's Location header.
	redirectURI = "http://127.0.0.1/callback"
	// maxRedirects bounds the redirects from the authorization request to the callback.
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

// SignIn runs the authorization code flow with PKCE (RFC 7636) and sends the user as login_hint. It has no browser: it
// needs a provider that redirects without a page, as that of the development network does. When the provider responds
// with a page, it returns the status and the text as an error.
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
	params, err := followToCallback(ctx, client, config.AuthCodeURL(state,
		oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("login_hint", user)))
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign in: %w", err)
	}
	if failure := params.Get("error"); failure != "" {
		return "", time.Time{}, fmt.Errorf("sign in: %s: %s", failure, params.Get("error_description"))
	}
	if params.Get("state") != state || params.Get("code") == "" {
		return "", time.Time{}, errors.New("sign in: the provider returned no code for this request")
	}
	token, err := config.Exchange(ctx, params.Get("code"), oauth2.VerifierOption(verifier))
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
