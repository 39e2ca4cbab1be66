package territory

// Filter chooses places. Empty fields do not restrict.
type Filter struct {
	// Within is the code of a place in which they lie, at any level; it does not lie in itself.
	Within string
	Kind   Kind
	// Day is the day on which they exist, as ISO 8601.
	Day string
}

func (f Filter) matches(p *Place) bool {
	return (f.Within == "" || p.Province == f.Within || p.Region == f.Within) && (f.Kind == "" || p.Kind == f.Kind) && (f.Day == "" || p.existsOn(f.Day))
}

// Page returns the places after the one with a code ("" for the first), in the order of ParseFS, at most size, and whether more
// follow. After a code that is unknown nothing follows.
func (x *Index) Page(f Filter, after string, size int) (page []Place, more bool) {
	start := 0
	if after != "" {
		i, ok := x.byCode[after]
		if !ok {
			return nil, false
		}
		start = i + 1
	}
	for i := start; i < len(x.places); i++ {
		if !f.matches(&x.places[i]) {
			continue
		}
		if len(page) == size {
			return page, true
		}
		page = append(page, x.places[i])
	}
	return page, false
}
