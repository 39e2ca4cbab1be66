package table

import (
	"github.com/retepari/pari/services/reporting/internal/disclosure"
	"github.com/retepari/pari/services/reporting/internal/fact"
)

// Cell is one protected count, with the code of its category in each dimension.
type Cell struct {
	Keys   []string
	Value  int64
	Hidden bool
}

// Protect applies disclosure control to the true counts. It returns one cell per combination of categories, the last
// dimension running fastest. A count without a category here, of a group that the code lists no longer have, is not
// shown and stays in the totals.
func (t Table) Protect(year int, categories [][]Category, counts map[fact.Cell]int64) []Cell {
	grid := disclosure.Grid{}
	size := 1
	for i, c := range categories {
		grid.Axes = append(grid.Axes, disclosure.Axis{Size: len(c), Total: t.Dimensions[i].kind.hasTotal()})
		size *= len(c)
	}
	cells := make([]Cell, size)
	grid.Counts = make([]int64, size)
	for i := range cells {
		keys := make([]string, len(categories))
		for d, rest := len(categories)-1, i; d >= 0; d-- {
			keys[d] = categories[d][rest%len(categories[d])].Code
			rest /= len(categories[d])
		}
		cells[i].Keys = keys
		grid.Counts[i] = counts[t.cell(year, keys)]
	}
	for i, c := range disclosure.Protect(t.Rule, grid) {
		cells[i].Value, cells[i].Hidden = c.Value, c.Hidden
	}
	return cells
}

func (t Table) cell(year int, keys []string) fact.Cell {
	c := fact.Cell{Table: t.Code, Year: year}
	for i, field := range []*string{&c.A, &c.B, &c.C} {
		if i < len(keys) {
			*field = keys[i]
		}
	}
	if t.Code == fact.TableIndicators && c.C != fact.FigureYear {
		c.Year = fact.AllYears
	}
	return c
}
