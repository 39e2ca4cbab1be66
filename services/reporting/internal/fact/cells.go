package fact

// Codes of the tables that facts count in.
const (
	TableFlow     = "T1" // reports, pertinent cases and cases by month received and node
	TableGrounds  = "T2" // cases by ground and field, year received
	TableOutcomes = "T9" // cases by outcome and ground, year closed
)

// Units of TableFlow, and the category that every other dimension ends with.
const (
	UnitReport    = "U_REPORT"
	UnitPertinent = "U_PERTINENT"
	UnitCase      = "U_CASE"
	Total         = "TOTAL"
)

// Cell names one cell of one table of a region: a category per dimension, in the order of the table. A dimension that the
// table does not have is "".
type Cell struct {
	Table   string
	Year    int
	A, B, C string
}

// Delta is how counts change. A cell that does not change is not in it.
type Delta map[Cell]int64

// Change adds one for each cell of after and takes one for each cell of before.
func (d Delta) Change(before, after []Cell) {
	for _, c := range before {
		d.add(c, -1)
	}
	for _, c := range after {
		d.add(c, 1)
	}
}

func (d Delta) add(c Cell, n int64) {
	if d[c] += n; d[c] == 0 {
		delete(d, c)
	}
}

// Cells lists the cells that the report counts in: none when it was not heard of.
func (r Report) Cells(node string) []Cell {
	if r.Seq == 0 {
		return nil
	}
	return flow(UnitReport, r.Month, node)
}

// Cells lists the cells that the case counts in: none when it was not heard of.
//
// Where a case says nothing about a dimension it counts in that dimension's total only. A case not assessed yet has no
// ground and no field; a sealed one has no month and no node either, so that from a table nobody can tell the two apart.
func (c Case) Cells(node string) []Cell {
	if c.Seq == 0 {
		return nil
	}
	if c.Sealed {
		cells := []Cell{
			{Table: TableFlow, Year: c.Received.Year, A: UnitCase, B: Total, C: Total},
			{Table: TableGrounds, Year: c.Received.Year, A: Total, B: Total},
		}
		if c.Closed.Known() {
			cells = append(cells, Cell{Table: TableOutcomes, Year: c.Closed.Year, A: Total, B: Total})
		}
		return cells
	}
	cells := flow(UnitCase, c.Received, node)
	if c.Pertinent {
		cells = append(cells, flow(UnitPertinent, c.Received, node)...)
	}
	cells = append(cells, crossing(TableGrounds, c.Received.Year, c.GroundGroup, c.FieldGroup)...)
	if c.Closed.Known() {
		cells = append(cells, crossing(TableOutcomes, c.Closed.Year, c.OutcomeGroup, c.GroundGroup)...)
	}
	return cells
}

func flow(unit string, m Month, node string) []Cell {
	month := m.String()
	return []Cell{
		{TableFlow, m.Year, unit, month, node},
		{TableFlow, m.Year, unit, month, Total},
		{TableFlow, m.Year, unit, Total, node},
		{TableFlow, m.Year, unit, Total, Total},
	}
}

func crossing(table string, year int, a, b string) []Cell {
	cells := []Cell{{Table: table, Year: year, A: Total, B: Total}}
	if a != "" {
		cells = append(cells, Cell{Table: table, Year: year, A: a, B: Total})
	}
	if b != "" {
		cells = append(cells, Cell{Table: table, Year: year, A: Total, B: b})
	}
	if a != "" && b != "" {
		cells = append(cells, Cell{Table: table, Year: year, A: a, B: b})
	}
	return cells
}
