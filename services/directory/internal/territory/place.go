// Package territory models the places of Italy by ISTAT code: regions, provinces and municipalities, with their names,
// their validity and the successors of ended ones. It finds a place by name as people write it, in several languages
// and with typing errors.
//
// The places that ParseFS returns are consistent: codes are unique, parents and successors exist, dates are valid. The
// package knows neither coordinates nor addresses, nor places without an ISTAT code (ONLINE, ABROAD), which are codes
// of the vocabulary. It reads from a file system or a reader and starts no goroutines.
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
	// Code is the ISTAT code: two digits for a region, three for a province, six for a municipality. ISTAT never reuses
	// a code.
	Code string
	Kind Kind
	// Name is the latest name. A bilingual one holds both parts: "Bolzano/Bozen".
	Name string
	// Names are other names by language (ISO 639): official and short ones, exonyms. Under "it" they are other Italian
	// names.
	Names map[string][]string
	// Former are the names before Name, oldest first.
	Former []string
	// Province and Region are the codes of the places that contain it. A province has no Province, a region neither.
	Province, Region string
	// Abbreviation is the two-letter one of the province: "CR". A region has none.
	Abbreviation string
	// NUTS is the NUTS 2021 code: of level 2 for a region, of level 3 for a province. Municipalities have none.
	NUTS string
	// CadastralCode is the code of the land registry, which survives a change of province: "D150". It is empty if
	// unknown.
	CadastralCode string
	// IPACode identifies the body in the index of public administrations. It is empty if unknown.
	IPACode string
	// ValidFrom and ValidTo are the first and the last day on which it exists, in ISO 8601. An empty end is open.
	ValidFrom, ValidTo string
	// Successor is the code of the place that it became part of when it ended, or empty if unknown.
	Successor string
}

// ExistsOn reports whether the place exists on a day, in the time zone of the given time.
func (p *Place) ExistsOn(day time.Time) bool { return p.existsOn(day.Format(time.DateOnly)) }

func (p *Place) existsOn(day string) bool {
	return p.ValidFrom <= day && (p.ValidTo == "" || day <= p.ValidTo)
}

// Parent returns the code of the containing place: the province of a municipality, the region of a province, "" for a
// region.
func (p *Place) Parent() string {
	if p.Kind == Municipality {
		return p.Province
	}
	return p.Region
}
