package identity

// MaxVerified is the bound of the cache of verified certificates.
const MaxVerified = maxVerified

// Verified returns how many certificates the cache holds.
func (s *Source) Verified() int {
	s.verified.mu.Lock()
	defer s.verified.mu.Unlock()
	return len(s.verified.known)
}
