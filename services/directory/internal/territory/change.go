package territory

import "time"

// ChangeKind is what happened to a municipality.
type ChangeKind string

// The kinds of change. The first three end a code on the day before: the municipality merged into its successor, moved
// to another province and got the code of its successor, or ended with an unknown successor.
const (
	Merged          ChangeKind = "MERGED"
	ProvinceChanged ChangeKind = "PROVINCE_CHANGED"
	Ended           ChangeKind = "ENDED"
	Established     ChangeKind = "ESTABLISHED"
	Renamed         ChangeKind = "RENAMED"
)

// Change is one row of changes.csv: a change of the municipality Code from Date on.
type Change struct {
	Date            string
	Kind            ChangeKind
	Code, Successor string
	// Name is the new name for ESTABLISHED and RENAMED, else the name of the ended municipality, for the reader.
	Name          string
	CadastralCode string
	Source        string
}

var changeColumns = []string{"date", "kind", "istat_code", "successor", "name", "cadastral_code", "source"}

func (c Change) record() []string {
	return []string{c.Date, string(c.Kind), c.Code, c.Successor, c.Name, c.CadastralCode, c.Source}
}

// addChange applies one row to the places parsed so far. Rows must be in the order of their dates.
func (p *parser) addChange(field func(string) string) {
	c := Change{
		Date: p.checkDay(field("date")), Kind: ChangeKind(field("kind")), Code: field("istat_code"),
		Successor: field("successor"),
		Name:      field("name"), CadastralCode: field("cadastral_code"), Source: field("source"),
	}
	if c.Date == "" || c.Source == "" {
		p.problemf("change of %s: date or source is missing", c.Code)
		return
	}
	if c.Date < p.lastDay {
		p.problemf("change of %s on %s follows one on %s", c.Code, c.Date, p.lastDay)
	}
	p.lastDay = c.Date
	switch c.Kind {
	case Established:
		p.establish(c)
	case Merged, ProvinceChanged, Ended:
		p.endPlace(c)
	case Renamed:
		if place := p.lookup(c.Code); place != nil && place.Name != c.Name {
			place.Former = append(place.Former, place.Name)
			place.Name = c.Name
		}
	default:
		p.problemf("change of %s: unknown kind %q", c.Code, c.Kind)
	}
}

// establish adds a municipality. The code of its province is the prefix of its code.
func (p *parser) establish(c Change) {
	place := Place{
		Code: c.Code, Kind: Municipality, Name: c.Name, CadastralCode: c.CadastralCode, ValidFrom: c.Date,
		Province: c.Code[:min(3, len(c.Code))],
	}
	if parent := p.places[place.Province]; parent != nil {
		place.Region, place.Abbreviation = parent.Region, parent.Abbreviation
	}
	p.addPlace(place)
}

// endPlace ends a municipality on the day before the change.
func (p *parser) endPlace(c Change) {
	place := p.lookup(c.Code)
	if place == nil {
		return
	}
	if place.Kind != Municipality || place.ValidTo != "" {
		p.problemf("place %s cannot end on %s: it is a %s that ends on %q", c.Code, c.Date, place.Kind, place.ValidTo)
		return
	}
	if (c.Kind == Ended) != (c.Successor == "") {
		p.problemf("place %s: %s with successor %q", c.Code, c.Kind, c.Successor)
	}
	last, err := time.Parse(time.DateOnly, c.Date)
	if err != nil { // unreachable: checkDay has parsed it
		p.problemf("%w", err)
		return
	}
	place.ValidTo, place.Successor = last.AddDate(0, 0, -1).Format(time.DateOnly), c.Successor
	if place.ValidFrom > place.ValidTo {
		p.problemf("place %s ends before it begins", place.Code)
	}
}

// checkSuccessors checks that each successor exists on the day after the end. This also rules out cycles of successors.
func (p *parser) checkSuccessors() {
	for _, code := range p.order {
		place := p.places[code]
		if place.Successor == "" {
			continue
		}
		last, err := time.Parse(time.DateOnly, place.ValidTo)
		next := p.places[place.Successor]
		if err != nil || next == nil || next.Kind != Municipality || !next.ExistsOn(last.AddDate(0, 0, 1)) {
			p.problemf("place %s: successor %s does not exist on the day after %s",
				place.Code, place.Successor, place.ValidTo)
		}
	}
}
