package api

import "github.com/retepari/pari/services/directory/internal/store"

// Snapshot returns the snapshot of a server.
func (s *Server) Snapshot() store.Snapshot { return *s.snapshot.Load() }

// HasSingleView reports whether all callers share one view.
func HasSingleView(s *Server) bool {
	v := s.views.Load()
	return v.all == v.public && len(v.nodes) == 0
}
