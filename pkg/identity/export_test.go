package identity

import "time"

// MaxVerified is the bound of the cache of verified certificates.
const MaxVerified = maxVerified

// Verified returns how many certificates the cache holds.
func (s *Source) Verified() int {
	s.verified.mu.Lock()
	defer s.verified.mu.Unlock()
	return len(s.verified.known)
}

// WaitReload waits until the files are not being read.
func (s *Source) WaitReload() { s.checker.wait(); s.denied.checker.wait() }

// BlockReload makes each reading of the files wait until release is called.
func (s *Source) BlockReload() (release func()) {
	s.checker.mu.Lock()
	s.denied.checker.mu.Lock()
	return func() { s.checker.mu.Unlock(); s.denied.checker.mu.Unlock() }
}

// WaitReload waits until the file is not being read.
func (g *Grants) WaitReload() { g.file.checker.wait() }

// WaitReload waits until the file is not being read.
func (s *Issuers) WaitReload() { s.file.checker.wait() }

func (r *reloading) wait() {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for r.running.Load() {
		<-tick.C
	}
}

// AgeKeys makes the keys of the issuers, and what is remembered of them, older.
func (s *Issuers) AgeKeys(by time.Duration) {
	for _, i := range *s.file.value.Load() {
		if old := i.keys.Load(); old != nil {
			i.keys.Store(&issuerKeys{old.at.Add(-by), old.verifiers})
		}
		i.renewedAt.Add(-int64(by))
		transport, _ := i.client.Transport.(*rememberingTransport)
		transport.mu.Lock()
		for url, a := range transport.known {
			a.at = a.at.Add(-by)
			transport.known[url] = a
		}
		transport.mu.Unlock()
	}
}
