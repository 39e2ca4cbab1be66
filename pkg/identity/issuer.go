package identity

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/sync/singleflight"
)

// issuer verifies the access tokens of one issuer. It discovers the issuer at the first token, so a service can start
// while the issuer is away.
type issuer struct {
	config issuerConfig
	client *http.Client

	flight   singleflight.Group
	verifier atomic.Pointer[oidc.IDTokenVerifier]
}

func newIssuer(c issuerConfig, read func(string) ([]byte, error)) (*issuer, error) {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: issuerTimeout}
	if c.CAFile != "" {
		pem, err := read(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("authority: %w", err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, errors.New("authority: the file holds no certificate")
		}
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	}
	return &issuer{config: c, client: &http.Client{
		Timeout: issuerTimeout, Transport: &rememberingTransport{next: transport},
	}}, nil
}

func (i *issuer) discover(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	if v := i.verifier.Load(); v != nil {
		return v, nil
	}
	// The provider keeps its context and fetches rotated keys with it, long after this call has ended.
	kept := oidc.ClientContext(context.WithoutCancel(ctx), i.client)
	discovered := i.flight.DoChan("", func() (any, error) { return oidc.NewProvider(kept, i.config.URL) })
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrIssuer, ctx.Err())
	case result := <-discovered:
		if result.Err != nil {
			return nil, fmt.Errorf("%w: %w", ErrIssuer, result.Err)
		}
		provider, _ := result.Val.(*oidc.Provider)
		v := provider.Verifier(&oidc.Config{ClientID: i.config.Audience})
		i.verifier.Store(v)
		return v, nil
	}
}

// verify checks type, signature, issuer, audience and dates, and returns the subject and the grants of its groups.
func (i *issuer) verify(ctx context.Context, raw string) (subject string, grants []Grant, err error) {
	if !i.acceptsType(raw) {
		return "", nil, ErrToken
	}
	verifier, err := i.discover(ctx)
	if err != nil {
		return "", nil, err
	}
	token, err := verifier.Verify(ctx, raw)
	if expired := (*oidc.TokenExpiredError)(nil); errors.As(err, &expired) {
		return "", nil, ErrTokenExpired
	}
	if err != nil {
		return "", nil, ErrToken
	}
	var claims map[string]any
	if err := token.Claims(&claims); err != nil || token.Subject == "" {
		return "", nil, ErrToken
	}
	for path, want := range i.config.Claims {
		if !slices.Contains(claimValues(claims, path), want) {
			return "", nil, ErrToken
		}
	}
	for _, group := range claimValues(claims, i.config.GroupsClaim) {
		grants = append(grants, i.config.groups[group]...)
	}
	return token.Subject, grants, nil
}

// acceptsType reports whether the header says that this is an access token.
func (i *issuer) acceptsType(raw string) bool {
	var header struct {
		Type string `json:"typ"`
	}
	if decodePart(raw, 0, &header) != nil {
		return false
	}
	typ := strings.ToLower(cmp.Or(header.Type, "JWT")) // RFC 7519: a type is optional
	return strings.TrimPrefix(typ, "application/") == strings.ToLower(i.config.TokenType)
}

// decodePart decodes a part of a compact JWT, without verifying anything.
func decodePart(raw string, part int, into any) error {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return ErrToken
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[part])
	if err != nil {
		return ErrToken
	}
	return json.Unmarshal(text, into)
}

// claimValues returns the values at a path of claims: those of a list, or the words of a text. A claim whose name is
// the whole path, dots included, is found first.
func claimValues(claims map[string]any, path string) (values []string) {
	value, found := claims[path]
	if !found {
		value = claims
		for _, name := range strings.Split(path, ".") {
			object, _ := value.(map[string]any)
			value = object[name]
		}
	}
	switch v := value.(type) {
	case string:
		return append(strings.Fields(v), v)
	case []any:
		for _, item := range v {
			if s, ok := item.(string); ok {
				values = append(values, s)
			}
		}
	}
	return values
}
