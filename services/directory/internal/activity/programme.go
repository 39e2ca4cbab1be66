package activity

import (
	"cmp"
	"maps"
	"slices"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	eventsv1 "github.com/retepari/pari/proto/gen/pari/events/v1"
)

// indicatorRows are the targets and the yearly values of a programme, by code and year. An indicator without a code, a target
// that was not given and a year without a value have no row.
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

// valuesByYear adds up what was counted, by year. Where a whole year is given its months are parts of it, and do not count again.
func valuesByYear(measures []*directoryv1.Measure) map[int]int64 {
	const year = len("2026")
	whole := map[string]bool{}
	for _, m := range measures {
		if len(m.GetPeriod()) == year {
			whole[m.GetPeriod()] = true
		}
	}
	sums := map[int]int64{}
	for _, m := range measures {
		of := m.GetPeriod()[:min(year, len(m.GetPeriod()))]
		if len(m.GetPeriod()) == year || !whole[of] {
			sums[yearOf(of)] += m.GetValue()
		}
	}
	return sums
}
