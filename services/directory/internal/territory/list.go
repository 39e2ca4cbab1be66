package territory

// Filter selects places. An empty field matches all of them.
type Filter struct {
	// Within is the code of a place that contains them, at any level. A place does not contain itself.
	Within string
	Kind   Kind
	// Day is a day on which they exist, in ISO 8601.
	Day string
}

func (f Filter) matches(p *Place) bool {
	return (f.Within == "" || p.Province == f.Within || p.Region == f.Within) &&
		(f.Kind == "" || p.Kind == f.Kind) && (f.Day == "" || p.existsOn(f.Day))
}

// Page returns at most size places that match the filter and follow a code ("" for the first page), in the order of
// ParseFS, and whether more follow. Nothing follows an unknown code.
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
