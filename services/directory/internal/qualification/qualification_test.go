package qualification_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/qualification"
)

func day(text string) time.Time {
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return at
}

func course(months int32, editions ...*directoryv1.Edition) *directoryv1.Course {
	return &directoryv1.Course{CourseId: "base", Kinds: []string{"LEGAL"}, ValidMonths: months,
		Modules: []*directoryv1.Module{{Code: "uno"}}, Editions: editions}
}

func edition(code, to string, attendance ...*directoryv1.Attendance) *directoryv1.Edition {
	if attendance == nil {
		attendance = []*directoryv1.Attendance{{Participant: "DESK_OPERATORS", Persons: 4, Office: "office/sportello"}}
	}
	return &directoryv1.Edition{Code: code, From: to, To: to, Attendance: attendance}
}

// Ensure a qualification lasts to the same day of its last month, or to the last day of a shorter month.
func TestListStatus_Expiry(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name               string
		months             int32
		ended, on          string
		qualified, expired int64
		next               string
		none               bool
	}{
		{"the day before the edition ends", 12, "2026-03-15", "2026-03-14", 0, 0, "", true},
		{"the last day of the edition", 12, "2026-03-15", "2026-03-15", 4, 0, "2027-03-15", false},
		{"the last day of the qualification", 12, "2026-03-15", "2027-03-15", 4, 0, "2027-03-15", false},
		{"the day after", 12, "2026-03-15", "2027-03-16", 0, 4, "", false},
		{"31 August and 6 months, common year", 6, "2026-08-31", "2027-02-28", 4, 0, "2027-02-28", false},
		{"31 August and 6 months, the day after", 6, "2026-08-31", "2027-03-01", 0, 4, "", false},
		{"31 August and 6 months, leap year", 6, "2027-08-31", "2028-02-29", 4, 0, "2028-02-29", false},
		{"29 February and 12 months", 12, "2028-02-29", "2029-02-28", 4, 0, "2029-02-28", false},
		{"29 February and 12 months, the day after", 12, "2028-02-29", "2029-03-01", 0, 4, "", false},
		{"30 November and 3 months", 3, "2026-11-30", "2027-02-28", 4, 0, "2027-02-28", false},
		{"31 January and 1 month", 1, "2026-01-31", "2026-02-28", 4, 0, "2026-02-28", false},
		{"28 February stays the 28th", 1, "2026-02-28", "2026-03-29", 0, 4, "", false},
		{"over the end of a year", 14, "2026-12-31", "2028-02-29", 4, 0, "2028-02-29", false},
		{"never expires", 0, "1999-01-31", "2399-12-31", 4, 0, "", false},
		{"beyond the last year of a date", 1_000_000, "2026-01-31", "2399-12-31", 4, 0, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := qualification.ListStatus(day(c.on),
				[]*directoryv1.Course{course(c.months, edition("prima", c.ended))})
			if c.none {
				if len(got) != 0 {
					t.Errorf("got %+v", got)
				}
				return
			}
			if len(got) != 1 || got[0].Qualified != c.qualified || got[0].Expired != c.expired {
				t.Fatalf("got %+v", got)
			}
			next, persons := got[0].NextExpiry()
			expiry := ""
			if !next.IsZero() {
				expiry = next.Format(time.DateOnly)
			}
			if expiry != c.next || c.next == "" && persons != 0 || c.next != "" && persons != 4 {
				t.Errorf("next expiry %q with %d, want %q", expiry, persons, c.next)
			}
		})
	}
}

// Ensure numbers add up over editions, offices, participants and kinds, and the next expiry comes first.
func TestListStatus_AddsUp(t *testing.T) {
	t.Parallel()
	one := course(12, edition("seconda", "2026-06-30"), edition("prima", "2026-01-31"),
		edition("scaduta", "2024-01-31"), edition("futura", "2030-01-01"))
	one.Kinds = []string{"LEGAL", "BASIC_OPERATOR", "LEGAL"}
	permanent := course(0, edition("unica", "2020-01-01"))
	permanent.CourseId = "per-sempre"
	same := course(12, edition("altra", "2026-01-31",
		&directoryv1.Attendance{Participant: "FFOO", Persons: 1, Office: "office/sportello"},
		&directoryv1.Attendance{Participant: "FFOO", Persons: 2, Office: "questura"},
		&directoryv1.Attendance{Participant: "FFOO", Persons: 30}))
	same.CourseId = "altro"
	got := qualification.ListStatus(day("2026-11-24"), []*directoryv1.Course{one, permanent, same})

	from, to := day("2026-01-31"), day("2027-01-31")
	second := qualification.Edition{Course: "base", Code: "seconda", Persons: 4, From: day("2026-06-30"),
		To: day("2027-06-30")}
	first := qualification.Edition{Course: "base", Code: "prima", Persons: 4, From: from, To: to}
	want := []qualification.Status{
		{Office: "questura", Kind: "LEGAL", Qualified: 2,
			Editions: []qualification.Edition{{Course: "altro", Code: "altra", Persons: 2, From: from, To: to}}},
		{Office: "sportello", Kind: "BASIC_OPERATOR", Qualified: 8, Expired: 4,
			Editions: []qualification.Edition{first, second}},
		{Office: "sportello", Kind: "LEGAL", Qualified: 13, Expired: 4, Editions: []qualification.Edition{
			{Course: "altro", Code: "altra", Persons: 1, From: from, To: to}, first, second,
			{Course: "per-sempre", Code: "unica", Persons: 4, From: day("2020-01-01")},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("-want +got:\n" + diff)
	}
	if next, persons := got[2].NextExpiry(); !next.Equal(to) || persons != 5 {
		t.Errorf("%d expire next, on %s", persons, next)
	}
}

// Ensure attendance by module qualifies only those who attended all modules for their type of participant.
func TestListStatus_Modules(t *testing.T) {
	t.Parallel()
	row := func(participant, module string, persons int32) *directoryv1.Attendance {
		return &directoryv1.Attendance{Participant: participant, Module: module, Persons: persons,
			Office: "office/sportello"}
	}
	for _, c := range []struct {
		name string
		rows []*directoryv1.Attendance
		want int64
	}{
		{"both modules", []*directoryv1.Attendance{row("FFOO", "spia", 9), row("FFOO", "tutela", 7)}, 7},
		{"both modules, the one for the type with fewer",
			[]*directoryv1.Attendance{row("FFOO", "spia", 5), row("FFOO", "tutela", 7)}, 5},
		{"one of two", []*directoryv1.Attendance{row("FFOO", "spia", 9)}, 0},
		{"the only module for the type", []*directoryv1.Attendance{row("UNIONS", "tutela", 5)}, 5},
		{"whole course and modules",
			[]*directoryv1.Attendance{row("FFOO", "", 2), row("FFOO", "spia", 3), row("FFOO", "tutela", 3)}, 5},
		{"two types of participant", []*directoryv1.Attendance{row("FFOO", "spia", 9), row("UNIONS", "tutela", 5)}, 5},
		{"nobody", []*directoryv1.Attendance{row("FFOO", "", 0)}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			it := course(12, edition("prima", "2026-01-31", c.rows...))
			it.Modules = []*directoryv1.Module{{Code: "spia", Participants: []string{"FFOO"}}, {Code: "tutela"}}
			var got int64
			for _, s := range qualification.ListStatus(day("2026-11-24"), []*directoryv1.Course{it}) {
				got += s.Qualified
			}
			if got != c.want {
				t.Errorf("%d are qualified, want %d", got, c.want)
			}
		})
	}
}

// Ensure an edition without a valid last day has no status.
func TestListStatus_InvalidDay(t *testing.T) {
	t.Parallel()
	for _, to := range []string{"", "2026-02-30", "2026"} {
		if got := qualification.ListStatus(day("2026-11-24"),
			[]*directoryv1.Course{course(12, edition("prima", to))}); len(got) > 0 {
			t.Errorf("an edition that ends on %q gives %+v", to, got)
		}
	}
}
