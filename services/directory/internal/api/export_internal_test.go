package api

import "github.com/retepari/pari/services/directory/internal/store"

// Snapshot is what a server has read.
func (s *Server) Snapshot() store.Snapshot { return *s.snapshot.Load() }

// HasSingleView tells whether everybody sees the same.
func HasSingleView(s *Server) bool {
	v := s.views.Load()
	return v.all == v.public && len(v.nodes) == 0
}
