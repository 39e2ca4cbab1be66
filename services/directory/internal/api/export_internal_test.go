package api

import "github.com/retepari/pari/services/directory/internal/store"

// Read is what a server has read.
func (s *Server) Read() store.Contents { return *s.read.Load() }
