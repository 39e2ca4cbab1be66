package seal

import "github.com/jackc/pgx/v5/pgxpool"

// Unused returns how many keys of a node are ready to be handed out.
func (s *KeyStore) Unused(node string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.unused[node])
}

// Refilling reports whether a refill for a node is running.
func (s *KeyStore) Refilling(node string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refilling[node]
}

// SetDB replaces the key database. No refill may be running.
func (s *KeyStore) SetDB(db *pgxpool.Pool) { s.db = db }
