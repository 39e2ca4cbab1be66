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
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/sync/singleflight"
)

// issuer verifies the access tokens of one issuer. It fetches the issuer's keys at the first token, so a service can
// start while the issuer is away, and again now and then.
type issuer struct {
	config issuerConfig
	client *http.Client

	flight    singleflight.Group
	keys      atomic.Pointer[issuerKeys]
	renewedAt atomic.Int64 // Unix time in nanoseconds of the last attempt to renew keys that still serve
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

// verify checks type, signature, issuer, audience and dates, and returns the subject and the grants of its groups.
func (i *issuer) verify(ctx context.Context, raw string) (subject string, grants []Grant, err error) {
	header, err := i.accessTokenHeader(raw)
	if err != nil {
		return "", nil, err
	}
	keys, err := i.currentKeys(ctx)
	if err != nil {
		return "", nil, err
	}
	token, err := keys.verify(ctx, header.KeyID, raw)
	// The issuer may have a new key. Strangers can send any number of unknown key ids, so it is asked once in a while.
	if errors.Is(err, errUnknownKey) && time.Since(keys.at) >= rememberAnswer {
		if keys, err = i.renewKeys(ctx); err != nil {
			return "", nil, err
		}
		token, err = keys.verify(ctx, header.KeyID, raw)
	}
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

// tokenHeader is what the header of a token says, before anything is verified.
type tokenHeader struct {
	Type  string `json:"typ"`
	KeyID string `json:"kid"`
}

// accessTokenHeader returns the header of a token, or ErrToken unless it says that this is an access token.
func (i *issuer) accessTokenHeader(raw string) (header tokenHeader, err error) {
	if decodePart(raw, 0, &header) != nil {
		return header, ErrToken
	}
	typ := strings.ToLower(cmp.Or(header.Type, "JWT")) // RFC 7519: a type is optional
	if strings.TrimPrefix(typ, "application/") != strings.ToLower(i.config.TokenType) {
		return header, ErrToken
	}
	return header, nil
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
