package activity

import (
	"cmp"
	"maps"
	"slices"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	eventsv1 "github.com/retepari/pari/proto/gen/pari/events/v1"
)

// indicatorRows returns the targets and yearly values of a programme's indicators, sorted by code and year. An
// indicator without a code, a missing target and a year without a value have no row.
func indicatorRows(p *directoryv1.Programme) []*eventsv1.IndicatorRow {
	type key struct {
		code string
		year int
	}
	rows := map[key]*eventsv1.IndicatorRow{}
	row := func(code string, year int) *eventsv1.IndicatorRow {
		k := key{code, year}
		if rows[k] == nil {
			rows[k] = &eventsv1.IndicatorRow{Code: code, Year: int32(year)}
		}
		return rows[k]
	}
	for _, i := range p.GetIndicators() {
		if i.GetCode() == "" {
			continue
		}
		if i.GetTarget() != 0 {
			row(i.GetCode(), 0).Target += i.GetTarget()
		}
		for year, n := range valuesByYear(i.GetMeasures()) {
			if n != 0 && isCountedYear(year) {
				row(i.GetCode(), year).Value += n
			}
		}
	}
	return slices.SortedFunc(maps.Values(rows), func(a, b *eventsv1.IndicatorRow) int {
		return cmp.Or(cmp.Compare(a.GetCode(), b.GetCode()), cmp.Compare(a.GetYear(), b.GetYear()))
	})
}

// valuesByYear adds up measures by year. If a whole year is given, its months are part of it and do not count again.
func valuesByYear(measures []*directoryv1.Measure) map[int]int64 {
	const year = len("2026")
	wholeYears := map[string]bool{}
	for _, m := range measures {
		if len(m.GetPeriod()) == year {
			wholeYears[m.GetPeriod()] = true
		}
	}
	sums := map[int]int64{}
	for _, m := range measures {
		measureYear := m.GetPeriod()[:min(year, len(m.GetPeriod()))]
		if len(m.GetPeriod()) == year || !wholeYears[measureYear] {
			sums[yearOf(measureYear)] += m.GetValue()
		}
	}
	return sums
}
