// Package territory is the places of Italy by their ISTAT codes: regions, provinces and municipalities, with the forms of
// their names, their validity, and what became of those that are no more. It finds a place by a name as people write it,
// in the languages that name it, with a slip of the pen.
//
// It is pure: values in, values out; what it reads comes as a file system or a reader. It promises that places returned by
// ParseFS keep every rule: codes are unique, parents and successors exist, days are days. It does not know where a place is on
// the map, nor addresses, nor places without an ISTAT code (ONLINE, ABROAD): those are codes of the vocabulary.
package territory

import "time"

// Kind is the level of a place.
type Kind string

// The three levels. A metropolitan city, a free consortium and an autonomous province count as provinces.
const (
	Region       Kind = "REGION"
	Province     Kind = "PROVINCE"
	Municipality Kind = "MUNICIPALITY"
)

// Italian is the language of a place's own name in Place.Names.
const Italian = "it"

// Place is a region, a province or a municipality.
type Place struct {
	// Code is the ISTAT code, as text: two digits for a region, three for a province, six for a municipality. A code is never
	// given to another place.
	Code string
	Kind Kind
	// Name is the name in force last. A bilingual one holds both halves: "Bolzano/Bozen".
	Name string
	// Names are further forms by language (ISO 639): official ones, short ones, exonyms. Under "it" they are other Italian forms.
	Names map[string][]string
	// Former are the names that it bore before Name, oldest first.
	Former []string
	// Province and Region are the codes of what it lies in. A province has no Province, a region neither.
	Province, Region string
	// Sign is the two letters of the province: "CR". A region has none.
	Sign string
	// NUTS is the code of level 2 for a region, of level 3 for a province (NUTS 2021). Municipalities have none.
	NUTS string
	// CadastralCode is that of the land registry, which outlives a change of province: "D150". Empty: not known.
	CadastralCode string
	// IPACode names the body in the index of public administrations. Empty: not known.
	IPACode string
	// ValidFrom and ValidTo are the first and the last day on which it existed, as ISO 8601. Empty: open.
	ValidFrom, ValidTo string
	// Successor is the code of what it became part of, when it ended and that is known.
	Successor string
}

// ExistsOn tells whether the place existed on the day, as its calendar day stands in the given time's own zone.
func (p *Place) ExistsOn(day time.Time) bool { return p.existsOn(day.Format(time.DateOnly)) }

func (p *Place) existsOn(day string) bool {
	return (p.ValidFrom == "" || p.ValidFrom <= day) && (p.ValidTo == "" || day <= p.ValidTo)
}

// Parent is the code of the place right above: the province of a municipality, the region of a province, nothing for a region.
func (p *Place) Parent() string {
	if p.Kind == Municipality {
		return p.Province
	}
	return p.Region
}
