// Package table holds the closed catalogue of tables: what each counts, along which dimensions, how strictly it is
// protected, and how the cells that facts keep become the protected table that people see. Nothing outside the catalogue
// can be asked for: every free question is a new way to subtract.
//
// It is pure; the labels come in as values.
package table

import (
	"fmt"
	"maps"
	"slices"

	"github.com/retepari/pari/services/reporting/internal/disclosure"
	"github.com/retepari/pari/services/reporting/internal/fact"
)

// Unit is what one count is.
type Unit int

// Units of the catalogue.
const (
	Reports Unit = iota + 1
	Cases
	Mixed // one of the dimensions names them
)

// Table is an entry of the catalogue.
type Table struct {
	Code             string
	TitleIt, TitleEn string
	Unit             Unit
	Dimensions       []Dimension
	Rule             disclosure.Rule
}

// Dimension is one way to break counts down.
type Dimension struct {
	Code             string
	LabelIt, LabelEn string
	kind             kind
}

// kind is where the categories of a dimension come from.
type kind int

const (
	units      kind = iota // of fact.TableFlow; they have no total, for nobody can add reports to cases
	months                 // of the year
	nodes                  // of the region
	groups                 // the vocabulary list of the dimension's code
	measures               // the same; its codes name units, so they have no total
	indicators             // the same, as far as there are counts
	figures                // of fact.TableIndicators; a target cannot be added to what was counted
	counted                // whatever there are counts of: for public tables, where nothing is told by what is missing
)

// totalled tells whether the categories of a dimension add up to something, which is then the last of them.
func (k kind) totalled() bool {
	return !slices.Contains([]kind{units, measures, indicators, figures}, k)
}

// Category is one value of a dimension.
type Category struct {
	Code             string
	LabelIt, LabelEn string
}

// total is the last category of every dimension that has one.
var total = Category{fact.Total, "totale", "total"}

// flow is not art. 9 data, and when or where somebody turned to the network tells nothing of who he is.
var flow = disclosure.Rule{Threshold: 5, Base: 5}

// crossing crosses two things that tell something of a person, one at least of special category.
var crossing = disclosure.Rule{Threshold: 10, Base: 5, Lone: true}

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
		Rule: flow,
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
		Rule: crossing,
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
		Rule: crossing,
	},
	{
		Code:    fact.TableActivity,
		TitleIt: "Attività della rete, per nodo",
		TitleEn: "Activity of the network, by node",
		Unit:    Mixed,
		Dimensions: []Dimension{
			{"activity_measure", "attività", "activity", measures},
			{"node", "nodo", "node", counted},
		},
		Rule: disclosure.Public,
	},
	{
		Code:    fact.TableIndicators,
		TitleIt: "Indicatori dei programmi: obiettivo, anno e finora",
		TitleEn: "Indicators of programmes: target, year and so far",
		Unit:    Mixed,
		Dimensions: []Dimension{
			{"programme", "programma", "programme", counted},
			{"programme_indicator", "indicatore", "indicator", indicators},
			{"figure", "valore", "figure", figures},
		},
		Rule: disclosure.Public,
	},
}

// All is the catalogue in the order of its numbers.
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
	Nodes  []string                     // of the region, in the order to show them
	Groups func(list string) []Category // of the vocabulary, in its order
	Counts map[fact.Cell]int64          // true counts of the table
}

// Categories lists the categories of each dimension, the total last.
func (t Table) Categories(f CategorySource) [][]Category {
	all := make([][]Category, len(t.Dimensions))
	for i, d := range t.Dimensions {
		switch d.kind {
		case units:
			all[i] = []Category{
				{fact.UnitReport, "segnalazioni", "reports"},
				{fact.UnitPertinent, "casi pertinenti", "pertinent cases"},
				{fact.UnitCase, "casi", "cases"},
			}
		case figures:
			all[i] = []Category{
				{fact.FigureTarget, "obiettivo", "target"},
				{fact.FigureYear, fmt.Sprintf("nel %d", f.Year), fmt.Sprintf("in %d", f.Year)},
				{fact.FigureSoFar, "finora", "so far"},
			}
		case months:
			for m := 1; m <= 12; m++ {
				all[i] = append(all[i], Category{fact.Month{Year: f.Year, Month: m}.String(), fmt.Sprintf("%s %d", monthsIt[m-1], f.Year), fmt.Sprintf("%s %d", monthsEn[m-1], f.Year)})
			}
		case nodes:
			for _, n := range f.Nodes {
				all[i] = append(all[i], Category{n, placeName(n), placeName(n)})
			}
		case groups, measures:
			all[i] = append(all[i], f.Groups(d.Code)...)
		case indicators:
			there := f.counted(i)
			for _, c := range f.Groups(d.Code) {
				if there[c.Code] {
					all[i] = append(all[i], c)
				}
			}
		case counted:
			for _, code := range slices.Sorted(maps.Keys(f.counted(i))) {
				all[i] = append(all[i], Category{code, placeName(code), placeName(code)})
			}
		}
		if d.kind.totalled() {
			all[i] = append(all[i], total)
		}
	}
	return all
}

// counted are the codes that there are counts of in a dimension, the total not among them.
func (f CategorySource) counted(dimension int) map[string]bool {
	there := map[string]bool{}
	for c, n := range f.Counts {
		if code := [...]string{c.A, c.B, c.C}[dimension]; n != 0 && code != fact.Total {
			there[code] = true
		}
	}
	return there
}

var (
	monthsIt = [...]string{"gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre"}
	monthsEn = [...]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}
)

// placeName makes "Reggio Emilia" of "reggio-emilia".
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
