// Package rpctest serves a gRPC service in a test as production does: TLS on loopback, the interceptors of package rpc,
// certificates of a private authority, and access tokens of a private OIDC issuer.
//
// NewEnv starts the issuer and Env.Start starts a server, each in goroutines of its own. Both stop when the test
// ends.
package rpctest

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/retepari/pari/dev/testkit/devpki"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
)

// TrustDomain is the trust domain of all test identities.
const TrustDomain = "pari.test"

// ID returns the identity of a program in the test network; kind is one of the kinds in package identity.
func ID(region, node, kind, name string) identity.ID {
	return identity.ID{TrustDomain: TrustDomain, Tenant: tenant.ID{Region: region, Node: node}, Kind: kind, Name: name}
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

// SourceDenying is Source with a deny list.
func (e *Env) SourceDenying(t testing.TB, id identity.ID, denyFile string) *identity.Source {
	t.Helper()
	return e.source(t, id, denyFile, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
}

// SourceFor is Source with other dates of validity.
func (e *Env) SourceFor(t testing.TB, id identity.ID, from, to time.Time) *identity.Source {
	t.Helper()
	return e.source(t, id, "", from, to)
}

func (e *Env) source(t testing.TB, id identity.ID, denyFile string, from, to time.Time) *identity.Source {
	t.Helper()
	dir, err := os.MkdirTemp(e.dir, "identity-")
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Authority.IssueFor(id, dir, from, to); err != nil {
		t.Fatal(err)
	}
	source, err := identity.NewSource(identity.SourceConfig{Dir: dir, DenyFile: denyFile})
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// Issuers returns issuers of which the env's is the only one. It may give every role to every tenant that tests use.
func (e *Env) Issuers(t testing.TB) *identity.Issuers {
	t.Helper()
	path := filepath.Join(e.dir, "issuers.yaml")
	if err := os.WriteFile(path, e.issuer.configuration(), 0o600); err != nil {
		t.Fatal(err)
	}
	issuers, err := identity.LoadIssuers(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return issuers
}

// Grants gives roles to systems at their own tenant.
func Grants(t testing.TB, roles map[identity.ID]string) *identity.Grants {
	t.Helper()
	var file strings.Builder
	for id, role := range roles {
		file.WriteString(id.String() + ": [" + role + "]\n")
	}
	path := filepath.Join(t.TempDir(), "grants.yaml")
	if err := os.WriteFile(path, []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	grants, err := identity.LoadGrants(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return grants
}

// Person is the person of a token with this subject.
func Person(subject string) string { return subject + "@" + issuerName }

// Token returns an access token for a person with grants such as "lombardia/cremona/operator".
func (e *Env) Token(t testing.TB, subject string, grants ...string) string {
	t.Helper()
	return e.Sign(t, map[string]any{"sub": subject, "groups": grants})
}

// IssuerURL is the identifier of the issuer.
func (e *Env) IssuerURL() string { return e.issuer.url() }

// SignType is Sign with another type in the header.
func (e *Env) SignType(t testing.TB, typ string, claims map[string]any) string {
	t.Helper()
	return e.issuer.sign(t, typ, claims)
}

// Sign returns a token with the given claims. Issuer, audience and dates are valid unless claims overrides them.
func (e *Env) Sign(t testing.TB, claims map[string]any) string {
	t.Helper()
	return e.issuer.sign(t, "at+jwt", claims)
}
