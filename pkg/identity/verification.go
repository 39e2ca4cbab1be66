package identity

import (
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"time"
)

// verifiedCache remembers verified certificates, so that a call does not verify signatures again. An entry is valid
// under the authorities that it was verified with, and while every certificate of its chain is. The key is the
// certificate that a connection holds in memory, not its contents.
type verifiedCache struct {
	mu    sync.Mutex
	roots *x509.CertPool
	known map[verifiedKey]verification
}

// verifiedKey is a certificate and what it was verified for.
type verifiedKey struct {
	cert  *x509.Certificate
	usage x509.ExtKeyUsage
}

// verification is the result of verifying a chain.
type verification struct {
	id                  ID
	notBefore, notAfter time.Time // of the certificate, or of the refusal
	err                 error
}

var errNoChain = errors.New("no certificate")

// rememberRefusal is how long a certificate stays refused without being verified again. It may become valid meanwhile.
const rememberRefusal = time.Second

// maxVerified bounds the memory that strangers can fill.
const maxVerified = 1024

func (c *verifiedCache) verify(
	chain []*x509.Certificate, roots *x509.CertPool, usage x509.ExtKeyUsage, now time.Time,
) (ID, error) {
	if len(chain) == 0 {
		return ID{}, errNoChain
	}
	key := verifiedKey{chain[0], usage}
	c.mu.Lock()
	if c.roots != roots || len(c.known) >= maxVerified {
		c.roots, c.known = roots, map[verifiedKey]verification{}
	}
	cached, ok := c.known[key]
	c.mu.Unlock()
	if ok && !now.Before(cached.notBefore) && !now.After(cached.notAfter) {
		return cached.id, cached.err
	}
	v, err := verify(chain, roots, usage, now)
	if err != nil {
		v = verification{notBefore: now, notAfter: now.Add(rememberRefusal), err: err}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.roots == roots {
		c.known[key] = v
	}
	return v.id, v.err
}

func verify(
	chain []*x509.Certificate, roots *x509.CertPool, usage x509.ExtKeyUsage, now time.Time,
) (verification, error) {
	if len(chain) == 0 {
		return verification{}, errNoChain
	}
	intermediates := x509.NewCertPool()
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	paths, err := chain[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: intermediates, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{usage},
	})
	if err != nil {
		return verification{}, fmt.Errorf("certificate: %w", err)
	}
	id, err := idOf(chain[0])
	if err != nil {
		return verification{}, err
	}
	v := verification{id: id, notBefore: chain[0].NotBefore, notAfter: chain[0].NotAfter}
	for _, c := range paths[0] {
		if c.NotBefore.After(v.notBefore) {
			v.notBefore = c.NotBefore
		}
		if c.NotAfter.Before(v.notAfter) {
			v.notAfter = c.NotAfter
		}
	}
	return v, nil
}
