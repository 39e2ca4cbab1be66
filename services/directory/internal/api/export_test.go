package api

// OneView tells whether everybody sees the same.
func OneView(s *Server) bool {
	v := s.shown.Load()
	return v.all == v.public && len(v.nodes) == 0
}
