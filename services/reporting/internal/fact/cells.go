package fact

// Codes of the tables of reports and cases.
const (
	TableFlow     = "T1" // reports, pertinent cases and cases by month received and node
	TableGrounds  = "T2" // cases by ground and field, year received
	TableOutcomes = "T9" // cases by outcome and ground, year closed
)

// Units of TableFlow.
const (
	UnitReport    = "U_REPORT"
	UnitPertinent = "U_PERTINENT"
	UnitCase      = "U_CASE"
)

// Total is the last category of every dimension that has a total.
const Total = "TOTAL"

// Cell identifies a cell of a table of a region: the categories A, B and C of its first, second and third dimension. C
// is "" in a table of two dimensions.
type Cell struct {
	Table   string
	Year    int
	A, B, C string
}

// Delta holds changes of counts. It has no zero values.
type Delta map[Cell]int64

// Change adds one for each cell of after and subtracts one for each cell of before.
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

// Cells lists the cells that the report counts in; none before its first event, and none once it is withdrawn.
func (r Report) Cells(node string) []Cell {
	if !r.Counted() {
		return nil
	}
	return flowCells(UnitReport, r.Month, node)
}

// Cells lists the cells that the case counts in; none before its first event.
//
// A case without a value in a dimension counts in that dimension's total only. A case that is not assessed yet has no
// ground and no field. A restricted case has no month and no node either, so that a table does not show which cases are
// restricted.
func (c Case) Cells(node string) []Cell {
	if !c.Counted() {
		return nil
	}
	if c.Restricted {
		cells := []Cell{
			{Table: TableFlow, Year: c.Received.Year, A: UnitCase, B: Total, C: Total},
			{Table: TableGrounds, Year: c.Received.Year, A: Total, B: Total},
		}
		if c.Closed.Known() {
			cells = append(cells, Cell{Table: TableOutcomes, Year: c.Closed.Year, A: Total, B: Total})
		}
		return cells
	}
	cells := flowCells(UnitCase, c.Received, node)
	if c.Pertinent {
		cells = append(cells, flowCells(UnitPertinent, c.Received, node)...)
	}
	cells = append(cells, crossCells(TableGrounds, c.Received.Year, c.GroundGroup, c.FieldGroup)...)
	if c.Closed.Known() {
		cells = append(cells, crossCells(TableOutcomes, c.Closed.Year, c.OutcomeGroup, c.GroundGroup)...)
	}
	return cells
}

// flowCells lists the cells of TableFlow, totals included.
func flowCells(unit string, m Month, node string) []Cell {
	month := m.String()
	return []Cell{
		{TableFlow, m.Year, unit, month, node},
		{TableFlow, m.Year, unit, month, Total},
		{TableFlow, m.Year, unit, Total, node},
		{TableFlow, m.Year, unit, Total, Total},
	}
}

// crossCells lists the cells of a table of two dimensions, totals included.
func crossCells(table string, year int, a, b string) []Cell {
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
