package activity_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	eventsv1 "github.com/retepari/pari/proto/gen/pari/events/v1"
	"github.com/retepari/pari/services/directory/internal/activity"
	"github.com/retepari/pari/services/directory/internal/entry"
)

const today = "2026-06-15"

func entryOf(t *testing.T, content proto.Message) *directoryv1.Entry {
	t.Helper()
	e, err := entry.New(content)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// activityRows returns the rows that content contributes.
func activityRows(t *testing.T, content proto.Message, since map[entry.Ref]string) []*eventsv1.ActivityRow {
	t.Helper()
	all := activity.ListContributions([]*directoryv1.Entry{entryOf(t, content)}, today, since)
	if len(all) == 0 {
		return nil
	}
	return all[0].Event.(*eventsv1.ActivityCounted).GetRows()
}

func row(measure string, year int32, value int64) *eventsv1.ActivityRow {
	return &eventsv1.ActivityRow{Measure: measure, Year: year, Node: "cremona", Value: value}
}

func requireEqual(t *testing.T, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Error("(-want +got):\n" + diff)
	}
}

func TestListContributions_Points(t *testing.T) {
	t.Parallel()
	point := func(years ...int32) (rows []*eventsv1.ActivityRow) {
		for _, y := range years {
			rows = append(rows, row(activity.ActivePoints, y, 1))
		}
		return rows
	}
	for name, c := range map[string]struct {
		kind, state, from, to, since string
		want                         []*eventsv1.ActivityRow
	}{
		"one that has worked for years": {"DESK", "ACTIVE", "2024-03-01", "", "2026-01-10",
			point(2024, 2025, 2026)},
		"one that opens today":                      {"NODE", "ACTIVE", today, "", "", point(2026)},
		"one that opens tomorrow":                   {"ANTENNA", "ACTIVE", "2026-06-16", "", "", nil},
		"one that opened on the last day of a year": {"DESK", "ACTIVE", "2025-12-31", "", "", point(2025, 2026)},
		"one without a first day":                   {"INFO_POINT", "ACTIVE", "", "", "2025-05-01", point(2025, 2026)},
		"one without any day":                       {"DESK", "ACTIVE", "", "", "", nil},
		"one whose last day is today":               {"DESK", "ACTIVE", "2026-01-01", today, "", point(2026)},
		"one whose last day was yesterday":          {"DESK", "ACTIVE", "2026-01-01", "2026-06-14", "", nil},
		"one that ended on New Year's Eve": {"LISTENING_POINT", "ACTIVE", "2024-01-01", "2024-12-31", "",
			point(2024)},
		"one that was closed on a known day": {"EQUALITY_CENTRE", "CLOSED", "2024-01-01", "2026-02-01", "",
			point(2024, 2025)},
		"one that was closed on an unknown day":    {"RIGHTS_HOUSE", "CLOSED", "2024-01-01", "", "", nil},
		"one that awaits reactivation":             {"DESK", "AWAITING_REACTIVATION", "2024-01-01", "", "", nil},
		"a department":                             {"DEPARTMENT", "ACTIVE", "2024-01-01", "", "", nil},
		"a police office":                          {"LOCAL_POLICE", "ACTIVE", "2024-01-01", "", "", nil},
		"one that is suspended and has a last day": {"DESK", "SUSPENDED", "2024-01-01", "2026-02-01", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			since := map[entry.Ref]string{}
			if c.since != "" {
				since["office/x"] = c.since
			}
			got := activityRows(t, &directoryv1.Office{
				OfficeId: "x", Kind: c.kind, State: c.state, Region: "lombardia", Node: "cremona", ValidFrom: c.from,
				ValidTo: c.to,
			}, since)
			requireEqual(t, c.want, got)
		})
	}
}

func TestListContributions_Sessions(t *testing.T) {
	t.Parallel()
	got := activityRows(t,
		&directoryv1.Initiative{InitiativeId: "x", Region: "lombardia", Node: "cremona",
			Sessions: []*directoryv1.Session{
				{Date: "2025-12-31"}, {Date: "2026-01-01"}, {Date: "2026-03-08", Cancelled: true}, {Date: today},
				{Date: "2026-06-16"},
			}}, nil)
	requireEqual(t, []*eventsv1.ActivityRow{row(activity.SessionsHeld, 2025, 1), row(activity.SessionsHeld, 2026, 2)},
		got)
}

func TestListContributions_Courses(t *testing.T) {
	t.Parallel()
	type attendance = directoryv1.Attendance
	held := func(persons, operators int64) (rows []*eventsv1.ActivityRow) {
		rows = []*eventsv1.ActivityRow{row(activity.EditionsHeld, 2026, 1)}
		if operators > 0 {
			rows = append(rows, row(activity.OperatorsTrained, 2026, operators))
		}
		if persons > 0 {
			rows = append(rows, row(activity.PersonsTrained, 2026, persons))
		}
		return append(rows, row(activity.TrainingHours, 2026, 10))
	}
	for name, c := range map[string]struct {
		to         string
		attendance []*attendance
		want       []*eventsv1.ActivityRow
	}{
		"not over yet":         {"2026-06-16", []*attendance{{Participant: "FFOO", Persons: 9}}, nil},
		"attendance not given": {today, nil, held(0, 0)},
		"the whole course": {today,
			[]*attendance{{Participant: "FFOO", Persons: 9}, {Participant: "UNIONS", Persons: 4}}, held(13, 0)},
		"the same people in two modules": {today,
			[]*attendance{{Participant: "FFOO", Module: "a", Persons: 9},
				{Participant: "FFOO", Module: "b", Persons: 7}}, held(9, 0)},
		"the whole course overrides the modules": {today,
			[]*attendance{{Participant: "FFOO", Module: "a", Persons: 9}, {Participant: "FFOO", Persons: 8}},
			held(8, 0)},
		"each type separately": {today,
			[]*attendance{{Participant: "FFOO", Module: "a", Persons: 9},
				{Participant: "UNIONS", Module: "b", Persons: 7}}, held(16, 0)},
		"operators by their type": {today,
			[]*attendance{{Participant: "DESK_OPERATORS", Persons: 6},
				{Participant: "INFO_POINT_OPERATORS", Persons: 2}, {Participant: "FFOO", Persons: 1}}, held(9, 8)},
		"operators by their office": {today,
			[]*attendance{{Participant: "MUNICIPAL_STAFF", Office: "office/a", Persons: 3},
				{Participant: "MUNICIPAL_STAFF", Persons: 5}}, held(8, 3)},
		"operators by both, once": {today,
			[]*attendance{{Participant: "DESK_OPERATORS", Office: "office/a", Persons: 3}}, held(3, 3)},
		"operators of two offices, modules": {today,
			[]*attendance{{Participant: "DESK_OPERATORS", Module: "a", Office: "office/a", Persons: 3},
				{Participant: "DESK_OPERATORS", Module: "a", Office: "office/b", Persons: 2},
				{Participant: "DESK_OPERATORS", Module: "b", Office: "office/a", Persons: 3}}, held(5, 5)},
		"a type with no persons": {today, []*attendance{{Participant: "FFOO", Persons: 0}}, held(0, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := activityRows(t, &directoryv1.Course{
				CourseId: "x", Region: "lombardia", Node: "cremona",
				Modules:  []*directoryv1.Module{{Code: "a", Hours: 4}, {Code: "b", Hours: 6}, {Code: "c"}},
				Editions: []*directoryv1.Edition{{Code: "1", From: "2025-11-01", To: c.to, Attendance: c.attendance}},
			}, nil)
			requireEqual(t, c.want, got)
		})
	}
}

func TestListContributions_Programmes(t *testing.T) {
	t.Parallel()
	all := activity.ListContributions([]*directoryv1.Entry{entryOf(t,
		&directoryv1.Programme{ProgrammeId: "p", Region: "piemonte", Indicators: []*directoryv1.Indicator{
			{Code: "IND_WORKSHOPS", Target: 12,
				Measures: []*directoryv1.Measure{{Period: "2026-01", Value: 2}, {Period: "2026-02", Value: 3},
					{Period: "2025", Value: 9}, {Period: "2025-11", Value: 4}}},
			{Code: "IND_CAMPAIGNS", Measures: []*directoryv1.Measure{
				{Period: "2026", Value: 1}, {Period: "2024", Value: 0}, {Period: "1899", Value: 3},
				{Period: "2201", Value: 3},
			}},
			{Code: "IND_CAMPAIGNS", Target: 2},
			{Code: "IND_TABLE_MEETINGS"},
			{Title: "Altro", Target: 7},
		}})}, today, nil)
	want := []activity.Contribution{{Region: "piemonte", Ref: "programme/p",
		Event: &eventsv1.IndicatorsCounted{Programme: "p", Rows: []*eventsv1.IndicatorRow{
			{Code: "IND_CAMPAIGNS", Target: 2}, {Code: "IND_CAMPAIGNS", Year: 2026, Value: 1},
			{Code: "IND_WORKSHOPS", Target: 12}, {Code: "IND_WORKSHOPS", Year: 2025, Value: 9},
			{Code: "IND_WORKSHOPS", Year: 2026, Value: 5},
		}}}}
	requireEqual(t, want, all)
	if c := all[0]; c.EventType() != "it.pari.programme.counted.v1" || c.Aggregate() != "programme.p" {
		t.Errorf("%s of %s", c.EventType(), c.Aggregate())
	}
	if none := activity.ListContributions([]*directoryv1.Entry{entryOf(t, &directoryv1.Programme{ProgrammeId: "q"}),
		entryOf(t, &directoryv1.Body{BodyId: "b"})}, today, nil); len(none) != 0 {
		t.Errorf("entries without figures contribute %v", none)
	}
}

// Ensure the order of entries does not matter, and an empty contribution has the type of the one it retracts.
func TestListContributions_IsSorted(t *testing.T) {
	t.Parallel()
	entries := []*directoryv1.Entry{
		entryOf(t,
			&directoryv1.Initiative{InitiativeId: "i", Region: "piemonte",
				Sessions: []*directoryv1.Session{{Date: today}}}),
		entryOf(t,
			&directoryv1.Office{OfficeId: "o", Kind: "DESK", State: "ACTIVE", Region: "lombardia", Node: "cremona",
				ValidFrom: today}),
		entryOf(t,
			&directoryv1.Office{OfficeId: "a", Kind: "DESK", State: "ACTIVE", Region: "piemonte", Node: "cuneo",
				ValidFrom: today}),
		entryOf(t,
			&directoryv1.Programme{ProgrammeId: "p", Region: "lombardia",
				Indicators: []*directoryv1.Indicator{{Code: "IND_WORKSHOPS", Target: 1}}}),
	}
	want := activity.ListContributions(entries, today, nil)
	if len(want) != 4 || want[0].Ref != "office/o" || want[3].Ref != "office/a" {
		t.Errorf("order %v", want)
	}
	for range 10 {
		shuffled := slices.Clone(entries)
		rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		requireEqual(t, want, activity.ListContributions(shuffled, today, nil))
	}
	for _, c := range want {
		empty := activity.EmptyContribution(c.Region, c.Aggregate())
		if empty.Ref != c.Ref || empty.EventType() != c.EventType() ||
			empty.Event.ProtoReflect().Descriptor() != c.Event.ProtoReflect().Descriptor() {
			t.Errorf("%v is retracted by %v", c, empty)
		}
	}
}

// Ensure a hidden office does not count, and an impossible year does not block the other figures.
func TestListContributions_Excludes(t *testing.T) {
	t.Parallel()
	refuge := &directoryv1.Office{
		OfficeId: "riservato-0123456789abcdef", Kind: "DESK", State: "ACTIVE", Region: "lombardia", Node: "cremona",
		ValidFrom:  "2026-01-01",
		Visibility: directoryv1.Visibility_VISIBILITY_HIDDEN,
	}
	if all := activity.ListContributions([]*directoryv1.Entry{entryOf(t, refuge)}, today, nil); len(all) != 0 {
		t.Errorf("a hidden office counts: %v", all)
	}
	old := &directoryv1.Office{OfficeId: "x", Kind: "DESK", State: "ACTIVE", Region: "lombardia", Node: "cremona",
		ValidFrom: "0026-01-01"}
	if rows := activityRows(t, old, nil); len(rows) != 127 || rows[0].GetYear() != 1900 || rows[126].GetYear() != 2026 {
		t.Errorf("%d rows from %v", len(rows), rows[0])
	}
	requireEqual(t, []*eventsv1.ActivityRow{row(activity.SessionsHeld, 2026, 1)},
		activityRows(t, &directoryv1.Initiative{
			InitiativeId: "x", Region: "lombardia", Node: "cremona",
			Sessions: []*directoryv1.Session{{Date: "0206-03-08"}, {Date: "2026-03-08"}},
		}, nil))
}
