package fact

import (
	"fmt"
	"slices"
)

// Codes of the tables that the directory's facts count in. They hold public figures, and no other fact counts in them.
const (
	TableActivity   = "T14" // activity of the network by measure and node
	TableIndicators = "T15" // programmes by indicator: target, year, so far
)

// Figures of TableIndicators, its last dimension.
const (
	FigureTarget = "TARGET" // of the whole programme
	FigureYear   = "YEAR"   // counted in the year
	FigureSoFar  = "SO_FAR" // counted in all years
)

// Always is the year of figures that belong to no year: they stand in the table of each.
const Always = 0

// largest is more than any figure of the directory; sums of figures below it fit.
const largest = 1_000_000_000_000

// Activity is what the centre knows of one office, initiative or course: what it adds to the activity of the network.
type Activity struct {
	Seq  int64 // number of the last event applied, from 1
	Rows []ActivityRow
}

// ActivityRow is a figure of a year. Without a node it is the region's as a whole.
type ActivityRow struct {
	Measure string
	Year    int
	Node    string
	Value   int64
}

// ActivityCounted tells all that an entry of the directory adds. A later one of the same entry replaces it.
type ActivityCounted struct{ Rows []ActivityRow }

// Apply returns the fact after event number seq; the zero Activity is one not heard of yet. It returns ErrOrder, ErrInvalid or
// ErrCode, and then the event has no effect.
func (a Activity) Apply(seq int64, e ActivityCounted, codes Codes) (Activity, error) {
	if seq != a.Seq+1 {
		return a, ErrOrder
	}
	for _, r := range e.Rows {
		if r.Measure == "" || !year(r.Year) || !amount(r.Value) || r.Node == Total {
			return a, fmt.Errorf("activity: %w", ErrInvalid)
		}
		if err := codes.known("activity_measure", r.Measure); err != nil {
			return a, err
		}
	}
	return Activity{Seq: seq, Rows: slices.Clone(e.Rows)}, nil
}

// Cells tells what the entry adds to each cell. What belongs to the region as a whole counts in the total only.
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

// Indicators is what the centre knows of one programme.
type Indicators struct {
	Seq       int64 // number of the last event applied, from 1
	Programme string
	Rows      []IndicatorRow
}

// IndicatorRow is the target of an indicator, with the year Always, or what was counted in a year.
type IndicatorRow struct {
	Code          string
	Year          int
	Target, Value int64
}

// IndicatorsCounted tells all figures of a programme. A later one of the same programme replaces it.
type IndicatorsCounted struct {
	Programme string
	Rows      []IndicatorRow
}

// Apply is that of Activity, for a programme.
func (i Indicators) Apply(seq int64, e IndicatorsCounted, codes Codes) (Indicators, error) {
	if seq != i.Seq+1 {
		return i, ErrOrder
	}
	if e.Programme == "" || e.Programme == Total {
		return i, fmt.Errorf("programme: %w", ErrInvalid)
	}
	for _, r := range e.Rows {
		target := r.Year == Always && r.Value == 0
		counted := year(r.Year) && r.Target == 0
		if r.Code == "" || !target && !counted || !amount(r.Target) || !amount(r.Value) {
			return i, fmt.Errorf("indicator: %w", ErrInvalid)
		}
		if err := codes.known("programme_indicator", r.Code); err != nil {
			return i, err
		}
	}
	return Indicators{Seq: seq, Programme: e.Programme, Rows: slices.Clone(e.Rows)}, nil
}

// Cells tells what the programme adds to each cell, for itself and for all programmes together. Indicators are never added up:
// each has a unit of its own.
func (i Indicators) Cells() Delta {
	d := Delta{}
	add := func(at int, code, figure string, n int64) {
		d.add(Cell{Table: TableIndicators, Year: at, A: i.Programme, B: code, C: figure}, n)
		d.add(Cell{Table: TableIndicators, Year: at, A: Total, B: code, C: figure}, n)
	}
	for _, r := range i.Rows {
		if r.Year == Always {
			add(Always, r.Code, FigureTarget, r.Target)
			continue
		}
		add(r.Year, r.Code, FigureYear, r.Value)
		add(Always, r.Code, FigureSoFar, r.Value)
	}
	return d
}

// Replace takes what before added and adds what after does.
func (d Delta) Replace(before, after Delta) {
	for c, n := range before {
		d.add(c, -n)
	}
	for c, n := range after {
		d.add(c, n)
	}
}

func year(n int) bool { return Month{n, 1}.valid() }

func amount(n int64) bool { return n >= 0 && n <= largest }
