package opening_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/retepari/pari/services/directory/internal/opening"
)

var rome = func() *time.Location {
	zone, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		panic(err)
	}
	return zone
}()

// at parses a moment with its offset, which is unambiguous on days on which the clocks change.
func at(t testing.TB, moment string) time.Time {
	t.Helper()
	if moment == "" {
		return time.Time{}
	}
	parsed, err := time.Parse("2006-01-02T15:04:05Z07:00", moment)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func hours(t testing.TB, weekday int, opens, closes string) opening.Hours {
	t.Helper()
	h := opening.Hours{Weekday: weekday}
	if err := h.Opens.UnmarshalText([]byte(opens)); err != nil {
		t.Fatal(err)
	}
	if err := h.Closes.UnmarshalText([]byte(closes)); err != nil {
		t.Fatal(err)
	}
	return h
}

func plan(t testing.TB, s opening.Schedule) *opening.Plan {
	t.Helper()
	p, err := opening.Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// cremona returns the hours of the counter of Cremona.
func cremona(t testing.TB) []opening.Hours {
	return []opening.Hours{hours(t, 2, "09:00", "13:00"), hours(t, 3, "09:00", "17:00"), hours(t, 4, "09:00", "13:00")}
}

// milano returns the hours of the telephone of Milano.
func milano(t testing.TB) (all []opening.Hours) {
	for weekday := 1; weekday <= 5; weekday++ {
		all = append(all, hours(t, weekday, "08:30", "12:30"), hours(t, weekday, "13:30", "15:30"))
	}
	return all
}

func TestPlan_StateAt(t *testing.T) {
	t.Parallel()
	cremona, split := cremona(t), milano(t)
	night := []opening.Hours{hours(t, 7, "00:00", "05:00")}
	skipped := []opening.Hours{hours(t, 7, "02:00", "03:00")}
	weekend := []opening.Hours{hours(t, 6, "20:00", "24:00"), hours(t, 7, "00:00", "04:00")}
	var always []opening.Hours
	for day := 1; day <= 7; day++ {
		always = append(always, hours(t, day, "00:00", "24:00"))
	}
	for _, c := range []struct {
		name        string
		hours       []opening.Hours
		at          string
		open        bool
		until, next string
	}{
		{"is open in the morning", cremona, "2026-11-24T10:00:00+01:00", true, "2026-11-24T13:00:00+01:00", ""},
		{"is open from the first moment", cremona, "2026-11-24T09:00:00+01:00", true, "2026-11-24T13:00:00+01:00", ""},
		{"is closed just before", cremona, "2026-11-24T08:59:59+01:00", false, "", "2026-11-24T09:00:00+01:00"},
		{"is closed at its closing time", cremona, "2026-11-24T13:00:00+01:00", false, "", "2026-11-25T09:00:00+01:00"},
		{"has longer hours on Wednesday", cremona, "2026-11-25T16:59:59+01:00", true, "2026-11-25T17:00:00+01:00", ""},
		{"opens next week after Thursday", cremona, "2026-11-26T13:00:00+01:00", false, "",
			"2026-12-01T09:00:00+01:00"},
		{"uses local time in Rome whatever the caller's zone", cremona, "2026-07-14T07:30:00Z", true,
			"2026-07-14T13:00:00+02:00", ""},
		{"keeps its local time over the change to summer time", cremona, "2026-03-26T15:00:00+01:00", false, "",
			"2026-03-31T09:00:00+02:00"},
		{"keeps its local time over the change to winter time", cremona, "2026-10-22T15:00:00+02:00", false, "",
			"2026-10-27T09:00:00+01:00"},
		{"closes for the break of split hours", split, "2026-11-23T12:00:00+01:00", true, "2026-11-23T12:30:00+01:00",
			""},
		{"is closed in the break", split, "2026-11-23T12:30:00+01:00", false, "", "2026-11-23T13:30:00+01:00"},
		{"is open after the break", split, "2026-11-23T13:30:00+01:00", true, "2026-11-23T15:30:00+01:00", ""},
		{"is open an hour less when the clocks go forward", night, "2026-03-29T00:00:00+01:00", true,
			"2026-03-29T05:00:00+02:00", ""},
		{"is open an hour more when the clocks go back", night, "2026-10-25T00:00:00+02:00", true,
			"2026-10-25T05:00:00+01:00", ""},
		{"is open in the repeated hour", night, "2026-10-25T02:30:00+01:00", true, "2026-10-25T05:00:00+01:00", ""},
		{"skips an opening in the skipped hour", skipped, "2026-03-29T00:00:00+01:00", false, "",
			"2026-04-05T02:00:00+02:00"},
		{"closes after the repeated hour", skipped, "2026-10-25T02:30:00+02:00", true, "2026-10-25T03:00:00+01:00", ""},
		{"runs over midnight", weekend, "2026-11-28T23:00:00+01:00", true, "2026-11-29T04:00:00+01:00", ""},
		{"never closes", always, "2026-11-28T23:00:00+01:00", true, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := plan(t, opening.Schedule{Hours: c.hours, Holidays: opening.HolidaysOpen}).StateAt(at(t, c.at))
			if !got.Known || got.Open != c.open || !got.Until.Equal(at(t, c.until)) || !got.Next.Equal(at(t, c.next)) {
				t.Errorf("at %s: %+v", c.at, got)
			}
		})
	}
	t.Run("is unknown without hours", func(t *testing.T) {
		t.Parallel()
		if got := plan(t, opening.Schedule{}).StateAt(at(t, "2026-11-24T10:00:00+01:00")); got != (opening.State{}) {
			t.Errorf("got %+v", got)
		}
		if got := (&opening.Plan{}).StateAt(at(t, "2026-11-24T10:00:00+01:00")); got != (opening.State{}) {
			t.Errorf("got %+v of the empty plan", got)
		}
	})
}

func TestPlan_StateAt_Exceptions(t *testing.T) {
	t.Parallel()
	closed := func(from, to, reason string) opening.Exception {
		return opening.Exception{From: from, To: to, Closed: true, Reason: reason}
	}
	other := func(from, rule, opens, closes string) opening.Exception {
		h := hours(t, 1, opens, closes)
		return opening.Exception{From: from, RRule: rule,
			Hours: []opening.TimeRange{{Opens: h.Opens, Closes: h.Closes}}}
	}
	const firstMonday = "FREQ=MONTHLY;BYDAY=1MO"
	summer, winter := hours(t, 2, "08:00", "12:00"), hours(t, 2, "09:00", "13:00")
	summer.ValidFrom, summer.ValidTo = "2026-06-01", "2026-09-15"
	winter.ValidFrom = "2026-09-16"
	for _, c := range []struct {
		name        string
		schedule    opening.Schedule
		at          string
		want        opening.State
		until, next string
	}{
		{"is closed on the patron day of its place", opening.Schedule{Hours: milano(t), Place: "015146"},
			"2026-12-07T10:00:00+01:00",
			opening.State{Known: true, Reason: opening.ReasonHoliday,
				Holiday: opening.HolidayOn(2026, 12, 7, "015146")}, "", "2026-12-09T08:30:00+01:00"},
		{"is closed on a holiday without a holiday rule", opening.Schedule{Hours: milano(t)},
			"2026-12-08T10:00:00+01:00",
			opening.State{Known: true, Reason: opening.ReasonHolidayNotGiven,
				Holiday: opening.HolidayOn(2026, 12, 8, "")}, "", "2026-12-09T08:30:00+01:00"},
		{"names a holiday on which it is open", opening.Schedule{Hours: milano(t), Holidays: opening.HolidaysOpen},
			"2026-12-08T10:00:00+01:00",
			opening.State{Known: true, Open: true, Reason: opening.ReasonHours,
				Holiday: opening.HolidayOn(2026, 12, 8, "")}, "2026-12-08T12:30:00+01:00", ""},
		{"opens on a holiday by exception",
			opening.Schedule{Hours: cremona(t), Place: "019036",
				Exceptions: []opening.Exception{other("2026-12-08", "", "10:00", "11:00")}},
			"2026-12-08T10:30:00+01:00",
			opening.State{Known: true, Open: true, Reason: opening.ReasonException,
				Holiday: opening.HolidayOn(2026, 12, 8, "")},
			"2026-12-08T11:00:00+01:00", ""},
		{"does not open on a holiday by repetition",
			opening.Schedule{Hours: cremona(t),
				Exceptions: []opening.Exception{other("2020-01-01", firstMonday, "10:00", "11:00")}},
			"2025-01-06T10:30:00+01:00",
			opening.State{Known: true, Reason: opening.ReasonHolidayNotGiven,
				Holiday: opening.HolidayOn(2025, 1, 6, "")},
			"", "2025-01-07T09:00:00+01:00"},
		{"is closed over a range, with the reason",
			opening.Schedule{Hours: cremona(t),
				Exceptions: []opening.Exception{closed("2026-08-10", "2026-08-23", "ferie")}},
			"2026-08-11T10:00:00+02:00", opening.State{Known: true, Reason: opening.ReasonException, Note: "ferie"}, "",
			"2026-08-25T09:00:00+02:00"},
		{"opens on the first Monday",
			opening.Schedule{Hours: cremona(t),
				Exceptions: []opening.Exception{other("2026-01-01", firstMonday, "15:00", "18:00")}},
			"2026-11-02T16:00:00+01:00", opening.State{Known: true, Open: true, Reason: opening.ReasonRepetition},
			"2026-11-02T18:00:00+01:00", ""},
		{"is known to be closed when it opens by repetition only",
			opening.Schedule{Exceptions: []opening.Exception{other("2026-01-01", firstMonday, "15:00", "18:00")}},
			"2026-11-03T16:00:00+01:00", opening.State{Known: true, Reason: opening.ReasonHours}, "",
			"2026-12-07T15:00:00+01:00"},
		{"is closed by a repetition without weekly hours",
			opening.Schedule{Exceptions: []opening.Exception{{From: "2026-01-01", RRule: firstMonday, Closed: true}}},
			"2026-11-02T16:00:00+01:00", opening.State{Known: true, Reason: opening.ReasonRepetition}, "", ""},
		{"lets a dated exception override a repetition",
			opening.Schedule{Exceptions: []opening.Exception{closed("2026-11-02", "", "ponte"),
				other("2026-01-01", firstMonday, "15:00", "18:00")}},
			"2026-11-02T16:00:00+01:00", opening.State{Known: true, Reason: opening.ReasonException, Note: "ponte"}, "",
			"2026-12-07T15:00:00+01:00"},
		{"has summer hours", opening.Schedule{Hours: []opening.Hours{summer, winter}}, "2026-09-15T08:30:00+02:00",
			opening.State{Known: true, Open: true, Reason: opening.ReasonHours}, "2026-09-15T12:00:00+02:00", ""},
		{"has winter hours after the summer hours", opening.Schedule{Hours: []opening.Hours{summer, winter}},
			"2026-09-15T12:00:00+02:00",
			opening.State{Known: true, Reason: opening.ReasonHours}, "", "2026-09-22T09:00:00+02:00"},
		{"knows nothing of a season without hours", opening.Schedule{Hours: []opening.Hours{summer}},
			"2026-10-04T08:30:00+02:00",
			opening.State{Holiday: opening.HolidayOn(2026, 10, 4, "")}, "", ""},
		{"knows nothing of the days before a season", opening.Schedule{Hours: []opening.Hours{summer}},
			"2026-05-26T08:30:00+02:00", opening.State{}, "", ""},
		{"does not hang where the zone's bounds do not advance", opening.Schedule{Hours: cremona(t)},
			"2040-12-31T12:00:00+01:00",
			opening.State{Known: true, Reason: opening.ReasonHours}, "", "2041-01-02T09:00:00+01:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := plan(t, c.schedule).StateAt(at(t, c.at))
			if !got.Until.Equal(at(t, c.until)) || !got.Next.Equal(at(t, c.next)) {
				t.Errorf("until %s, next %s", got.Until, got.Next)
			}
			got.Until, got.Next = c.want.Until, c.want.Next
			if got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// Ensure the zero plan has no openings.
func TestPlan_Zero(t *testing.T) {
	t.Parallel()
	p, to := &opening.Plan{}, firstDay.AddDate(1, 0, 0)
	for span := range p.Spans(firstDay, to) {
		t.Errorf("open at %s", span)
	}
	for window := range p.FreeWindows(firstDay, to, time.Hour, time.Hour, nil) {
		t.Errorf("free at %s", window)
	}
	if text := p.Calendar(feed(firstDay, 366)); strings.Contains(text, "BEGIN:VEVENT") {
		t.Errorf("calendar has events:\n%s", text)
	}
}

// Ensure moments outside the supported years have no state and no openings.
func TestPlan_OutsideSupportedYears(t *testing.T) {
	t.Parallel()
	p := plan(t, opening.Schedule{Hours: append(cremona(t), hours(t, 4, "00:00", "01:00"))})
	for _, moment := range []time.Time{
		{}, time.Date(1969, 12, 31, 12, 0, 0, 0, time.UTC), time.Date(2400, 1, 4, 12, 0, 0, 0, time.UTC),
		time.Date(2400, 12, 25, 12, 0, 0, 0, time.UTC),
	} {
		if got := p.StateAt(moment); got != (opening.State{}) {
			t.Errorf("state at %s is %+v", moment, got)
		}
	}
	early, late := 0, 0
	for span := range p.Spans(firstDay.AddDate(400, 0, 0), firstDay.AddDate(401, 0, 0)) {
		t.Errorf("open at %s", span)
	}
	for span := range p.Spans(time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(1970, 1, 9, 0, 0, 0, 0, time.UTC)) {
		if span.From.Year() < 1970 {
			t.Errorf("open at %s", span)
		}
		early++
	}
	if early != 6 { // both openings on Thursday 1 January, and those on the Tuesday, Wednesday and Thursday after it
		t.Errorf("%d openings in the first days", early)
	}
	for range p.Spans(time.Date(2399, 12, 27, 0, 0, 0, 0, time.UTC), time.Date(2401, 1, 1, 0, 0, 0, 0, time.UTC)) {
		late++
	}
	if late != 4 { // Tuesday 28 December to Thursday 30 December
		t.Errorf("%d openings in the last days", late)
	}
	for span := range p.Spans(firstDay, firstDay) {
		t.Errorf("open at %s in an empty range", span)
	}
}

func BenchmarkStateAt(b *testing.B) {
	p := plan(b, opening.Schedule{Hours: cremona(b), Place: "019036", Exceptions: []opening.Exception{
		{From: "2026-08-10", To: "2026-08-23", Closed: true},
		{From: "2026-01-01", RRule: "FREQ=MONTHLY;BYDAY=1MO", Hours: []opening.TimeRange{{Opens: 900, Closes: 1080}}},
	}})
	for _, year := range []int{2026, 2126, 2326} {
		b.Run(strconv.Itoa(year), func(b *testing.B) {
			moment := time.Date(year, 11, 24, 10, 0, 0, 0, time.UTC)
			for i := 0; b.Loop(); i++ {
				p.StateAt(moment.Add(time.Duration(i%10_000) * time.Hour))
			}
		})
	}
}
