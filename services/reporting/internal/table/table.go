// Package table holds the closed catalogue of tables: what each counts, by which dimensions, and under which disclosure
// rule. It turns true counts into the protected table. There are no queries outside the catalogue: the answers to free
// queries could be subtracted from each other.
//
// The package is pure; labels are passed in.
package table

import (
	"fmt"
	"maps"
	"slices"

	"github.com/retepari/pari/services/reporting/internal/disclosure"
	"github.com/retepari/pari/services/reporting/internal/fact"
)

// Unit is what a table counts.
type Unit int

// Units of the catalogue.
const (
	Reports Unit = iota + 1
	Cases
	Mixed // several units, named by one of the dimensions
)

// Table is an entry of the catalogue.
type Table struct {
	Code             string
	TitleIt, TitleEn string
	Unit             Unit
	Dimensions       []Dimension
	Rule             disclosure.Rule
}

// Dimension is a classification of the counts of a table.
type Dimension struct {
	Code             string
	LabelIt, LabelEn string
	kind             kind
}

// kind is the source of a dimension's categories.
type kind int

const (
	units      kind = iota // of fact.TableFlow; no total, because reports and cases are different units
	months                 // of the year
	nodes                  // of the region
	groups                 // the code list named like the dimension
	measures               // the same; no total, because each code is a unit of its own
	indicators             // the same, only codes that have counts
	figures                // of fact.TableIndicators; no total, because a target and a value do not add up
	observed               // codes that have counts; for public tables only, because a missing code discloses a zero
)

// hasTotal reports whether the categories of a dimension add up to a total, which is then the last category.
func (k kind) hasTotal() bool {
	return !slices.Contains([]kind{units, measures, indicators, figures}, k)
}

// Category is one value of a dimension.
type Category struct {
	Code             string
	LabelIt, LabelEn string
}

// total is the last category of every dimension that has one.
var total = Category{fact.Total, "totale", "total"}

// flowRule is for months and nodes. They are not special categories of data (art. 9 GDPR) and describe no person.
var flowRule = disclosure.Rule{Threshold: 5, Base: 5}

// crossRule is for two dimensions that describe a person, at least one of them a special category (art. 9 GDPR).
var crossRule = disclosure.Rule{Threshold: 10, Base: 5, GroupDisclosure: true}

var catalogue = []Table{
	{
		Code:    fact.TableFlow,
		TitleIt: "Segnalazioni, casi pertinenti e casi, per mese di ricezione e nodo",
		TitleEn: "Reports, pertinent cases and cases, by month received and node",
		Unit:    Mixed,
		Dimensions: []Dimension{
			{"unit", "unità di conto", "unit", units},
			{"month", "mese", "month", months},
			{"node", "nodo", "node", nodes},
		},
		Rule: flowRule,
	},
	{
		Code:    fact.TableGrounds,
		TitleIt: "Casi per fattore principale e ambito, per anno di ricezione",
		TitleEn: "Cases by main ground and field, by year received",
		Unit:    Cases,
		Dimensions: []Dimension{
			{"ground_group", "fattore", "ground", groups},
			{"field_group", "ambito", "field", groups},
		},
		Rule: crossRule,
	},
	{
		Code:    fact.TableOutcomes,
		TitleIt: "Casi chiusi per esito e fattore principale, per anno di chiusura",
		TitleEn: "Closed cases by outcome and main ground, by year closed",
		Unit:    Cases,
		Dimensions: []Dimension{
			{"outcome_group", "esito", "outcome", groups},
			{"ground_group", "fattore", "ground", groups},
		},
		Rule: crossRule,
	},
	{
		Code:    fact.TableActivity,
		TitleIt: "Attività della rete, per nodo",
		TitleEn: "Activity of the network, by node",
		Unit:    Mixed,
		Dimensions: []Dimension{
			{"activity_measure", "attività", "activity", measures},
			{"node", "nodo", "node", observed},
		},
		Rule: disclosure.Public,
	},
	{
		Code:    fact.TableIndicators,
		TitleIt: "Indicatori dei programmi: obiettivo, anno e finora",
		TitleEn: "Indicators of programmes: target, year and so far",
		Unit:    Mixed,
		Dimensions: []Dimension{
			{"programme", "programma", "programme", observed},
			{"programme_indicator", "indicatore", "indicator", indicators},
			{"figure", "valore", "figure", figures},
		},
		Rule: disclosure.Public,
	},
}

// All returns the catalogue in the order of its numbers.
func All() []Table { return append([]Table(nil), catalogue...) }

// Find returns a table by its code.
func Find(code string) (Table, bool) {
	for _, t := range catalogue {
		if t.Code == code {
			return t, true
		}
	}
	return Table{}, false
}

// CategorySource is what the categories of a table depend on.
type CategorySource struct {
	Year   int
	Nodes  []string                     // of the region, in display order
	Groups func(list string) []Category // of a code list, in its order
	Counts map[fact.Cell]int64          // true counts of the table
}

// Categories lists the categories of each dimension, the total last.
func (t Table) Categories(s CategorySource) [][]Category {
	all := make([][]Category, len(t.Dimensions))
	for i, d := range t.Dimensions {
		all[i] = s.categories(i, d)
		if d.kind.hasTotal() {
			all[i] = append(all[i], total)
		}
	}
	return all
}

// categories lists the categories of dimension i, without its total.
func (s CategorySource) categories(i int, d Dimension) []Category {
	var found []Category
	switch d.kind {
	case units:
		return []Category{
			{fact.UnitReport, "segnalazioni", "reports"},
			{fact.UnitPertinent, "casi pertinenti", "pertinent cases"},
			{fact.UnitCase, "casi", "cases"},
		}
	case figures:
		return []Category{
			{fact.FigureTarget, "obiettivo", "target"},
			{fact.FigureYear, fmt.Sprintf("nel %d", s.Year), fmt.Sprintf("in %d", s.Year)},
			{fact.FigureSoFar, "finora", "so far"},
		}
	case months:
		for m := range 12 {
			found = append(found, Category{
				Code:    fact.Month{Year: s.Year, Month: m + 1}.String(),
				LabelIt: fmt.Sprintf("%s %d", monthsIt[m], s.Year),
				LabelEn: fmt.Sprintf("%s %d", monthsEn[m], s.Year),
			})
		}
	case nodes:
		for _, n := range s.Nodes {
			found = append(found, Category{n, placeName(n), placeName(n)})
		}
	case groups, measures:
		found = append(found, s.Groups(d.Code)...)
	case indicators:
		observed := s.observed(i)
		for _, c := range s.Groups(d.Code) {
			if observed[c.Code] {
				found = append(found, c)
			}
		}
	case observed:
		for _, code := range slices.Sorted(maps.Keys(s.observed(i))) {
			found = append(found, Category{code, placeName(code), placeName(code)})
		}
	}
	return found
}

// observed returns the codes of a dimension that have a count, without the total.
func (s CategorySource) observed(dimension int) map[string]bool {
	codes := map[string]bool{}
	for c, n := range s.Counts {
		if code := [...]string{c.A, c.B, c.C}[dimension]; n != 0 && code != fact.Total {
			codes[code] = true
		}
	}
	return codes
}

var (
	monthsIt = [...]string{
		"gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno",
		"luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre",
	}
	monthsEn = [...]string{
		"January", "February", "March", "April", "May", "June",
		"July", "August", "September", "October", "November", "December",
	}
)

// placeName turns "reggio-emilia" into "Reggio Emilia".
func placeName(slug string) string {
	name, up := []byte(slug), true
	for i, c := range name {
		switch {
		case c == '-':
			name[i], up = ' ', true
		case up && 'a' <= c && c <= 'z':
			name[i], up = c-'a'+'A', false
		default:
			up = false
		}
	}
	return string(name)
}
