package fact

import (
	"errors"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// directoryCodes has the codes of the two lists that the directory's facts use.
func directoryCodes(list, code string) (string, bool) {
	known := map[string][]string{"activity_measure": {"HOURS", "PERSONS"}, "programme_indicator": {"IND_A", "IND_B"}}
	for _, c := range known[list] {
		if c == code {
			return "", true
		}
	}
	return "", false
}

func TestActivity_ApplyRejects(t *testing.T) {
	t.Parallel()
	good := ActivityRow{"HOURS", 2026, "cremona", 3}
	with := func(change func(*ActivityRow)) ActivityCounted {
		bad := good
		change(&bad)
		return ActivityCounted{Rows: []ActivityRow{good, bad}}
	}
	for name, c := range map[string]struct {
		seq   int64
		event ActivityCounted
		want  error
	}{
		"the second before the first": {2, ActivityCounted{}, ErrOrder},
		"an unknown measure":          {1, with(func(r *ActivityRow) { r.Measure = "DAYS" }), ErrCode},
		"no measure":                  {1, with(func(r *ActivityRow) { r.Measure = "" }), ErrInvalid},
		"no year":                     {1, with(func(r *ActivityRow) { r.Year = AllYears }), ErrInvalid},
		"a negative value":            {1, with(func(r *ActivityRow) { r.Value = -1 }), ErrInvalid},
		"a value above the maximum":   {1, with(func(r *ActivityRow) { r.Value = maxAmount + 1 }), ErrInvalid},
		"a node named like the total": {1, with(func(r *ActivityRow) { r.Node = Total }), ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Activity{}.Apply(c.seq, c.event, directoryCodes)
			if !errors.Is(err, c.want) || got.Seq != 0 {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestIndicators_ApplyRejects(t *testing.T) {
	t.Parallel()
	event := func(programme string, rows ...IndicatorRow) IndicatorsCounted {
		return IndicatorsCounted{programme, rows}
	}
	for name, c := range map[string]struct {
		seq   int64
		event IndicatorsCounted
		want  error
	}{
		"an old event":               {0, event("p"), ErrOrder},
		"no programme":               {1, event(""), ErrInvalid},
		"a programme named TOTAL":    {1, event(Total), ErrInvalid},
		"an unknown indicator":       {1, event("p", IndicatorRow{"IND_Z", 2026, 0, 1}), ErrCode},
		"no indicator":               {1, event("p", IndicatorRow{"", 2026, 0, 1}), ErrInvalid},
		"a target of one year":       {1, event("p", IndicatorRow{"IND_A", 2026, 5, 1}), ErrInvalid},
		"a value of no year":         {1, event("p", IndicatorRow{"IND_A", AllYears, 5, 1}), ErrInvalid},
		"an impossible year":         {1, event("p", IndicatorRow{"IND_A", 12, 0, 1}), ErrInvalid},
		"a target above the maximum": {1, event("p", IndicatorRow{"IND_A", AllYears, maxAmount + 1, 0}), ErrInvalid},
		"a negative value":           {1, event("p", IndicatorRow{"IND_A", 2026, 0, -1}), ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Indicators{}.Apply(c.seq, c.event, directoryCodes)
			if !errors.Is(err, c.want) || got.Seq != 0 {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestActivity_Cells(t *testing.T) {
	t.Parallel()
	activity := ActivityCounted{[]ActivityRow{
		{"HOURS", 2026, "cremona", 12}, {"HOURS", 2026, "", 3}, {"PERSONS", 2025, "cremona", 7},
	}}
	a, err := Activity{}.Apply(1, activity, directoryCodes)
	if err != nil {
		t.Fatal(err)
	}
	want := Delta{
		{TableActivity, 2026, "HOURS", "cremona", ""}: 12, {TableActivity, 2026, "HOURS", Total, ""}: 15,
		{TableActivity, 2025, "PERSONS", "cremona", ""}: 7, {TableActivity, 2025, "PERSONS", Total, ""}: 7,
	}
	if diff := cmp.Diff(want, a.Cells()); diff != "" {
		t.Error(diff)
	}
	indicators := IndicatorsCounted{"p", []IndicatorRow{
		{"IND_A", AllYears, 50, 0}, {"IND_A", 2025, 0, 8}, {"IND_A", 2026, 0, 4},
	}}
	i, err := Indicators{}.Apply(1, indicators, directoryCodes)
	if err != nil {
		t.Fatal(err)
	}
	want = Delta{}
	for _, programme := range []string{"p", Total} {
		want[Cell{TableIndicators, AllYears, programme, "IND_A", FigureTarget}] = 50
		want[Cell{TableIndicators, AllYears, programme, "IND_A", FigureSoFar}] = 12
		want[Cell{TableIndicators, 2025, programme, "IND_A", FigureYear}] = 8
		want[Cell{TableIndicators, 2026, programme, "IND_A", FigureYear}] = 4
	}
	if diff := cmp.Diff(want, i.Cells()); diff != "" {
		t.Error(diff)
	}
	if n := len(Activity{}.Cells()) + len(Indicators{}.Cells()); n != 0 {
		t.Errorf("facts without events count in %d cells", n)
	}
}

// Ensure that cells updated event by event equal a recount at every moment, and that withdrawn figures leave nothing.
func TestDelta_ReplaceEqualsRecount(t *testing.T) {
	t.Parallel()
	activityRow := rapid.Custom(func(t *rapid.T) ActivityRow {
		return ActivityRow{
			Measure: rapid.SampledFrom([]string{"HOURS", "HOURS", "PERSONS", "DAYS"}).Draw(t, "measure"),
			Year:    rapid.SampledFrom([]int{2025, 2026, 2026, AllYears}).Draw(t, "year"),
			Node:    rapid.SampledFrom([]string{"", "cremona", "milano"}).Draw(t, "node"),
			Value:   rapid.Int64Range(0, 50).Draw(t, "value"),
		}
	})
	indicatorRow := rapid.Custom(func(t *rapid.T) IndicatorRow {
		r := IndicatorRow{Code: rapid.SampledFrom([]string{"IND_A", "IND_B", "IND_Z"}).Draw(t, "code")}
		if r.Year = rapid.SampledFrom([]int{2025, 2026, AllYears}).Draw(t, "year"); r.Year == AllYears {
			r.Target = rapid.Int64Range(0, 50).Draw(t, "target")
		} else {
			r.Value = rapid.Int64Range(0, 50).Draw(t, "value")
		}
		return r
	})
	rapid.Check(t, func(t *rapid.T) {
		activities, programmes := map[string]Activity{}, map[string]Indicators{}
		cells := Delta{}
		recount := func() Delta {
			d := Delta{}
			for a := range maps.Values(activities) {
				d.Replace(nil, a.Cells())
			}
			for i := range maps.Values(programmes) {
				d.Replace(nil, i.Cells())
			}
			return d
		}
		for range rapid.IntRange(1, 30).Draw(t, "events") {
			name := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "entry")
			step := rapid.SampledFrom([]int64{1, 1, 1, 0, 2}).Draw(t, "step")
			if rapid.Bool().Draw(t, "programme") {
				old := programmes[name]
				rows := rapid.SliceOfN(indicatorRow, 0, 4).Draw(t, "indicators")
				next, err := old.Apply(old.Seq+step, IndicatorsCounted{name, rows}, directoryCodes)
				if err == nil {
					programmes[name] = next
					cells.Replace(old.Cells(), next.Cells())
				}
			} else {
				old := activities[name]
				rows := rapid.SliceOfN(activityRow, 0, 4).Draw(t, "rows")
				next, err := old.Apply(old.Seq+step, ActivityCounted{rows}, directoryCodes)
				if err == nil {
					activities[name] = next
					cells.Replace(old.Cells(), next.Cells())
				}
			}
			if diff := cmp.Diff(recount(), cells); diff != "" {
				t.Fatal(diff)
			}
		}
		for name, a := range activities {
			none, err := a.Apply(a.Seq+1, ActivityCounted{}, directoryCodes)
			if err != nil {
				t.Fatal(err)
			}
			cells.Replace(a.Cells(), none.Cells())
			activities[name] = none
		}
		for name, p := range programmes {
			none, err := p.Apply(p.Seq+1, IndicatorsCounted{Programme: name}, directoryCodes)
			if err != nil {
				t.Fatal(err)
			}
			cells.Replace(p.Cells(), none.Cells())
			programmes[name] = none
		}
		if len(cells) != 0 {
			t.Fatalf("withdrawn figures leave %v", cells)
		}
	})
}
