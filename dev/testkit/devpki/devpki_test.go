package devpki_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/retepari/pari/dev/testkit/devpki"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
)

var intake = identity.ID{
	TrustDomain: "pari.test", Tenant: tenant.ID{Region: "lombardia", Node: "cremona"},
	Kind: identity.KindService, Name: "intake",
}

// Ensure an authority is created once, and that what it issues loads as the identity, with the given dates.
func TestAuthority(t *testing.T) {
	t.Parallel()
	dir, id := t.TempDir(), t.TempDir()
	first, err := devpki.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := devpki.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !first.Certificate().Equal(second.Certificate()) || second.CAPath() != filepath.Join(dir, identity.CAFile) {
		t.Error("the second call created another authority")
	}
	from, to := time.Now().Add(-2*time.Hour).UTC().Truncate(time.Second), time.Now().UTC().Truncate(time.Second)
	if err := second.IssueFor(intake, id, from, to); err != nil {
		t.Fatal(err)
	}
	source, err := identity.LoadSource(id)
	if err != nil || source.ID() != intake {
		t.Fatalf("loaded %v, %v", source.ID(), err)
	}
	cert, err := source.ServerTLS().GetCertificate(nil)
	if err != nil || !cert.Leaf.NotBefore.Equal(from) || !cert.Leaf.NotAfter.Equal(to) {
		t.Errorf("valid from %s to %s, %v", cert.Leaf.NotBefore, cert.Leaf.NotAfter, err)
	}
	if err := cert.Leaf.CheckSignatureFrom(first.Certificate()); err != nil {
		t.Error(err)
	}
}

// Ensure an authority whose key is missing or damaged is an error: a new one would not match the certificates issued.
func TestOpen_RefusesAnIncompleteAuthority(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(key string) error{
		"missing": os.Remove,
		"damaged": func(key string) error { return os.WriteFile(key, []byte("x"), 0o600) },
	} {
		dir := t.TempDir()
		if _, err := devpki.Open(dir); err != nil {
			t.Fatal(err)
		}
		if err := damage(filepath.Join(dir, "ca-key.pem")); err != nil {
			t.Fatal(err)
		}
		if _, err := devpki.Open(dir); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}

// Ensure only services and brokers get a certificate with which a server can be run.
func TestIssue_LimitsThePurpose(t *testing.T) {
	t.Parallel()
	a, err := devpki.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	const client, server = x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth
	for kind, want := range map[string][]x509.ExtKeyUsage{
		identity.KindService: {client, server}, identity.KindLeaf: {client, server},
		identity.KindSystem: {client}, identity.KindOps: {client},
	} {
		id, dir := intake, t.TempDir()
		id.Kind = kind
		if err := a.Issue(id, dir); err != nil {
			t.Fatal(err)
		}
		pair, err := tls.LoadX509KeyPair(filepath.Join(dir, identity.CertFile), filepath.Join(dir, identity.KeyFile))
		if err != nil || !slices.Equal(pair.Leaf.ExtKeyUsage, want) {
			t.Errorf("%s: %v, %v", kind, pair.Leaf.ExtKeyUsage, err)
		}
	}
}

// Ensure a signing key is created once, and its public half verifies what it signs.
func TestCreateSigningKey(t *testing.T) {
	t.Parallel()
	dir, public := t.TempDir(), t.TempDir()
	var first []byte
	for range 2 {
		path, err := devpki.CreateSigningKey("lombardia.cremona", dir, public)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(path)
		if err != nil || first != nil && !bytes.Equal(raw, first) {
			t.Fatalf("the second call replaced the key, %v", err)
		}
		first = raw
	}
	signer, err := bus.LoadSigner(filepath.Join(dir, "lombardia.cremona.key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := bus.LoadPublicKeys(public, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	message := []byte("m")
	if err := keys.Verify("lombardia.cremona", signer.KeyID(), message, signer.Sign(message)); err != nil {
		t.Error(err)
	}
}
