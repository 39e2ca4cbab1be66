package territory

import (
	"maps"
	"slices"
	"time"
)

// Index answers queries about places. It is immutable and safe for concurrent use.
type Index struct {
	places []Place
	byCode map[string]int
	forms  []form
	byKey  map[string][]int32 // forms by plain and loose key
	sorted []string           // the keys in order, for prefixes
	shapes [][]shape          // the keys by length, for typing errors
}

// form is one name of one place.
type form struct {
	name   string
	place  int32
	reason Reason
}

// NewIndex indexes places in the order in which ParseFS returns them.
func NewIndex(places []Place) *Index {
	x := &Index{
		places: slices.Clone(places), byCode: make(map[string]int, len(places)), byKey: map[string][]int32{},
	}
	for i := range x.places {
		p := &x.places[i]
		x.byCode[p.Code] = i
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
			x.addNames(i, OtherName, p.Abbreviation)
		}
	}
	x.sorted = slices.Sorted(maps.Keys(x.byKey))
	for _, key := range x.sorted {
		x.addShape(key)
	}
	return x
}

// addNames indexes names of a place under their plain and loose keys.
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

// isProvinceCapital reports whether a municipality has the name of its province.
func (x *Index) isProvinceCapital(place int) bool {
	p := &x.places[place]
	province, _ := x.ByCode(p.Province)
	return province.Name == p.Name || slices.Contains(province.Names[Italian], p.Name)
}

// All returns all places, including ended ones, in the order of ParseFS.
func (x *Index) All() []Place { return slices.Clone(x.places) }

// ByCode returns the place with an ISTAT code, including ended ones.
func (x *Index) ByCode(code string) (Place, bool) {
	i, ok := x.byCode[code]
	if !ok {
		return Place{}, false
	}
	return x.places[i], true
}

// Parents returns the places that contain a place, the nearest first.
func (x *Index) Parents(code string) []Place {
	var out []Place
	for p, ok := x.ByCode(code); ok; {
		if p, ok = x.ByCode(p.Parent()); ok {
			out = append(out, p)
		}
	}
	return out
}

// Current returns what a place has become by a day: the place itself while it exists, else its first successor that
// exists. It fails for a place that does not exist yet, or that ended without a successor.
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

// currentIndex is Current for positions.
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
