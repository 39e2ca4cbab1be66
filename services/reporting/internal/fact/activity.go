package fact

import (
	"fmt"
	"slices"
)

// Codes of the tables of the directory. They hold public figures, and reports and cases never count in them.
const (
	TableActivity   = "T14" // activity of the network by measure and node
	TableIndicators = "T15" // programmes by indicator: target, year, so far
)

// Figures of TableIndicators, the categories of its last dimension.
const (
	FigureTarget = "TARGET" // of the whole programme
	FigureYear   = "YEAR"   // counted in the year
	FigureSoFar  = "SO_FAR" // counted in all years
)

// AllYears is the year of figures that belong to no year. They are shown in the table of every year.
const AllYears = 0

// maxAmount is above every figure of the directory, and small enough for sums not to overflow.
const maxAmount = 1_000_000_000_000

// Activity is the fact of one office, initiative or course: what it contributes to the activity of the network.
type Activity struct {
	Seq  int64 // number of the last event applied; 0: none
	Rows []ActivityRow
}

// ActivityRow is a figure of a year. Without a node it belongs to the region as a whole.
type ActivityRow struct {
	Measure string
	Year    int
	Node    string
	Value   int64
}

// ActivityCounted is the event with all figures of an entry of the directory. A later one of the same entry replaces
// it.
type ActivityCounted struct{ Rows []ActivityRow }

// Apply returns the fact after event number seq. The zero Activity is the state before the first event. It returns
// ErrOrder, ErrInvalid or ErrCode, and then the fact unchanged.
func (a Activity) Apply(seq int64, e ActivityCounted, codes Codes) (Activity, error) {
	if seq != a.Seq+1 {
		return a, ErrOrder
	}
	for _, r := range e.Rows {
		if r.Measure == "" || !validYear(r.Year) || !validAmount(r.Value) || r.Node == Total {
			return a, fmt.Errorf("activity: %w", ErrInvalid)
		}
		if err := codes.require("activity_measure", r.Measure); err != nil {
			return a, err
		}
	}
	return Activity{Seq: seq, Rows: slices.Clone(e.Rows)}, nil
}

// Cells returns what the entry adds to each cell. A figure of the region as a whole counts in the total only.
func (a Activity) Cells() Delta {
	d := Delta{}
	for _, r := range a.Rows {
		d.add(Cell{Table: TableActivity, Year: r.Year, A: r.Measure, B: Total}, r.Value)
		if r.Node != "" {
			d.add(Cell{Table: TableActivity, Year: r.Year, A: r.Measure, B: r.Node}, r.Value)
		}
	}
	return d
}

// Indicators is the fact of one programme.
type Indicators struct {
	Seq       int64 // number of the last event applied; 0: none
	Programme string
	Rows      []IndicatorRow
}

// IndicatorRow is either the target of an indicator, with the year AllYears, or its value in a year.
type IndicatorRow struct {
	Code          string
	Year          int
	Target, Value int64
}

// IndicatorsCounted is the event with all figures of a programme. A later one of the same programme replaces it.
type IndicatorsCounted struct {
	Programme string
	Rows      []IndicatorRow
}

// Apply returns the fact after event number seq, with the errors of Activity.Apply.
func (i Indicators) Apply(seq int64, e IndicatorsCounted, codes Codes) (Indicators, error) {
	if seq != i.Seq+1 {
		return i, ErrOrder
	}
	if e.Programme == "" || e.Programme == Total {
		return i, fmt.Errorf("programme: %w", ErrInvalid)
	}
	for _, r := range e.Rows {
		isTarget := r.Year == AllYears && r.Value == 0
		isValue := validYear(r.Year) && r.Target == 0
		if r.Code == "" || !isTarget && !isValue || !validAmount(r.Target) || !validAmount(r.Value) {
			return i, fmt.Errorf("indicator: %w", ErrInvalid)
		}
		if err := codes.require("programme_indicator", r.Code); err != nil {
			return i, err
		}
	}
	return Indicators{Seq: seq, Programme: e.Programme, Rows: slices.Clone(e.Rows)}, nil
}

// Cells returns what the programme adds to each cell, for itself and for the total of all programmes. There is no total
// of indicators: each has a unit of its own.
func (i Indicators) Cells() Delta {
	d := Delta{}
	add := func(year int, code, figure string, n int64) {
		d.add(Cell{Table: TableIndicators, Year: year, A: i.Programme, B: code, C: figure}, n)
		d.add(Cell{Table: TableIndicators, Year: year, A: Total, B: code, C: figure}, n)
	}
	for _, r := range i.Rows {
		if r.Year == AllYears {
			add(AllYears, r.Code, FigureTarget, r.Target)
			continue
		}
		add(r.Year, r.Code, FigureYear, r.Value)
		add(AllYears, r.Code, FigureSoFar, r.Value)
	}
	return d
}

// Replace adds after and subtracts before.
func (d Delta) Replace(before, after Delta) {
	for c, n := range before {
		d.add(c, -n)
	}
	for c, n := range after {
		d.add(c, n)
	}
}

func validYear(n int) bool { return Month{n, 1}.valid() }

func validAmount(n int64) bool { return n >= 0 && n <= maxAmount }
