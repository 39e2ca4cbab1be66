package api

import "github.com/retepari/pari/services/directory/internal/store"

// Read is what a server has read.
func (s *Server) Read() store.Contents { return *s.read.Load() }

// OneView tells whether everybody sees the same.
func OneView(s *Server) bool {
	v := s.shown.Load()
	return v.all == v.public && len(v.nodes) == 0
}
