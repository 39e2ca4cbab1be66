package territory

import "time"

// ChangeKind is what happened to a municipality.
type ChangeKind string

// The kinds of change. The first three end a code on the day before: it went into its successor, it got the successor's code
// by passing to another province, or what became of it is not known.
const (
	Merged          ChangeKind = "MERGED"
	ProvinceChanged ChangeKind = "PROVINCE_CHANGED"
	Ended           ChangeKind = "ENDED"
	Established     ChangeKind = "ESTABLISHED"
	Renamed         ChangeKind = "RENAMED"
)

// Change is one row of changes.csv: from Date on, the municipality Code is what Kind says.
type Change struct {
	Date            string
	Kind            ChangeKind
	Code, Successor string
	// Name is the new name for ESTABLISHED and RENAMED, else the name of what ended, for the reader.
	Name          string
	CadastralCode string
	Source        string
}

var changeColumns = []string{"date", "kind", "istat_code", "successor", "name", "cadastral_code", "source"}

func (c Change) record() []string {
	return []string{c.Date, string(c.Kind), c.Code, c.Successor, c.Name, c.CadastralCode, c.Source}
}

// addChange applies one row to the places read so far. Rows are in the order of their days.
func (r *parser) addChange(field func(string) string) {
	c := Change{
		Date: r.checkDay(field("date")), Kind: ChangeKind(field("kind")), Code: field("istat_code"), Successor: field("successor"),
		Name: field("name"), CadastralCode: field("cadastral_code"), Source: field("source"),
	}
	if c.Date == "" || c.Source == "" {
		r.problemf("change of %s: the day or the source is missing", c.Code)
		return
	}
	if c.Date < r.lastDay {
		r.problemf("change of %s on %s comes after one on %s", c.Code, c.Date, r.lastDay)
	}
	r.lastDay = c.Date
	switch c.Kind {
	case Established:
		r.establish(c)
	case Merged, ProvinceChanged, Ended:
		r.endPlace(c)
	case Renamed:
		if p := r.lookup(c.Code); p != nil && p.Name != c.Name {
			p.Former = append(p.Former, p.Name)
			p.Name = c.Name
		}
	default:
		r.problemf("change of %s: %q is no kind of change", c.Code, c.Kind)
	}
}

// establish adds a municipality. Its province is the head of its code.
func (r *parser) establish(c Change) {
	p := Place{Code: c.Code, Kind: Municipality, Name: c.Name, CadastralCode: c.CadastralCode, ValidFrom: c.Date, Province: c.Code[:min(3, len(c.Code))]}
	if up := r.places[p.Province]; up != nil {
		p.Region, p.Sign = up.Region, up.Sign
	}
	r.addPlace(p)
}

func (r *parser) endPlace(c Change) {
	p := r.lookup(c.Code)
	if p == nil {
		return
	}
	if p.Kind != Municipality || p.ValidTo != "" {
		r.problemf("place %s cannot end on %s: it is a %s and ends on %q", c.Code, c.Date, p.Kind, p.ValidTo)
		return
	}
	if (c.Kind == Ended) != (c.Successor == "") {
		r.problemf("place %s: %s with the successor %q", c.Code, c.Kind, c.Successor)
	}
	last, err := time.Parse(time.DateOnly, c.Date)
	if err != nil { // c.Date has been checked to be a day
		r.problemf("%w", err)
		return
	}
	p.ValidTo, p.Successor = last.AddDate(0, 0, -1).Format(time.DateOnly), c.Successor
	if p.ValidFrom > p.ValidTo {
		r.problemf("place %s ends before it begins", p.Code)
	}
}

// checkSuccessors tells which successors do not exist on the day after the end. So no chain of successors goes in a circle.
func (r *parser) checkSuccessors() {
	for _, code := range r.order {
		p := r.places[code]
		if p.Successor == "" {
			continue
		}
		last, err := time.Parse(time.DateOnly, p.ValidTo)
		next := r.places[p.Successor]
		if err != nil || next == nil || next.Kind != Municipality || !next.ExistsOn(last.AddDate(0, 0, 1)) {
			r.problemf("place %s: its successor %s does not exist the day after %s", p.Code, p.Successor, p.ValidTo)
		}
	}
}
