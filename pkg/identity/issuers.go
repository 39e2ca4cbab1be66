package identity

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Errors of Verify.
var (
	ErrToken        = errors.New("invalid access token")
	ErrTokenExpired = errors.New("expired access token")
	ErrIssuer       = errors.New("token issuer unreachable")
)

// Issuers are the OIDC issuers whose access tokens a service accepts. Each speaks for its tenants only: the file of
// issuers says which grants its groups give, so no issuer can invent one. The file is read again when it changes; while
// the new content is invalid, the last valid one stays in force.
type Issuers struct {
	file *watchedFile[map[string]*issuer]
}

// LoadIssuers reads the file of issuers. An empty path accepts no token.
//
//	issuers:
//	  - name: cremona
//	    url: https://login.comune.cremona.example/realms/comune
//	    tenants: [lombardia/cremona]
//	    audience: pari
//	    groups_claim: groups
//	    groups:
//	      sportello: [operator]
//	      punto-borgo: [{role: operator, office: punto-borgo}]
//
// A grant for an office gives nothing yet, as in the file of grants.
//
// An issuer that marks its access tokens with a type of their own (RFC 9068) needs no more. Others need claims that
// tell access tokens from ID tokens; for a default Keycloak, for instance:
//
//	audience: account
//	token_type: JWT
//	claims: {typ: Bearer}
//	groups_claim: realm_access.roles
func LoadIssuers(path string, log *slog.Logger) (*Issuers, error) {
	file, err := watchFile(path, "issuers", parseIssuers, log)
	if err != nil {
		return nil, err
	}
	return &Issuers{file}, nil
}

// Verify verifies an access token. It returns the person as <subject>@<issuer>, and the grants of the person's groups,
// which may be none.
func (s *Issuers) Verify(ctx context.Context, raw string) (person string, grants []Grant, err error) {
	var claims struct {
		Issuer string `json:"iss"`
	}
	if err := decodePart(raw, 1, &claims); err != nil {
		return "", nil, ErrToken
	}
	i, ok := s.file.current(time.Now())[claims.Issuer]
	if !ok {
		return "", nil, ErrToken
	}
	subject, grants, err := i.verify(ctx, raw)
	if err != nil {
		return "", nil, err
	}
	return subject + "@" + i.config.Name, grants, nil
}
