package office

import (
	"slices"
	"time"

	"github.com/retepari/pari/services/directory/internal/opening"
)

// Places tells where a place lies: a municipality in a province, a province in a region. Codes are those of the list of
// territories; a place without an ISTAT code lies nowhere.
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

// Index is all offices, ready to be found. It never changes: what is loaded later makes another one.
type Index struct {
	offices []*Compiled
	places  Places

	byID map[string]int
	// Positions of the offices that serve a territory by name, that serve a municipality of a province, and that serve
	// anything in a byRegion.
	byTerritory, byProvince, byRegion map[string][]int
}

// Compiled is an office of which it was worked out when it is open: the dear part of an index, which many may share.
type Compiled struct {
	Office

	plans plans
}

// Compile works out when an office is open.
func Compile(o Office) *Compiled { return &Compiled{Office: o, plans: compilePlans(&o)} }

// NewIndex indexes offices.
func NewIndex(offices []*Compiled, places Places) *Index {
	return (&Index{places: places}).With(offices)
}

// With returns an index that holds more offices besides.
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

// appendOnce appends a position, which grows from call to call, once.
func appendOnce(positions map[string][]int, key string, i int) {
	if got := positions[key]; key != "" && (len(got) == 0 || got[len(got)-1] != i) {
		positions[key] = append(got, i)
	}
}

// Get returns an office.
func (x *Index) Get(id string) (*Office, bool) {
	i, ok := x.byID[id]
	if !ok {
		return nil, false
	}
	return &x.offices[i].Office, true
}

// StateAt tells whether the counter of an office is open at a moment.
func (x *Index) StateAt(id string, moment time.Time) opening.State {
	i, ok := x.byID[id]
	if !ok {
		return opening.State{}
	}
	return x.offices[i].plans.stateAt("", moment)
}

// Page returns the offices after a key, at most size, of one node or of all ("" for all), and whether more follow.
func (x *Index) Page(after Key, node string, size int) (page []*Office, more bool) {
	start, found := slices.BinarySearchFunc(x.offices, after, func(o *Compiled, k Key) int { return o.Key().Compare(k) })
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
