package opening_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/retepari/pari/services/directory/internal/opening"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	const nine, one = 9 * 60, 13 * 60
	morning := []opening.TimeRange{{Opens: nine, Closes: one}}
	valid := func(weekday int, from, to string) opening.Hours {
		return opening.Hours{Weekday: weekday, Opens: nine, Closes: one, ValidFrom: from, ValidTo: to}
	}
	on := func(e ...opening.Exception) opening.Schedule { return opening.Schedule{Exceptions: e} }
	rule := func(text string) opening.Schedule {
		return on(opening.Exception{From: "2026-01-01", RRule: text, Closed: true})
	}
	rules := func(n int) opening.Schedule {
		return on(slices.Repeat([]opening.Exception{{From: "2026-01-01", RRule: "FREQ=DAILY", Closed: true}}, n)...)
	}
	badRule := []string{"exceptions[0].rrule BAD_RRULE"}
	for _, c := range []struct {
		name     string
		schedule opening.Schedule
		want     []string
	}{
		{"accepts an empty schedule", opening.Schedule{}, nil},
		{"accepts seasons that do not overlap",
			opening.Schedule{Hours: []opening.Hours{valid(1, "", "2026-05-31"), valid(1, "2026-06-01", "")}}, nil},
		{"accepts a repetition on the day of a dated exception", on(
			opening.Exception{From: "2026-01-05", Closed: true},
			opening.Exception{From: "2026-01-01", RRule: "FREQ=MONTHLY;BYDAY=1MO", Hours: morning},
			opening.Exception{From: "2026-02-02", Closed: true}), nil},
		{"accepts split hours and exceptions in any order", opening.Schedule{
			Hours: []opening.Hours{valid(1, "", ""), {Weekday: 1, Opens: one, Closes: one + 60},
				{Weekday: 1, Opens: nine - 60, Closes: nine}},
			Exceptions: []opening.Exception{{From: "2026-08-10", To: "2026-08-20", Closed: true},
				{From: "2026-08-21", Closed: true},
				{From: "2026-08-09", Hours: []opening.TimeRange{morning[0], {Opens: one, Closes: one + 60},
					{Opens: nine - 60, Closes: nine}}}},
		}, nil},
		{"refuses seasons that overlap",
			opening.Schedule{Hours: []opening.Hours{valid(1, "", "2026-06-01"), valid(1, "2026-06-01", "")}},
			[]string{"hours[1] OVERLAP"}},
		{"reports no overlap with an invalid validity",
			opening.Schedule{Hours: []opening.Hours{valid(1, "2026-02-29", "2026-12-31"), valid(1, "", "2020-01-01")}},
			[]string{"hours[0].valid_from BAD_DATE"}},
		{"reports no overlap with invalid dates of an exception", on(
			opening.Exception{From: "2026-02-29", Closed: true}, opening.Exception{From: "2026-08-10", Closed: true},
			opening.Exception{From: "2026-02-30", Closed: true}),
			[]string{"exceptions[0].from BAD_DATE", "exceptions[2].from BAD_DATE"}},
		{"reports an invalid time only once",
			opening.Schedule{Hours: []opening.Hours{{Weekday: 1, Opens: 24*60 + 1, Closes: nine},
				{Weekday: 2, Opens: nine, Closes: -1}}},
			[]string{"hours[0].opens BAD_TIME", "hours[1].closes BAD_TIME"}},
		{"reports all problems at once", opening.Schedule{
			Hours: []opening.Hours{{Weekday: 0, Opens: one, Closes: nine}, valid(8, "2026-02-29", ""),
				valid(2, "2026-03-02", "2026-03-01"),
				{Weekday: 1, Opens: -1, Closes: 24*60 + 1}},
			Exceptions: []opening.Exception{{}, {From: "2026-12-24", Closed: true, Hours: morning}},
			Holidays:   "MAYBE", Place: "Cremona",
		}, []string{
			"holidays UNKNOWN_VALUE", "place BAD_PLACE", "hours[0].weekday BAD_WEEKDAY",
			"hours[0].closes CLOSES_BEFORE_OPENS", "hours[1].weekday BAD_WEEKDAY",
			"hours[1].valid_from BAD_DATE", "hours[2].valid_to RANGE_REVERSED", "hours[3].opens BAD_TIME",
			"hours[3].closes BAD_TIME",
			"exceptions[0] EMPTY", "exceptions[0].from EMPTY", "exceptions[1].hours CLOSED_WITH_HOURS",
		}},
		{"refuses two exceptions on a day",
			on(opening.Exception{From: "2026-08-10", To: "2026-08-20", Closed: true},
				opening.Exception{From: "2026-08-20", Hours: morning}),
			[]string{"exceptions[1].from OVERLAP"}},
		{"refuses overlapping openings on a day",
			on(opening.Exception{From: "2026-08-10",
				Hours: []opening.TimeRange{{Opens: nine, Closes: one}, {Opens: one - 1, Closes: one + 60}}}),
			[]string{"exceptions[0].hours[1] OVERLAP"}},
		{"refuses 29 February of a common year", on(opening.Exception{From: "2026-02-29", Closed: true}),
			[]string{"exceptions[0].from BAD_DATE"}},
		{"accepts 29 February of a leap year", on(opening.Exception{From: "2028-02-29", Closed: true}), nil},
		{"refuses a time in the skipped hour",
			on(opening.Exception{From: "2026-03-29", Hours: []opening.TimeRange{{Opens: 150, Closes: one}}}),
			[]string{"exceptions[0].hours[0].opens HOUR_SKIPPED_BY_CLOCK_CHANGE"}},
		{"refuses a time in the skipped hour anywhere in a range",
			on(opening.Exception{From: "2026-03-01", To: "2026-04-01",
				Hours: []opening.TimeRange{{Opens: 60, Closes: 150}}}),
			[]string{"exceptions[0].hours[0].closes HOUR_SKIPPED_BY_CLOCK_CHANGE"}},
		{"accepts times at the edges of that hour",
			on(opening.Exception{From: "2026-03-29",
				Hours: []opening.TimeRange{{Opens: 60, Closes: 120}, {Opens: 180, Closes: 240}}}), nil},
		{"accepts the same hour the day before",
			on(opening.Exception{From: "2026-03-28", Hours: []opening.TimeRange{{Opens: 150, Closes: one}}}), nil},
		{"accepts the same hour the day after",
			on(opening.Exception{From: "2026-03-30", Hours: []opening.TimeRange{{Opens: 150, Closes: one}}}), nil},
		{"accepts the same hour in a repetition",
			on(opening.Exception{From: "2026-03-29", RRule: "FREQ=WEEKLY",
				Hours: []opening.TimeRange{{Opens: 150, Closes: one}}}), nil},
		{"reports no skipped hour of an invalid opening",
			on(opening.Exception{From: "2026-03-29", Hours: []opening.TimeRange{{Opens: 150, Closes: 150}}}),
			[]string{"exceptions[0].hours[0].closes CLOSES_BEFORE_OPENS"}},
		{"reports no skipped hour of invalid dates",
			on(opening.Exception{From: "2026-02-29", To: "2026-12-31",
				Hours: []opening.TimeRange{{Opens: 150, Closes: one}}}),
			[]string{"exceptions[0].from BAD_DATE"}},
		{"accepts a time in the repeated hour",
			on(opening.Exception{From: "2026-10-25", Hours: []opening.TimeRange{{Opens: 150, Closes: one}}}), nil},
		{"accepts a rule with an end", rule("FREQ=WEEKLY;BYDAY=TU,TH;UNTIL=20261231T225959Z"), nil},
		{"refuses a rule without frequency", rule("BYDAY=1MO"), badRule},
		{"refuses a rule of seconds", rule("FREQ=SECONDLY"), badRule},
		{"refuses a rule with its own start", rule("FREQ=DAILY;DTSTART=20260101"), badRule},
		{"refuses a rule that gives no day", rule("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"), badRule},
		{"refuses the fifty-third Monday of a month", rule("FREQ=MONTHLY;BYDAY=53MO"), badRule},
		{"refuses a rule whose first day is after the end",
			on(opening.Exception{From: "2026-01-10", To: "2026-01-11", RRule: "FREQ=MONTHLY;BYDAY=1MO", Closed: true}),
			badRule},
		{"reports an invalid rule beside invalid dates",
			on(opening.Exception{From: "2026-02-29", RRule: "FREQ=SECONDLY", Closed: true}),
			[]string{"exceptions[0].from BAD_DATE", "exceptions[0].rrule BAD_RRULE"}},
		{"does not expand a rule with invalid dates",
			on(opening.Exception{From: "2026-02-01", To: "2026-01-01", RRule: "FREQ=DAILY", Closed: true}),
			[]string{"exceptions[0].to RANGE_REVERSED"}},
		{"refuses a rule that is too long", rule("FREQ=DAILY;BYMONTHDAY=1" + strings.Repeat(",1", 100)), badRule},
		{"refuses an unknown part", rule("FREQ=YEARLY;BYEASTER=1"), badRule},
		{"refuses a repeated part", rule("FREQ=DAILY;FREQ=DAILY"), badRule},
		{"refuses an interval of 0", rule("FREQ=DAILY;INTERVAL=0"), badRule},
		{"accepts the largest interval", rule("FREQ=DAILY;INTERVAL=100"), nil},
		{"refuses an interval above the limit", rule("FREQ=DAILY;INTERVAL=101"), badRule},
		{"refuses a count of 0", rule("FREQ=DAILY;COUNT=0"), badRule},
		{"accepts the largest count", rule("FREQ=DAILY;COUNT=11000"), nil},
		{"refuses a count above the limit", rule("FREQ=DAILY;COUNT=11001"), badRule},
		{"refuses a count beside an end", rule("FREQ=DAILY;COUNT=3;UNTIL=20261231T225959Z"), badRule},
		{"refuses a position without days", rule("FREQ=MONTHLY;BYSETPOS=1"), badRule},
		{"accepts a position among weekdays", rule("FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=1"), nil},
		{"accepts a position among days of the month", rule("FREQ=MONTHLY;BYMONTHDAY=1,15;BYSETPOS=1"), nil},
		{"accepts a position among months", rule("FREQ=YEARLY;BYMONTH=3,6;BYSETPOS=1"), nil},
		{"accepts days of a month", rule("FREQ=MONTHLY;BYMONTHDAY=15,-1"), nil},
		{"refuses days of the month in a week", rule("FREQ=WEEKLY;BYMONTHDAY=1"), badRule},
		{"accepts a week start", rule("FREQ=WEEKLY;INTERVAL=2;WKST=SU"), nil},
		{"refuses a week start with an ordinal", rule("FREQ=WEEKLY;WKST=1MO"), badRule},
		{"refuses an end outside the supported years", rule("FREQ=YEARLY;UNTIL=99991231T000000Z"), badRule},
		{"accepts the fifth Monday of a month", rule("FREQ=MONTHLY;BYDAY=5MO"), nil},
		{"refuses the sixth Monday of a month", rule("FREQ=MONTHLY;BYDAY=6MO"), badRule},
		{"refuses the sixth last Monday of a month", rule("FREQ=MONTHLY;BYDAY=-6MO"), badRule},
		{"refuses the sixth Monday of a month of the year", rule("FREQ=YEARLY;BYMONTH=1;BYDAY=1MO,6MO"), badRule},
		{"refuses the first Monday of a week", rule("FREQ=WEEKLY;BYMONTH=1;BYDAY=1MO"), badRule},
		{"refuses the fifty-fourth Monday of a year", rule("FREQ=YEARLY;BYDAY=54MO"), badRule},
		{"accepts the fifty-third Monday of a year", rule("FREQ=YEARLY;BYDAY=53MO"), nil},
		{"refuses day 0 of a month", rule("FREQ=MONTHLY;BYMONTHDAY=0"), badRule},
		{"refuses too many hours", opening.Schedule{Hours: make([]opening.Hours, opening.MaxHours+1)},
			[]string{"hours TOO_MANY"}},
		{"refuses too many hours of an exception", on(opening.Exception{
			From: "2026-12-24", Hours: make([]opening.TimeRange, opening.MaxHours+1),
		}), []string{"exceptions[0].hours TOO_MANY"}},
		{"accepts as many rules as the limit", rules(opening.MaxRules), nil},
		{"refuses a rule above the limit", rules(opening.MaxRules + 1),
			[]string{fmt.Sprintf("exceptions[%d].rrule TOO_MANY", opening.MaxRules)}},
		{"does not read a rule above the limit",
			on(append(rules(opening.MaxRules).Exceptions,
				opening.Exception{From: "2026-01-01", RRule: "FREQ=SECONDLY", Closed: true})...),
			[]string{fmt.Sprintf("exceptions[%d].rrule TOO_MANY", opening.MaxRules)}},
		{"refuses a place with punctuation", opening.Schedule{Place: "01903."}, []string{"place BAD_PLACE"}},
		{"refuses a place with letters", opening.Schedule{Place: "01903a"}, []string{"place BAD_PLACE"}},
		{"refuses a place of five digits", opening.Schedule{Place: "01903"}, []string{"place BAD_PLACE"}},
		{"refuses an invalid last day", on(opening.Exception{From: "2026-02-01", To: "2026-02-29", Closed: true}),
			[]string{"exceptions[0].to BAD_DATE"}},
		{"refuses a day before the supported years", on(opening.Exception{From: "1969-12-31", Closed: true}),
			[]string{"exceptions[0].from BAD_DATE"}},
		{"refuses a day after the supported years", on(opening.Exception{From: "2400-01-01", Closed: true}),
			[]string{"exceptions[0].from BAD_DATE"}},
		{"refuses too many exceptions", on(make([]opening.Exception, opening.MaxExceptions+1)...),
			[]string{"exceptions TOO_MANY"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, p := range opening.Validate(c.schedule) {
				got = append(got, fmt.Sprintf("%s %s", p.Path, p.Code))
				if text, ok := strings.CutPrefix(p.Error(), p.Path+": "); !ok || text == "" {
					t.Errorf("%s has no text", p.Code)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			_, err := opening.Compile(c.schedule)
			invalid := slices.ContainsFunc(c.want, func(w string) bool { return !strings.HasSuffix(w, "OVERLAP") })
			if (err != nil) != invalid {
				t.Errorf("Compile returns %v", err)
			}
		})
	}
}

// Ensure no rule crashes the library or takes long.
func FuzzRRule(f *testing.F) {
	for _, seed := range []string{
		"FREQ=MONTHLY;BYDAY=1MO", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;BYMONTHDAY=-31",
		"FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=MO,WE",
		"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "FREQ=YEARLY;BYDAY=-53SU", "FREQ=YEARLY;BYMONTH=1;BYDAY=-5SU",
		"FREQ=DAILY;BYSETPOS=2;BYMONTH=3",
		"FREQ=DAILY;COUNT=3;UNTIL=20260101", "FREQ=YEARLY;BYEASTER=1", "RRULE:FREQ=DAILY", "FREQ=DAILY\nFREQ=DAILY",
		"FREQ=YEARLY;UNTIL=99991231", "",
	} {
		f.Add(seed, "2026-01-01")
		f.Add(seed, "2399-12-31")
	}
	f.Fuzz(func(t *testing.T, rule, from string) {
		hours := []opening.TimeRange{{Opens: 540, Closes: 600}}
		exception := opening.Exception{From: from, RRule: rule, Hours: hours}
		p, err := opening.Compile(opening.Schedule{Exceptions: []opening.Exception{exception}})
		if err != nil {
			return
		}
		next := p.StateAt(at(t, "2026-11-24T10:00:00+01:00")).Next
		if !next.IsZero() && !p.StateAt(next).Open {
			t.Errorf("closed at %s", next)
		}
	})
}
