package identity

import (
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"time"
)

// judged remembers certificates that were found good, so that every call can be judged without verifying signatures anew. A
// judgement holds under the authorities that it was made under, and while every certificate of its chain is valid. It is
// about the certificate in memory that a connection holds, not about one that looks like it.
type judged struct {
	mu    sync.Mutex
	roots *x509.CertPool
	known map[*x509.Certificate]judgement
}

type judgement struct {
	id          ID
	from, until time.Time
}

var errNoChain = errors.New("no certificate")

// maxJudged bounds the memory that strangers can fill.
const maxJudged = 1024

func (j *judged) verify(chain []*x509.Certificate, roots *x509.CertPool, usage x509.ExtKeyUsage, now time.Time) (ID, error) {
	if len(chain) == 0 {
		return ID{}, errNoChain
	}
	j.mu.Lock()
	if j.roots != roots || len(j.known) >= maxJudged {
		j.roots, j.known = roots, map[*x509.Certificate]judgement{}
	}
	found, ok := j.known[chain[0]]
	j.mu.Unlock()
	if ok && !now.Before(found.from) && !now.After(found.until) {
		return found.id, nil
	}
	good, err := verify(chain, roots, usage, now)
	if err != nil {
		return ID{}, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.roots == roots {
		j.known[chain[0]] = good
	}
	return good.id, nil
}

func verify(chain []*x509.Certificate, roots *x509.CertPool, usage x509.ExtKeyUsage, now time.Time) (judgement, error) {
	if len(chain) == 0 {
		return judgement{}, errNoChain
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	paths, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{usage}})
	if err != nil {
		return judgement{}, fmt.Errorf("certificate: %w", err)
	}
	id, err := idOf(chain[0])
	if err != nil {
		return judgement{}, err
	}
	good := judgement{id: id, from: chain[0].NotBefore, until: chain[0].NotAfter}
	for _, c := range paths[0] {
		if c.NotBefore.After(good.from) {
			good.from = c.NotBefore
		}
		if c.NotAfter.Before(good.until) {
			good.until = c.NotAfter
		}
	}
	return good, nil
}
