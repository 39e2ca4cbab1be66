package office

import (
	"slices"
	"time"

	"github.com/retepari/pari/services/directory/internal/opening"
)

// Places maps a municipality to its province and a province to its region, by ISTAT code. A place without an ISTAT code
// has neither.
type Places map[string]string

// Province returns the province of a municipality, else "".
func (p Places) Province(code string) string {
	if len(code) != 6 {
		return ""
	}
	return p[code]
}

// Region returns the region of a municipality or a province, else "".
func (p Places) Region(code string) string {
	if province := p.Province(code); province != "" {
		code = province
	}
	return p[code]
}

// Index holds offices for search. It is immutable: With returns a new index.
type Index struct {
	offices []*Compiled
	places  Places

	byID map[string]int
	// Positions of the offices that serve a territory itself, a municipality of a province, or any place in a region.
	byTerritory, byProvince, byRegion map[string][]int
}

// Compiled is an office with its compiled opening hours. Compiling is the expensive part of an index, so indexes share
// it.
type Compiled struct {
	Office

	plans plans
}

// Compile compiles the opening hours of an office.
func Compile(o Office) *Compiled { return &Compiled{Office: o, plans: compilePlans(&o)} }

// NewIndex indexes offices.
func NewIndex(offices []*Compiled, places Places) *Index {
	return (&Index{places: places}).With(offices)
}

// With returns an index that also holds more offices.
func (x *Index) With(more []*Compiled) *Index {
	all := slices.Concat(x.offices, more)
	slices.SortFunc(all, func(a, b *Compiled) int { return a.Key().Compare(b.Key()) })
	out := &Index{
		offices: all, places: x.places, byID: make(map[string]int, len(all)),
		byTerritory: map[string][]int{}, byProvince: map[string][]int{}, byRegion: map[string][]int{},
	}
	for i, o := range all {
		out.byID[o.ID] = i
		for _, territory := range o.Territories {
			appendOnce(out.byTerritory, territory, i)
			appendOnce(out.byProvince, x.places.Province(territory), i)
			appendOnce(out.byRegion, x.places.Region(territory), i)
		}
	}
	return out
}

// appendOnce appends a position unless it was the last one. Positions come in ascending order.
func appendOnce(positions map[string][]int, key string, i int) {
	if list := positions[key]; len(list) == 0 || list[len(list)-1] != i {
		positions[key] = append(list, i)
	}
}

// Get returns an office. The caller must not modify it.
func (x *Index) Get(id string) (*Office, bool) {
	i, ok := x.byID[id]
	if !ok {
		return nil, false
	}
	return &x.offices[i].Office, true
}

// StateAt returns the opening state of the counter of an office at a moment. It is unknown for an unknown office.
func (x *Index) StateAt(id string, moment time.Time) opening.State {
	i, ok := x.byID[id]
	if !ok {
		return opening.State{}
	}
	return x.offices[i].plans.stateAt("", moment)
}

// Page returns at most size offices that follow a key, of one node ("" for all), and whether more follow.
func (x *Index) Page(after Key, node string, size int) (page []*Office, more bool) {
	compare := func(o *Compiled, k Key) int { return o.Key().Compare(k) }
	start, found := slices.BinarySearchFunc(x.offices, after, compare)
	if found {
		start++
	}
	for i := start; i < len(x.offices); i++ {
		if node != "" && x.offices[i].Node != node {
			continue
		}
		if len(page) == size {
			return page, true
		}
		page = append(page, &x.offices[i].Office)
	}
	return page, false
}
