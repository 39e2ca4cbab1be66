package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"math/big"
	"net/url"
	"testing"
	"time"

	"github.com/retepari/pari/pkg/tenant"
)

// certificate issues a certificate; without a parent it is an authority.
func certificate(
	t *testing.T, template *x509.Certificate, parent *x509.Certificate, parentKey *ecdsa.PrivateKey,
) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(1)
	if template.IsCA {
		template.BasicConstraintsValid, template.KeyUsage = true, x509.KeyUsageCertSign
	}
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c, key
}

// Ensure a cached certificate is valid only while every certificate of its chain is.
func TestVerifiedCache_EndsWithTheChain(t *testing.T) {
	t.Parallel()
	now := time.Now().Truncate(time.Second)
	long, short := now.Add(24*time.Hour), now.Add(time.Hour)
	id := ID{
		TrustDomain: "pari.test",
		Tenant:      tenant.ID{Region: "lombardia", Node: "cremona"},
		Kind:        KindSystem,
		Name:        "portal",
	}
	ca, caKey := certificate(t, &x509.Certificate{
		IsCA: true, NotBefore: now.Add(-24 * time.Hour), NotAfter: long,
	}, nil, nil)
	intermediate, intermediateKey := certificate(t, &x509.Certificate{
		IsCA: true, NotBefore: now.Add(-time.Hour), NotAfter: short,
	}, ca, caKey)
	leaf, _ := certificate(t, &x509.Certificate{
		NotBefore: now.Add(-24 * time.Hour), NotAfter: long, URIs: []*url.URL{id.URL()},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, intermediate, intermediateKey)
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	chain := []*x509.Certificate{leaf, intermediate}
	cache := &verifiedCache{}
	for _, c := range []struct {
		at time.Time
		ok bool
	}{
		{now, true}, {short, true}, {short.Add(time.Second), false}, {now.Add(-time.Hour), true},
		{now.Add(-time.Hour - time.Second), false},
	} {
		if got, err := cache.verify(chain, roots, x509.ExtKeyUsageClientAuth, c.at); (err == nil) != c.ok {
			t.Errorf("at %s: got %v, %v", c.at.Sub(now), got, err)
		}
	}
}

// Ensure a certificate for servers does not authenticate a client.
func TestVerify_ChecksThePurpose(t *testing.T) {
	t.Parallel()
	now := time.Now()
	id := ID{
		TrustDomain: "pari.test",
		Tenant:      tenant.ID{Region: "lombardia", Node: "cremona"},
		Kind:        KindService,
		Name:        "intake",
	}
	ca, caKey := certificate(t, &x509.Certificate{
		IsCA: true, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
	}, nil, nil)
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	template := func(uris ...*url.URL) *x509.Certificate {
		return &x509.Certificate{
			NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), URIs: uris,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		}
	}
	for name, c := range map[string]struct {
		uris  []*url.URL
		usage x509.ExtKeyUsage
		ok    bool
	}{
		"server":         {[]*url.URL{id.URL()}, x509.ExtKeyUsageServerAuth, true},
		"client":         {[]*url.URL{id.URL()}, x509.ExtKeyUsageClientAuth, false},
		"no identity":    {nil, x509.ExtKeyUsageServerAuth, false},
		"two identities": {[]*url.URL{id.URL(), id.URL()}, x509.ExtKeyUsageServerAuth, false},
	} {
		leaf, _ := certificate(t, template(c.uris...), ca, caKey)
		if got, err := verify([]*x509.Certificate{leaf}, roots, c.usage, now); (err == nil) != c.ok {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	if _, err := verify(nil, roots, x509.ExtKeyUsageServerAuth, now); err == nil {
		t.Error("an empty chain was verified")
	}
	if _, err := (&verifiedCache{}).verify(nil, roots, x509.ExtKeyUsageServerAuth, now); err == nil {
		t.Error("the cache verified an empty chain")
	}
}

// Ensure a verified certificate is not verified again under the same authorities, and is under others.
func TestVerifiedCache_ReusesVerifications(t *testing.T) {
	t.Parallel()
	now := time.Now()
	id := ID{
		TrustDomain: "pari.test",
		Tenant:      tenant.ID{Region: "lombardia", Node: "cremona"},
		Kind:        KindSystem,
		Name:        "portal",
	}
	valid := func() *x509.Certificate {
		return &x509.Certificate{
			NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), URIs: []*url.URL{id.URL()},
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		}
	}
	authority := valid()
	authority.IsCA = true
	ca, caKey := certificate(t, authority, nil, nil)
	leaf, _ := certificate(t, valid(), ca, caKey)
	roots, again := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(ca)
	again.AddCert(ca)
	cache := &verifiedCache{}
	verify := func(roots *x509.CertPool) ID {
		t.Helper()
		got, err := cache.verify([]*x509.Certificate{leaf}, roots, x509.ExtKeyUsageClientAuth, now)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := verify(roots); got != id {
		t.Fatalf("got %v", got)
	}
	cached := cache.known[verifiedKey{leaf, x509.ExtKeyUsageClientAuth}]
	cached.id.Name = "cached"
	cache.known[verifiedKey{leaf, x509.ExtKeyUsageClientAuth}] = cached
	if got := verify(roots); got.Name != "cached" {
		t.Error("the certificate was verified again")
	}
	if got := verify(again); got != id {
		t.Errorf("under other authorities: got %v", got)
	}
}
