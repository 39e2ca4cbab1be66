package opening_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	ics "github.com/arran4/golang-ical"
	"github.com/teambition/rrule-go"
	"pgregory.net/rapid"

	"github.com/retepari/pari/services/directory/internal/opening"
)

// parseCalendar parses a calendar as a client would, and returns the merged events and their identifiers.
func parseCalendar(t rapid.TB, text string) (spans []opening.Span, ids []string) {
	t.Helper()
	calendar, err := ics.ParseCalendar(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range calendar.Events() {
		start, end := property(t, event, ics.ComponentPropertyDtStart), property(t, event, ics.ComponentPropertyDtEnd)
		length := wallOf(end[0]).Sub(wallOf(start[0]))
		ids = append(ids, event.Id())
		starts := start
		if rule := event.GetProperty(ics.ComponentPropertyRrule); rule != nil {
			option, err := rrule.StrToROption(rule.Value)
			if err != nil {
				t.Fatal(err)
			}
			option.Dtstart = start[0]
			recurrence, err := rrule.NewRRule(*option)
			if err != nil {
				t.Fatal(err)
			}
			set := rrule.Set{}
			set.RRule(recurrence)
			for _, excluded := range property(t, event, ics.ComponentPropertyExdate) {
				set.ExDate(excluded)
			}
			starts = set.All()
		}
		for _, s := range starts {
			w := wallOf(s).Add(length)
			to := time.Date(w.Year(), w.Month(), w.Day(), w.Hour(), w.Minute(), 0, 0, s.Location())
			if s.Before(to) {
				spans = append(spans, opening.Span{From: s, To: to})
			}
		}
	}
	slices.SortFunc(spans, func(a, b opening.Span) int { return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To)) })
	var merged []opening.Span
	for _, s := range spans {
		if n := len(merged); n > 0 && !s.From.After(merged[n-1].To) {
			merged[n-1].To = s.To
			continue
		}
		merged = append(merged, s)
	}
	return merged, ids
}

// wallOf returns the local time of a moment as if it were UTC.
func wallOf(moment time.Time) time.Time {
	return time.Date(moment.Year(), moment.Month(), moment.Day(), moment.Hour(), moment.Minute(), 0, 0, time.UTC)
}

// property returns the moments of a property.
func property(t rapid.TB, event *ics.VEvent, name ics.ComponentProperty) (moments []time.Time) {
	t.Helper()
	for _, p := range event.GetProperties(name) {
		for value := range strings.SplitSeq(p.Value, ",") {
			zone := time.UTC
			layout := "20060102T150405Z"
			if tz := p.ICalParameters["TZID"]; len(tz) == 1 && tz[0] == "Europe/Rome" {
				zone, layout = rome, "20060102T150405"
			}
			moment, err := time.ParseInLocation(layout, value, zone)
			if err != nil {
				t.Fatal(err)
			}
			moments = append(moments, moment)
		}
	}
	return moments
}

var stamp = time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)

func feed(from time.Time, days int) opening.CalendarOptions {
	return opening.CalendarOptions{ID: "counter", Name: "Sportello", From: from, To: from.AddDate(0, 0, days-1),
		Stamp: stamp}
}

// requireSame fails unless the calendar holds the openings of the plan, and each event has its own identifier.
func requireSame(t rapid.TB, p *opening.Plan, from time.Time, days int) {
	t.Helper()
	year, month, day := from.In(rome).Date()
	midnight := time.Date(year, month, day, 0, 0, 0, 0, rome)
	want := slices.Collect(p.Spans(midnight, midnight.AddDate(0, 0, days)))
	got, ids := parseCalendar(t, p.Calendar(feed(from, days)))
	if !slices.EqualFunc(got, want, func(a, b opening.Span) bool { return a.From.Equal(b.From) && a.To.Equal(b.To) }) {
		t.Fatalf("calendar has %v, plan has %v", got, want)
	}
	slices.Sort(ids)
	if len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Fatalf("identifiers %q", ids)
	}
}

// Ensure the calendar holds the openings of the plan.
func TestPlan_Calendar_MatchesSpans(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 12, 0, 0, 0, rome)
	for name, s := range map[string]opening.Schedule{
		"counter of Cremona":  {Hours: cremona(t), Place: "019036"},
		"telephone of Milano": {Hours: milano(t), Place: "015146"},
		"night of the changes": {Hours: []opening.Hours{hours(t, 6, "20:00", "24:00"), hours(t, 7, "00:00", "05:00")},
			Holidays: opening.HolidaysOpen},
		"in the hour itself": {Hours: []opening.Hours{hours(t, 7, "02:00", "03:00"), hours(t, 7, "02:30", "02:45")}},
		"first Monday only": {Exceptions: []opening.Exception{
			{From: "2025-01-01", RRule: "FREQ=MONTHLY;BYDAY=1MO",
				Hours: []opening.TimeRange{{Opens: 900, Closes: 1080}}}}},
		"summer closing": {Hours: cremona(t),
			Exceptions: []opening.Exception{{From: "2026-08-10", To: "2026-08-23", Closed: true}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireSame(t, plan(t, s), start, 365)
			requireSame(t, plan(t, s), time.Date(2026, 3, 29, 12, 0, 0, 0, rome), 365) // from the day of a change
		})
	}
}

// Ensure the calendar of any schedule holds the openings of its plan.
func TestPlan_Calendar_Properties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		_, p := schedule(t)
		requireSame(t, p, date(t, "first day").Add(12*time.Hour), rapid.IntRange(1, 400).Draw(t, "days"))
	})
}

// Ensure lines end and fold as RFC 5545 requires, whatever the texts.
func TestPlan_Calendar_Lines(t *testing.T) {
	p := plan(t, opening.Schedule{Hours: []opening.Hours{{Weekday: 2, Opens: 540, Closes: 780}}})
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := feed(stamp, 60)
		f.Name = rapid.String().Draw(t, "name")
		text := p.Calendar(f)
		for line := range strings.SplitSeq(strings.TrimSuffix(text, "\r\n"), "\r\n") {
			if len(line) > 75 || strings.ContainsAny(line, "\r\n") || !utf8.ValidString(line) {
				t.Fatalf("line %q", line)
			}
		}
		if _, err := ics.ParseCalendar(strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	})
}

func TestPlan_Calendar_Text(t *testing.T) {
	t.Parallel()
	p := plan(t, opening.Schedule{
		Hours: []opening.Hours{hours(t, 2, "09:00", "13:00")},
		Place: "019036",
		Exceptions: []opening.Exception{{
			From: "2026-12-15", Hours: []opening.TimeRange{{Opens: 600, Closes: 660}}, Reason: "riunione, poi aperto",
		}},
	})
	f := opening.CalendarOptions{
		ID: "cremona-sportello", Name: "Sportello; Cremona", From: stamp, To: stamp.AddDate(0, 0, 27), Stamp: stamp,
	}
	_, events, _ := strings.Cut(p.Calendar(f), "END:VTIMEZONE\r\n")
	want := strings.Join([]string{
		"BEGIN:VEVENT", "UID:cremona-sportello-always-2-0900-1300@opening.pari", "DTSTAMP:20261124T100000Z",
		"DTSTART;TZID=Europe/Rome:20261124T090000", "DTEND;TZID=Europe/Rome:20261124T130000",
		"RRULE:FREQ=WEEKLY;UNTIL=20261221T225959Z",
		"EXDATE;TZID=Europe/Rome:20261208T090000,20261215T090000", `SUMMARY:Sportello\; Cremona`, "TRANSP:TRANSPARENT",
		"END:VEVENT",
		"BEGIN:VEVENT", "UID:cremona-sportello-20261215T090000Z@opening.pari", "DTSTAMP:20261124T100000Z",
		"DTSTART:20261215T090000Z", "DTEND:20261215T100000Z", `SUMMARY:Sportello\; Cremona`,
		`DESCRIPTION:riunione\, poi aperto`,
		"TRANSP:TRANSPARENT", "END:VEVENT", "END:VCALENDAR", "",
	}, "\r\n")
	if events != want {
		t.Errorf("got\n%s\nwant\n%s", events, want)
	}
	f.From, f.To = f.From.AddDate(0, 0, 7), f.To.AddDate(0, 0, 7)
	if later := p.Calendar(f); !strings.Contains(later, "UID:cremona-sportello-always-2-0900-1300@opening.pari\r\n") {
		t.Error("the identifier depends on the first day")
	}
}

// Ensure only days on which something differs have events of their own.
func TestPlan_Calendar_WeeklyEvents(t *testing.T) {
	t.Parallel()
	var daily []opening.Hours
	for weekday := 1; weekday <= 7; weekday++ {
		daily = append(daily, hours(t, weekday, "09:00", "13:00"))
	}
	text := plan(t, opening.Schedule{Hours: daily, Holidays: opening.HolidaysOpen}).Calendar(feed(stamp, 365))
	if n := strings.Count(text, "BEGIN:VEVENT"); n != 9 { // the weekdays, and two changes of the clocks
		t.Errorf("%d events:\n%s", n, text)
	}
}

// Ensure the time zone in the calendar changes its clocks when Rome does.
func TestPlan_Calendar_Zone(t *testing.T) {
	t.Parallel()
	text := (&opening.Plan{}).Calendar(feed(stamp, 1))
	_, zone, _ := strings.Cut(text, "BEGIN:VTIMEZONE")
	for name, ahead := range map[string]int{"DAYLIGHT": 3600, "STANDARD": 7200} {
		_, block, _ := strings.Cut(zone, "BEGIN:"+name+"\r\nDTSTART:")
		start, rest, _ := strings.Cut(block, "\r\nRRULE:")
		text, _, _ := strings.Cut(rest, "\r\n")
		option, err := rrule.StrToROption(text)
		if err != nil {
			t.Fatal(err)
		}
		if option.Dtstart, err = time.ParseInLocation("20060102T150405", start, time.FixedZone("", ahead)); err != nil {
			t.Fatal(err)
		}
		rule, err := rrule.NewRRule(*option)
		if err != nil {
			t.Fatal(err)
		}
		changes := rule.Between(time.Date(1996, 1, 1, 0, 0, 0, 0, time.UTC),
			time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC), true)
		if len(changes) != 204 {
			t.Fatalf("%d changes", len(changes))
		}
		for _, change := range changes {
			_, before := change.Add(-time.Second).In(rome).Zone()
			_, after := change.In(rome).Zone()
			if before != ahead || after != 10800-ahead {
				t.Errorf("%s: %d, then %d", change, before, after)
			}
		}
	}
}

// Ensure a calendar covers at most MaxCalendarDays, begins in 1997 at the earliest, and is empty for a reversed range.
func TestPlan_Calendar_Range(t *testing.T) {
	t.Parallel()
	p := plan(t, opening.Schedule{Hours: cremona(t)})
	from := time.Date(2026, 1, 1, 12, 0, 0, 0, rome)
	if text := p.Calendar(feed(from, 20*366)); !strings.Contains(text,
		"UNTIL="+from.AddDate(0, 0, opening.MaxCalendarDays-1).Format("20060102")) {
		t.Errorf("calendar of 20 years has other ends:\n%s", text)
	}
	early := p.Calendar(feed(time.Date(1990, 1, 1, 12, 0, 0, 0, rome), 10*366))
	if !strings.Contains(early, "DTSTART;TZID=Europe/Rome:1997") ||
		strings.Contains(early, "DTSTART;TZID=Europe/Rome:1990") {
		t.Errorf("calendar from 1990 on does not begin in 1997:\n%s", early)
	}
	monday := time.Date(2026, 1, 5, 12, 0, 0, 0, rome)
	if text := p.Calendar(feed(monday, 1)); strings.Contains(text, "BEGIN:VEVENT") {
		t.Errorf("calendar of a Monday has events:\n%s", text)
	}
	if text := p.Calendar(feed(from, 0)); strings.Contains(text, "BEGIN:VEVENT") {
		t.Errorf("calendar of a reversed range has events:\n%s", text)
	}
}
