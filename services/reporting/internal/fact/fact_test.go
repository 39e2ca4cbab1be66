package fact

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// lists is a vocabulary for tests: code → group.
var lists = map[string]map[string]string{
	"channel": {"DESK": "", "PHONE": ""}, "reporter_role": {"VICTIM": "", "WITNESS": ""},
	"assessment": {
		"PERTINENT_LEGAL": "PERTINENT", "PERTINENT_PERCEIVED": "PERTINENT", "CRIME": "NOT_PERTINENT_HELPED",
		"STRAY": "NO_SUCH_GROUP",
	},
	"assessment_group": {"PERTINENT": "", "NOT_PERTINENT_HELPED": ""},
	"ground":           {"ETHNIC_ORIGIN": "G_ETHNIC", "SKIN_COLOUR": "G_ETHNIC", "AGE_OLD": "G_AGE", "UNGROUPED": ""},
	"ground_group":     {"G_ETHNIC": "", "G_AGE": ""},
	"field":            {"WORK_PAY": "F_WORK", "TRANSPORT": "F_TRANSPORT"},
	"field_group":      {"F_WORK": "", "F_TRANSPORT": ""},
	"type":             {"DIRECT": ""}, "type_flag": {"ONLINE": ""},
	"author_kind": {"BUSINESS": ""}, "territory": {"019": "", "ND": ""},
	"action": {"LETTER": ""}, "action_result": {"DONE": ""},
	"outcome": {"CONCILIATED": "O_SOLVED", "COURT_LOST": "O_LEGAL"}, "outcome_group": {"O_SOLVED": "", "O_LEGAL": ""},
}

func codes(list, code string) (string, bool) {
	group, ok := lists[list][code]
	return group, ok
}

var (
	march    = Month{2026, 3}
	april    = Month{2026, 4}
	december = Month{2025, 12}

	opened     = CaseOpened{Month: april, Received: march, Channel: "DESK", ReporterRole: "VICTIM"}
	classified = CaseClassified{
		Verdict: "PERTINENT_LEGAL", Grounds: []string{"ETHNIC_ORIGIN", "AGE_OLD"}, MainGround: "ETHNIC_ORIGIN",
		Type: "DIRECT", Flags: []string{"ONLINE"}, Field: "WORK_PAY", AuthorKinds: []string{"BUSINESS"},
		Incident: december, EventTerritory: "019", ResidenceTerritory: "ND",
	}
	action = ActionRecorded{Month: april, Code: "LETTER", Result: "DONE"}
	closed = CaseClosed{Month: april, Outcome: "CONCILIATED", SecondaryOutcomes: []string{"COURT_LOST"}}
)

// apply applies events to a new case.
func apply(t *testing.T, events ...CaseEvent) Case {
	t.Helper()
	var c Case
	for i, e := range events {
		next, err := c.Apply(int64(i+1), e, codes)
		if err != nil {
			t.Fatalf("event %d: %v", i+1, err)
		}
		c = next
	}
	return c
}

// with returns an altered copy of an event.
func with[E any](e E, change func(*E)) E {
	change(&e)
	return e
}

func TestReport_Apply(t *testing.T) {
	t.Parallel()
	good := ReportCounted{Month: march, Channel: "PHONE", ReporterRole: "WITNESS", Anonymous: true}
	first, err := Report{}.Apply(1, good, codes)
	if err != nil {
		t.Fatal(err)
	}
	want := Report{Seq: 1, Month: march, Channel: "PHONE", ReporterRole: "WITNESS", Anonymous: true}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Error(diff)
	}
	withdrawn, err := first.Apply(2, ReportWithdrawn{}, codes)
	if err != nil || withdrawn != (Report{Seq: 2, Withdrawn: true}) {
		t.Fatalf("got %+v, %v", withdrawn, err)
	}
	for name, c := range map[string]struct {
		from Report
		seq  int64
		e    ReportEvent
		want error
	}{
		"a later event replaces":    {first, 2, with(good, func(e *ReportCounted) { e.Month = april }), nil},
		"nothing stated is allowed": {Report{}, 1, ReportCounted{Month: march}, nil},
		"a gap":                     {first, 3, good, ErrOrder},
		"a duplicate":               {first, 1, good, ErrOrder},
		"no month":                  {Report{}, 1, ReportCounted{}, ErrInvalid},
		"a thirteenth month":        {Report{}, 1, ReportCounted{Month: Month{2026, 13}}, ErrInvalid},
		"a month zero":              {Report{}, 1, ReportCounted{Month: Month{2026, 0}}, ErrInvalid},
		"a year too far back":       {Report{}, 1, ReportCounted{Month: Month{1899, 12}}, ErrInvalid},
		"a year too far ahead":      {Report{}, 1, ReportCounted{Month: Month{2201, 1}}, ErrInvalid},
		"unknown channel":           {Report{}, 1, ReportCounted{Month: march, Channel: "SMOKE"}, ErrCode},
		"unknown role":              {Report{}, 1, ReportCounted{Month: march, ReporterRole: "GHOST"}, ErrCode},
		"a correction":              {first, 2, ReportCorrected{Month: april}, nil},
		"a correction of nothing":   {Report{}, 1, ReportCorrected{Month: april}, ErrOrder},
		"a correction to nonsense":  {first, 2, ReportCorrected{Month: april, Channel: "SMOKE"}, ErrCode},
		"a withdrawal":              {first, 2, ReportWithdrawn{}, nil},
		"a withdrawal of nothing":   {Report{}, 1, ReportWithdrawn{}, ErrOrder},
		"a second withdrawal":       {withdrawn, 3, ReportWithdrawn{}, ErrInvalid},
		"counted again":             {withdrawn, 3, good, ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := c.from.Apply(c.seq, c.e, codes)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err != nil && got != c.from {
				t.Error("a rejected event changed the fact")
			}
		})
	}
}

func TestCase_Apply(t *testing.T) {
	t.Parallel()
	open, assessed := []CaseEvent{opened}, []CaseEvent{opened, classified}
	altered := func(change func(*CaseClassified)) CaseEvent { return with(classified, change) }
	for name, c := range map[string]struct {
		before []CaseEvent
		e      CaseEvent
		want   error
	}{
		"classified before opened": {nil, classified, ErrOrder},
		"opened twice":             {open, opened, ErrOrder},
		"opened without a month":   {nil, CaseOpened{Received: march}, ErrInvalid},
		"received in an impossible month": {
			nil, with(opened, func(e *CaseOpened) { e.Received = Month{2026, 13} }), ErrInvalid,
		},
		"opened on unknown channel": {nil, with(opened, func(e *CaseOpened) { e.Channel = "SMOKE" }), ErrCode},
		"opened in unknown role":    {nil, with(opened, func(e *CaseOpened) { e.ReporterRole = "GHOST" }), ErrCode},
		"no verdict":                {open, CaseClassified{}, ErrInvalid},
		"unknown verdict":           {open, CaseClassified{Verdict: "MAYBE"}, ErrCode},
		"verdict of unknown group":  {open, CaseClassified{Verdict: "STRAY"}, ErrCode},
		"unknown ground": {
			open, altered(func(e *CaseClassified) { e.Grounds = []string{"ETHNIC_ORIGIN", "HAT"} }), ErrCode,
		},
		"main ground not listed": {
			open, altered(func(e *CaseClassified) { e.MainGround = "SKIN_COLOUR" }), ErrInvalid,
		},
		"main ground without group": {
			open, CaseClassified{Verdict: "CRIME", Grounds: []string{"UNGROUPED"}, MainGround: "UNGROUPED"}, ErrCode,
		},
		"unknown field":     {open, altered(func(e *CaseClassified) { e.Field = "MOON" }), ErrCode},
		"unknown type":      {open, altered(func(e *CaseClassified) { e.Type = "ODD" }), ErrCode},
		"unknown flag":      {open, altered(func(e *CaseClassified) { e.Flags = []string{"ODD"} }), ErrCode},
		"unknown author":    {open, altered(func(e *CaseClassified) { e.AuthorKinds = []string{"ODD"} }), ErrCode},
		"unknown territory": {open, altered(func(e *CaseClassified) { e.ResidenceTerritory = "XYZ" }), ErrCode},
		"impossible incident": {
			open, altered(func(e *CaseClassified) { e.Incident = Month{2026, 14} }), ErrInvalid,
		},
		"assessed again":          {assessed, altered(func(e *CaseClassified) { e.Field = "TRANSPORT" }), nil},
		"assessed with a verdict": {open, CaseClassified{Verdict: "CRIME"}, nil},
		"unknown action":          {open, with(action, func(e *ActionRecorded) { e.Code = "DANCE" }), ErrCode},
		"unknown result":          {open, with(action, func(e *ActionRecorded) { e.Result = "ODD" }), ErrCode},
		"action without code":     {open, ActionRecorded{Month: april}, ErrInvalid},
		"action without month":    {open, ActionRecorded{Code: "LETTER"}, ErrInvalid},
		"closed without outcome":  {assessed, CaseClosed{Month: april}, ErrInvalid},
		"closed without month":    {assessed, CaseClosed{Outcome: "CONCILIATED"}, ErrInvalid},
		"unknown outcome":         {assessed, CaseClosed{Month: april, Outcome: "ODD"}, ErrCode},
		"unknown secondary outcome": {
			assessed, with(closed, func(e *CaseClosed) { e.SecondaryOutcomes = []string{"ODD"} }), ErrCode,
		},
		"closed without assessment": {open, closed, nil},
		"closed again": {
			[]CaseEvent{opened, classified, closed},
			with(closed, func(e *CaseClosed) { e.Outcome = "COURT_LOST" }), nil,
		},
		"restricted, closed empty": {
			[]CaseEvent{opened, CaseClassified{Restricted: true}}, CaseClosed{Month: april}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from := apply(t, c.before...)
			got, err := from.Apply(from.Seq+1, c.e, codes)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if diff := cmp.Diff(from, got); err != nil && diff != "" {
				t.Errorf("a rejected event changed the fact: %s", diff)
			}
			if err == nil && got.Seq != from.Seq+1 {
				t.Errorf("the fact is at event %d", got.Seq)
			}
		})
	}
}

func TestCodes_Group(t *testing.T) {
	t.Parallel()
	ungrouped := Codes(func(string, string) (string, bool) { return "", true })
	for name, c := range map[string]struct {
		codes     Codes
		code      string
		wantGroup string
		wantErr   string
	}{
		"the group of a code":       {codes, "AGE_OLD", "G_AGE", ""},
		"no code has no group":      {codes, "", "", ""},
		"an unknown code":           {codes, "HAT", "", "ground: unknown code"},
		"a code without a group":    {codes, "UNGROUPED", "", "ground_group: unknown code"},
		"an empty name is no group": {ungrouped, "AGE_OLD", "", "ground_group: unknown code"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := c.codes.group("ground", "ground_group", c.code)
			text := ""
			if err != nil {
				text = err.Error()
			}
			if got != c.wantGroup || text != c.wantErr {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestMonth_String(t *testing.T) {
	t.Parallel()
	for m, want := range map[Month]string{{2026, 3}: "2026-03", {}: ""} {
		if got := m.String(); got != want {
			t.Errorf("%#v is %q, want %q", m, got, want)
		}
	}
}

func TestCase_ApplyRejectsGapsAndDuplicates(t *testing.T) {
	t.Parallel()
	c := apply(t, opened, classified)
	for _, seq := range []int64{0, 1, 2, 4, 9} {
		if _, err := c.Apply(seq, closed, codes); !errors.Is(err, ErrOrder) {
			t.Errorf("event %d after 2: %v", seq, err)
		}
	}
}

func TestCase_Restricted(t *testing.T) {
	t.Parallel()
	restricted := CaseClassified{
		Restricted: true, Verdict: "CRIME", MainGround: "AGE_OLD", Field: "WORK_PAY", EventTerritory: "019",
	}
	c := apply(t, opened, classified, action, restricted, action, closed)

	t.Run("has months and no other details", func(t *testing.T) {
		t.Parallel()
		want := Case{Seq: 6, Opened: april, Received: march, Restricted: true, Closed: april}
		if diff := cmp.Diff(want, c); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("counts in the totals of the region only", func(t *testing.T) {
		t.Parallel()
		want := []Cell{
			{TableFlow, 2026, UnitCase, Total, Total},
			{TableGrounds, 2026, Total, Total, ""},
			{TableOutcomes, 2026, Total, Total, ""},
		}
		if diff := cmp.Diff(want, c.Cells("cremona")); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("may be classified again without restriction", func(t *testing.T) {
		t.Parallel()
		next, err := c.Apply(7, classified, codes)
		if err != nil || next.Restricted || next.GroundGroup != "G_ETHNIC" {
			t.Errorf("got %+v, %v", next, err)
		}
	})
}

func TestCells(t *testing.T) {
	t.Parallel()
	flowOf := func(unit, month string) []Cell {
		return []Cell{
			{TableFlow, 2026, unit, month, "cremona"}, {TableFlow, 2026, unit, month, Total},
			{TableFlow, 2026, unit, Total, "cremona"}, {TableFlow, 2026, unit, Total, Total},
		}
	}
	report, err := Report{}.Apply(1, ReportCounted{Month: march}, codes)
	if err != nil {
		t.Fatal(err)
	}
	withdrawn, err := report.Apply(2, ReportWithdrawn{}, codes)
	if err != nil {
		t.Fatal(err)
	}
	notPertinent := CaseClassified{Verdict: "CRIME", Grounds: []string{"AGE_OLD"}, MainGround: "AGE_OLD"}
	groundsTotal := Cell{TableGrounds, 2026, Total, Total, ""}
	for name, c := range map[string]struct{ got, want []Cell }{
		"no events":      {slices.Concat(Report{}.Cells("cremona"), Case{}.Cells("cremona")), nil},
		"withdrawn":      {withdrawn.Cells("cremona"), nil},
		"a report":       {report.Cells("cremona"), flowOf(UnitReport, "2026-03")},
		"a case, opened": {apply(t, opened).Cells("cremona"), append(flowOf(UnitCase, "2026-03"), groundsTotal)},
		"a case without a report counts from its opening": {
			apply(t, CaseOpened{Month: april}).Cells("cremona"), append(flowOf(UnitCase, "2026-04"), groundsTotal),
		},
		"a pertinent case, closed": {apply(t, opened, classified, closed).Cells("cremona"), slices.Concat(
			flowOf(UnitCase, "2026-03"), flowOf(UnitPertinent, "2026-03"),
			[]Cell{
				groundsTotal, {TableGrounds, 2026, "G_ETHNIC", Total, ""},
				{TableGrounds, 2026, Total, "F_WORK", ""}, {TableGrounds, 2026, "G_ETHNIC", "F_WORK", ""},
				{TableOutcomes, 2026, Total, Total, ""}, {TableOutcomes, 2026, "O_SOLVED", Total, ""},
				{TableOutcomes, 2026, Total, "G_ETHNIC", ""}, {TableOutcomes, 2026, "O_SOLVED", "G_ETHNIC", ""},
			},
		)},
		"a case not pertinent, without field": {apply(t, opened, notPertinent).Cells("cremona"), slices.Concat(
			flowOf(UnitCase, "2026-03"),
			[]Cell{groundsTotal, {TableGrounds, 2026, "G_AGE", Total, ""}},
		)},
		"a case with a field, without ground": {
			apply(t, opened, CaseClassified{Verdict: "CRIME", Field: "WORK_PAY"}).Cells("cremona"),
			append(flowOf(UnitCase, "2026-03"), groundsTotal, Cell{TableGrounds, 2026, Total, "F_WORK", ""}),
		},
		"a case closed without assessment": {apply(t, opened, closed).Cells("cremona"), slices.Concat(
			flowOf(UnitCase, "2026-03"),
			[]Cell{
				groundsTotal, {TableOutcomes, 2026, Total, Total, ""}, {TableOutcomes, 2026, "O_SOLVED", Total, ""},
			},
		)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, c.got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Ensure that cells updated event by event equal a recount of all facts, for any sequence of events.
func TestDelta_ChangeEqualsRecount(t *testing.T) {
	t.Parallel()
	pick := func(t *rapid.T, list, label string, empty bool) string {
		var all []string
		for code := range lists[list] {
			all = append(all, code)
		}
		slices.Sort(all)
		if empty {
			all = append(all, "")
		}
		return rapid.SampledFrom(append(all, "NO_SUCH_CODE")).Draw(t, label)
	}
	month := rapid.Custom(func(t *rapid.T) Month {
		return Month{rapid.IntRange(2025, 2026).Draw(t, "year"), rapid.IntRange(0, 13).Draw(t, "month")}
	})
	event := func(t *rapid.T) CaseEvent {
		switch rapid.IntRange(0, 9).Draw(t, "kind") {
		case 0, 1, 2:
			return CaseOpened{
				Month: month.Draw(t, "opened"), Received: rapid.OneOf(month, rapid.Just(Month{})).Draw(t, "received"),
				Channel: pick(t, "channel", "channel", true),
			}
		case 3, 4, 5:
			main := pick(t, "ground", "ground", true)
			return CaseClassified{
				Restricted: rapid.IntRange(0, 3).Draw(t, "restricted") == 0,
				Verdict:    pick(t, "assessment", "verdict", false),
				Grounds:    []string{main}, MainGround: main, Field: pick(t, "field", "field", true),
			}
		case 6:
			return ActionRecorded{Month: month.Draw(t, "acted"), Code: pick(t, "action", "action", false)}
		default:
			return CaseClosed{Month: month.Draw(t, "closed"), Outcome: pick(t, "outcome", "outcome", true)}
		}
	}
	type id struct {
		node string
		n    int
	}
	rapid.Check(t, func(t *rapid.T) {
		reports, cases := map[id]Report{}, map[id]Case{}
		counts := Delta{}
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			node := rapid.SampledFrom([]string{"cremona", "milano"}).Draw(t, "node")
			at := id{node, rapid.IntRange(1, 4).Draw(t, "which")}
			step := rapid.SampledFrom([]int64{1, 1, 1, 1, 0, 2}).Draw(t, "step")
			if rapid.IntRange(0, 3).Draw(t, "report") == 0 {
				old := reports[at]
				var e ReportEvent = ReportCounted{Month: month.Draw(t, "received")}
				switch rapid.IntRange(0, 5).Draw(t, "kind") {
				case 0:
					e = ReportCorrected{Month: month.Draw(t, "corrected")}
				case 1:
					e = ReportWithdrawn{}
				}
				next, err := old.Apply(old.Seq+step, e, codes)
				if err == nil {
					reports[at] = next
					counts.Change(old.Cells(at.node), next.Cells(at.node))
				}
				continue
			}
			old := cases[at]
			next, err := old.Apply(old.Seq+step, event(t), codes)
			if err == nil {
				cases[at] = next
				counts.Change(old.Cells(at.node), next.Cells(at.node))
			}
		}
		recount := Delta{}
		for at, r := range reports {
			recount.Change(nil, r.Cells(at.node))
		}
		for at, c := range cases {
			recount.Change(nil, c.Cells(at.node))
		}
		if diff := cmp.Diff(recount, counts); diff != "" {
			t.Fatal(diff)
		}
		for cell, n := range counts {
			if n < 0 {
				t.Fatalf("cell %v counts %d", cell, n)
			}
		}
	})
}
