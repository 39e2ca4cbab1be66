// Package rpctest serves a gRPC service in a test as production does: TLS on loopback, the interceptors of package rpc,
// certificates of a private authority, and access tokens of a private OIDC issuer.
//
// NewEnv starts the issuer and Env.Start starts a server, each in goroutines of its own. Both stop when the test
// ends.
package rpctest

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/retepari/pari/dev/testkit/devpki"
	"github.com/retepari/pari/pkg/identity"
)

// TrustDomain is the trust domain of all test identities.
const TrustDomain = "pari.test"

// ID returns the identity of a program in the test network; kind is one of the kinds in package identity.
func ID(region, node, kind, name string) identity.ID {
	return identity.ID{TrustDomain: TrustDomain, Region: region, Node: node, Kind: kind, Name: name}
}

// Env is a certificate authority and a token issuer, which a server and its clients share.
type Env struct {
	Authority *devpki.Authority

	dir    string
	issuer *issuer
}

// NewEnv creates an authority and starts an issuer.
func NewEnv(t testing.TB) *Env {
	t.Helper()
	dir := t.TempDir()
	authority, err := devpki.Open(filepath.Join(dir, "ca"))
	if err != nil {
		t.Fatal(err)
	}
	return &Env{Authority: authority, dir: dir, issuer: startIssuer(t)}
}

// Source issues a certificate for id and loads it.
func (e *Env) Source(t testing.TB, id identity.ID) *identity.Source {
	t.Helper()
	return e.SourceFor(t, id, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
}

// SourceFor is Source with other dates of validity.
func (e *Env) SourceFor(t testing.TB, id identity.ID, from, to time.Time) *identity.Source {
	t.Helper()
	dir, err := os.MkdirTemp(e.dir, "identity-")
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Authority.IssueFor(id, dir, from, to); err != nil {
		t.Fatal(err)
	}
	source, err := identity.LoadSource(dir)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// Verifier returns a verifier that trusts the issuer.
func (e *Env) Verifier() *identity.Verifier { return identity.NewVerifier(e.issuer.url(), nil) }

// Token returns an access token for a person with grants such as "lombardia/cremona/operator".
func (e *Env) Token(t testing.TB, subject string, grants ...string) string {
	t.Helper()
	return e.Sign(t, map[string]any{"sub": subject, "pari_grants": grants})
}

// Sign returns a token with the given claims. Issuer, audience and dates are valid unless claims overrides them.
func (e *Env) Sign(t testing.TB, claims map[string]any) string {
	t.Helper()
	return e.issuer.sign(t, claims)
}
