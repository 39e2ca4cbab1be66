package opening_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/retepari/pari/services/directory/internal/opening"
)

// The range of days that the properties draw from.
var (
	firstDay = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	lastDay  = time.Date(2040, 12, 31, 0, 0, 0, 0, time.UTC)
)

// date draws a day between 2020 and 2040, often one near a change of the clocks or a holiday.
func date(t *rapid.T, name string) time.Time {
	edges := []string{
		"2026-03-28", "2026-03-29", "2026-03-30", "2026-10-24", "2026-10-25", "2026-10-26", "2026-04-05", "2026-12-07",
		"2026-12-31",
		"2028-02-29", "2032-03-28", "2040-10-28", "2040-12-30", "2020-03-29",
	}
	if rapid.Bool().Draw(t, name+" at an edge") {
		d, err := time.Parse(time.DateOnly, rapid.SampledFrom(edges).Draw(t, name))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	return firstDay.AddDate(0, 0, rapid.IntRange(0, int(lastDay.Sub(firstDay)/(24*time.Hour))).Draw(t, name))
}

// times draws the range of an opening.
func times(t *rapid.T) opening.TimeRange {
	edges := []int{0, 60, 119, 120, 121, 150, 179, 180, 181, 540, 1439}
	opens := rapid.OneOf(rapid.SampledFrom(edges), rapid.IntRange(0, 24*60-1)).Draw(t, "opens")
	closes := rapid.OneOf(rapid.Just(24*60), rapid.IntRange(opens+1, 24*60)).Draw(t, "closes")
	return opening.TimeRange{Opens: opening.TimeOfDay(opens), Closes: opening.TimeOfDay(closes)}
}

// schedule draws a valid schedule and returns it with its plan.
func schedule(t *rapid.T) (opening.Schedule, *opening.Plan) {
	maybe := func(name string, d time.Time) string {
		if rapid.Bool().Draw(t, name+" is given") {
			return d.Format(time.DateOnly)
		}
		return ""
	}
	s := opening.Schedule{
		Holidays: rapid.SampledFrom([]opening.HolidayRule{"", opening.HolidaysClosed, opening.HolidaysOpen,
			opening.HolidaysNotGiven}).Draw(t, "holidays"),
		Place: rapid.SampledFrom([]string{"", "019036", "015146", "004078", "058091"}).Draw(t, "place"),
	}
	for range rapid.IntRange(0, 8).Draw(t, "hours") {
		tt, from := times(t), date(t, "valid from")
		h := opening.Hours{Weekday: rapid.IntRange(1, 7).Draw(t, "weekday"), Opens: tt.Opens, Closes: tt.Closes,
			ValidFrom: maybe("valid from", from)}
		h.ValidTo = maybe("valid to", from.AddDate(0, 0, rapid.IntRange(0, 400).Draw(t, "days")))
		s.Hours = append(s.Hours, h)
	}
	rules := []string{"FREQ=MONTHLY;BYDAY=1MO", "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,WE",
		"FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=7", "FREQ=DAILY;INTERVAL=3"}
	for range rapid.IntRange(0, 4).Draw(t, "exceptions") {
		from := date(t, "from")
		e := opening.Exception{From: from.Format(time.DateOnly)}
		if rapid.Bool().Draw(t, "repeats") {
			e.RRule = rapid.SampledFrom(rules).Draw(t, "rule")
		} else {
			e.To = maybe("to", from.AddDate(0, 0, rapid.IntRange(0, 20).Draw(t, "length")))
		}
		if e.Closed = rapid.Bool().Draw(t, "closed"); !e.Closed {
			e.Hours = []opening.TimeRange{times(t)}
		}
		s.Exceptions = append(s.Exceptions, e)
	}
	for _, problem := range opening.Validate(s) {
		switch problem.Code {
		case opening.Overlap:
		case opening.HourSkipped:
			t.Skip(problem.Error())
		default:
			t.Fatal(problem)
		}
	}
	p, err := opening.Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	return s, p
}

// shown is the reference: it reports whether a clock in Rome shows a time of the schedule.
func shown(s opening.Schedule, moment time.Time) bool {
	wall := moment.In(rome)
	today, minute := wall.Format(time.DateOnly), opening.TimeOfDay(wall.Hour()*60+wall.Minute())
	within := func(from, to string) bool { return (from == "" || from <= today) && (to == "" || today <= to) }
	showing := func(times []opening.TimeRange) bool {
		return slices.ContainsFunc(times,
			func(t opening.TimeRange) bool { return t.Opens <= minute && minute < t.Closes })
	}
	repeats := -1
	for i, e := range slices.Backward(s.Exceptions) {
		switch to := max(e.From, e.To); {
		case e.RRule == "" && within(e.From, to):
			return showing(e.Hours)
		case e.RRule != "" && repeats < 0 && today >= e.From && occurs(e, wall):
			repeats = i
		}
	}
	if holiday := opening.HolidayOn(wall.Year(), wall.Month(), wall.Day(), s.Place); holiday != (opening.Holiday{}) &&
		s.Holidays != opening.HolidaysOpen {
		return false
	}
	if repeats >= 0 {
		return showing(s.Exceptions[repeats].Hours)
	}
	return slices.ContainsFunc(s.Hours, func(h opening.Hours) bool {
		return (h.Weekday-int(wall.Weekday()))%7 == 0 && within(h.ValidFrom, h.ValidTo) && h.Opens <= minute &&
			minute < h.Closes
	})
}

// occurs evaluates the rules of the properties without the library.
func occurs(e opening.Exception, wall time.Time) bool {
	start, _ := time.Parse(time.DateOnly, e.From)
	today := time.Date(wall.Year(), wall.Month(), wall.Day(), 0, 0, 0, 0, time.UTC)
	days := int(today.Sub(start) / (24 * time.Hour))
	switch e.RRule {
	case "FREQ=MONTHLY;BYDAY=1MO":
		return today.Weekday() == time.Monday && today.Day() <= 7
	case "FREQ=MONTHLY;BYDAY=-1FR":
		return today.Weekday() == time.Friday && today.AddDate(0, 0, 7).Month() != today.Month()
	case "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=7":
		return today.Month() == time.December && today.Day() == 7
	case "FREQ=DAILY;INTERVAL=3":
		return days%3 == 0
	}
	weeks := (days + int(start.Weekday()+6)%7) / 7
	return weeks%2 == 0 && (today.Weekday() == time.Sunday || today.Weekday() == time.Wednesday)
}

// Ensure spans are separate, in order, and exactly what the reference gives minute by minute, and that states and next
// openings agree with them.
func TestPlan_Properties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, p := schedule(t)
		from := date(t, "day").Add(time.Duration(rapid.IntRange(-24*60, 24*60).Draw(t, "minute")) * time.Minute)
		to := from.Add(3 * 24 * time.Hour)
		spans := slices.Collect(p.Spans(from, to))
		for i, span := range spans {
			if !span.From.Before(span.To) || span.From.Before(from) || span.To.After(to) || i > 0 &&
				!spans[i-1].To.Before(span.From) {
				t.Fatalf("spans %v", spans)
			}
		}
		i := 0
		var next time.Time
		for moment := from; moment.Before(to); moment = moment.Add(time.Minute) {
			for i < len(spans) && !spans[i].To.After(moment) {
				i++
			}
			inside := i < len(spans) && !spans[i].From.After(moment)
			if inside != shown(s, moment) {
				t.Fatalf("spans say %v at %s", inside, moment.In(rome))
			}
			if inside && next.IsZero() {
				next = moment
			}
			if moment.Minute()%7 != 0 {
				continue
			}
			state := p.StateAt(moment.Add(59 * time.Second))
			if state.Open != inside || state.Open && !state.Known || inside && i+1 < len(spans) &&
				!state.Until.Equal(spans[i].To) {
				t.Fatalf("%+v at %s in %v", state, moment.In(rome), spans)
			}
			if state.Known && !inside && i < len(spans) && !state.Next.Equal(spans[i].From) {
				t.Fatalf("%+v at %s in %v", state, moment.In(rome), spans)
			}
		}
		state := p.StateAt(from)
		got := state.Next
		if state.Open {
			got = from
		}
		switch ok := !got.IsZero(); {
		case !state.Known:
		case !next.IsZero() && !got.Equal(next), next.IsZero() && ok && got.Before(to):
			t.Fatalf("next opening %s, want %s", got, next)
		case ok && (!shown(s, got) || got.After(from) && shown(s, got.Add(-time.Nanosecond))):
			t.Fatalf("%s is not where it opens", got.In(rome))
		}
	})
}

// Ensure the spans of short ranges add up to those of twenty years.
func TestPlan_Spans_OverTwentyYears(t *testing.T) {
	t.Parallel()
	p := plan(t, opening.Schedule{Hours: append(cremona(t), hours(t, 7, "00:00", "04:00")), Place: "019036"})
	var hoursOpen time.Duration
	for span := range p.Spans(firstDay, lastDay) {
		hoursOpen += span.To.Sub(span.From)
	}
	var again time.Duration
	for moment := firstDay; moment.Before(lastDay); moment = moment.Add(11 * time.Hour) {
		for span := range p.Spans(moment, moment.Add(min(11*time.Hour, lastDay.Sub(moment)))) {
			again += span.To.Sub(span.From)
		}
	}
	if hoursOpen != again || hoursOpen == 0 {
		t.Errorf("%s, in parts %s", hoursOpen, again)
	}
}

// Ensure the free windows are exactly those on the grid that lie within an opening and overlap no busy span.
func TestPlan_FreeWindows_Properties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		_, p := schedule(t)
		from := date(t, "day").Add(time.Duration(rapid.IntRange(0, 24*60).Draw(t, "minute")) * time.Minute)
		to := from.Add(48 * time.Hour)
		length := time.Duration(rapid.IntRange(1, 180).Draw(t, "length")) * time.Minute
		step := time.Duration(rapid.IntRange(1, 120).Draw(t, "step")) * time.Minute
		var busy []opening.Span
		for range rapid.IntRange(0, 6).Draw(t, "busy") {
			start := from.Add(time.Duration(rapid.IntRange(-60, 48*60).Draw(t, "start")) * time.Minute)
			busy = append(busy,
				opening.Span{From: start,
					To: start.Add(time.Duration(rapid.IntRange(-10, 300).Draw(t, "for")) * time.Minute)})
		}
		var want []opening.Span
		// FreeWindows counts from the start of an opening on the first day.
		year, month, day := from.In(rome).Date()
		for whole := range p.Spans(time.Date(year, month, day, 0, 0, 0, 0, rome), to) {
			for start := whole.From; !start.Add(length).After(whole.To); start = start.Add(step) {
				w := opening.Span{From: start, To: start.Add(length)}
				taken := slices.ContainsFunc(busy, func(b opening.Span) bool {
					return b.From.Before(b.To) && b.From.Before(w.To) && w.From.Before(b.To)
				})
				if !taken && !start.Before(from) {
					want = append(want, w)
				}
			}
		}
		got := slices.Collect(p.FreeWindows(from, to, length, step, busy))
		if !slices.EqualFunc(got, want,
			func(a, b opening.Span) bool { return a.From.Equal(b.From) && a.To.Equal(b.To) }) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
	p := plan(t, opening.Schedule{Hours: cremona(t)})
	if got := slices.Collect(p.FreeWindows(firstDay, lastDay, time.Hour, time.Minute-1, nil)); got != nil {
		t.Errorf("a step below a minute gives %v", got)
	}
	if got := slices.Collect(p.FreeWindows(firstDay, lastDay, 0, time.Hour, nil)); got != nil {
		t.Errorf("a length of 0 gives %v", got)
	}
}
