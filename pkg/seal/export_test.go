package seal

import (
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/tenant"
)

// Unused returns how many keys of a tenant are ready to be handed out.
func (s *KeyStore) Unused(t tenant.ID) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.unused[t])
}

// Refilling reports whether a refill for a tenant is running.
func (s *KeyStore) Refilling(t tenant.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refills[t] != nil
}

// Age makes the unused keys of a tenant old enough to be checked.
func (s *KeyStore) Age(t tenant.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range s.unused[t] {
		key.batch.stored = key.batch.stored.Add(-storedFor)
	}
}

// SetDB replaces the key database. No refill may be running.
func (s *KeyStore) SetDB(db *pgxpool.Pool) { s.db = db }

// PadForTest and UnpadForTest are pad and unpad.
var PadForTest, UnpadForTest = pad, unpad
