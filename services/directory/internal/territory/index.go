package territory

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Index answers questions about places. It does not change once built, and serves any number of goroutines.
type Index struct {
	places   []Place
	byCode   map[string]int
	children map[string][]int
	forms    []form
	byKey    map[string][]int32 // forms by plain and loose key
	sorted   []string           // the keys in order, for prefixes
	shapes   [][]shape          // the keys by length, for typing errors
}

// form is one name of one place.
type form struct {
	name   string
	place  int32
	reason Reason
}

// NewIndex builds the index of places as ParseFS returns them.
func NewIndex(places []Place) *Index {
	x := &Index{places: slices.Clone(places), byCode: make(map[string]int, len(places)), children: map[string][]int{}, byKey: map[string][]int32{}}
	for i := range x.places {
		p := &x.places[i]
		x.byCode[p.Code] = i
		if up := p.Parent(); up != "" {
			x.children[up] = append(x.children[up], i)
		}
		x.addNames(i, Exact, p.Name)
		x.addNames(i, OtherName, p.Former...)
		for _, language := range slices.Sorted(maps.Keys(p.Names)) {
			reason := OtherLanguage
			if language == Italian {
				reason = OtherName
			}
			x.addNames(i, reason, p.Names[language]...)
		}
		if p.Kind == Province {
			x.addNames(i, OtherName, p.Sign)
		}
	}
	x.sorted = slices.Sorted(maps.Keys(x.byKey))
	for _, key := range x.sorted {
		x.addShape(key)
	}
	return x
}

func (x *Index) addNames(place int, reason Reason, names ...string) {
	for _, name := range names {
		f := int32(len(x.forms))
		x.forms = append(x.forms, form{name: name, place: int32(place), reason: reason})
		k := fold(name)
		x.byKey[k.plain] = append(x.byKey[k.plain], f)
		if k.loose != k.plain {
			x.byKey[k.loose] = append(x.byKey[k.loose], f)
		}
	}
}

// isProvinceCapital tells whether a municipality bears the name of its province.
func (x *Index) isProvinceCapital(place int) bool {
	p := &x.places[place]
	up, ok := x.byCode[p.Province]
	return ok && (x.places[up].Name == p.Name || slices.Contains(x.places[up].Names[Italian], p.Name))
}

// All returns all places, past ones too, in the order of ParseFS.
func (x *Index) All() []Place { return slices.Clone(x.places) }

// ByCode returns the place with an ISTAT code, past ones too.
func (x *Index) ByCode(code string) (Place, bool) {
	i, ok := x.byCode[code]
	if !ok {
		return Place{}, false
	}
	return x.places[i], true
}

// Parents returns the places in which the place lies, the nearest first.
func (x *Index) Parents(code string) []Place {
	var out []Place
	for p, ok := x.ByCode(code); ok; {
		if p, ok = x.ByCode(p.Parent()); ok {
			out = append(out, p)
		}
	}
	return out
}

// Children returns the places right below the place that exist on the day, by code.
func (x *Index) Children(code string, day time.Time) []Place {
	var out []Place
	for _, i := range x.children[code] {
		if x.places[i].ExistsOn(day) {
			out = append(out, x.places[i])
		}
	}
	slices.SortFunc(out, func(a, b Place) int { return cmp.Compare(a.Code, b.Code) })
	return out
}

// IsWithin tells whether a place is the other one or lies in it.
func (x *Index) IsWithin(code, ancestor string) bool {
	p, ok := x.ByCode(code)
	return ok && ancestor != "" && (p.Code == ancestor || p.Province == ancestor || p.Region == ancestor)
}

// ListOn returns the places that exist on the day, in the order of ParseFS.
func (x *Index) ListOn(day time.Time) []Place {
	return slices.DeleteFunc(x.All(), func(p Place) bool { return !p.ExistsOn(day) })
}

// Current returns what a place has become by the day: itself while it exists, else the successor that does. It finds nothing for
// a place that is yet to be, or that ended without a successor.
func (x *Index) Current(code string, day time.Time) (Place, bool) {
	i, ok := x.byCode[code]
	if ok {
		i, ok = x.currentIndex(i, day.Format(time.DateOnly))
	}
	if !ok {
		return Place{}, false
	}
	return x.places[i], true
}

func (x *Index) currentIndex(i int, day string) (int, bool) {
	for !x.places[i].existsOn(day) {
		p := &x.places[i]
		next, ok := x.byCode[p.Successor]
		if !ok || day <= p.ValidTo {
			return 0, false
		}
		i = next
	}
	return i, true
}
