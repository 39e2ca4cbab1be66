package office_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/retepari/pari/services/directory/internal/office"
)

var rome = func() *time.Location {
	zone, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		panic(err)
	}
	return zone
}()

// at reads a moment with its offset, so that a day on which the clocks change is said without doubt.
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

func hours(t testing.TB, weekday int, opens, closes string) office.Hours {
	t.Helper()
	h := office.Hours{Weekday: weekday}
	if err := h.Opens.UnmarshalText([]byte(opens)); err != nil {
		t.Fatal(err)
	}
	if err := h.Closes.UnmarshalText([]byte(closes)); err != nil {
		t.Fatal(err)
	}
	return h
}

func TestStateAt(t *testing.T) {
	t.Parallel()
	cremona := []office.Hours{hours(t, 2, "09:00", "13:00"), hours(t, 3, "09:00", "17:00"), hours(t, 4, "09:00", "13:00")}
	split := []office.Hours{hours(t, 1, "08:30", "12:30"), hours(t, 1, "13:30", "15:30")}
	night := []office.Hours{hours(t, 7, "00:00", "05:00")}
	skipped := []office.Hours{hours(t, 7, "02:00", "03:00")}
	weekend := []office.Hours{hours(t, 6, "20:00", "24:00"), hours(t, 7, "00:00", "04:00")}
	var always []office.Hours
	for day := 1; day <= 7; day++ {
		always = append(always, hours(t, day, "00:00", "24:00"))
	}
	for _, c := range []struct {
		name        string
		hours       []office.Hours
		at          string
		open        bool
		until, next string
	}{
		{"is open in the morning", cremona, "2026-11-24T10:00:00+01:00", true, "2026-11-24T13:00:00+01:00", ""},
		{"is open from the first moment", cremona, "2026-11-24T09:00:00+01:00", true, "2026-11-24T13:00:00+01:00", ""},
		{"is closed just before", cremona, "2026-11-24T08:59:59+01:00", false, "", "2026-11-24T09:00:00+01:00"},
		{"is closed at its closing time", cremona, "2026-11-24T13:00:00+01:00", false, "", "2026-11-25T09:00:00+01:00"},
		{"has longer hours on Wednesday", cremona, "2026-11-25T16:59:59+01:00", true, "2026-11-25T17:00:00+01:00", ""},
		{"opens next week after Thursday", cremona, "2026-11-26T13:00:00+01:00", false, "", "2026-12-01T09:00:00+01:00"},
		{"reads the clock in Rome whatever the caller's zone", cremona, "2026-07-14T07:30:00Z", true, "2026-07-14T13:00:00+02:00", ""},
		{"keeps its wall time over the change to summer time", cremona, "2026-03-26T15:00:00+01:00", false, "", "2026-03-31T09:00:00+02:00"},
		{"keeps its wall time over the change to winter time", cremona, "2026-10-22T15:00:00+02:00", false, "", "2026-10-27T09:00:00+01:00"},
		{"closes for the break of split hours", split, "2026-11-23T12:00:00+01:00", true, "2026-11-23T12:30:00+01:00", ""},
		{"is closed in the break", split, "2026-11-23T12:30:00+01:00", false, "", "2026-11-23T13:30:00+01:00"},
		{"is open after the break", split, "2026-11-23T13:30:00+01:00", true, "2026-11-23T15:30:00+01:00", ""},
		{"is open an hour less when the clocks go forward", night, "2026-03-29T00:00:00+01:00", true, "2026-03-29T05:00:00+02:00", ""},
		{"is open an hour more when the clocks go back", night, "2026-10-25T00:00:00+02:00", true, "2026-10-25T05:00:00+01:00", ""},
		{"is open in the hour that is shown twice", night, "2026-10-25T02:30:00+01:00", true, "2026-10-25T05:00:00+01:00", ""},
		{"skips an opening that the change leaves out", skipped, "2026-03-29T00:00:00+01:00", false, "", "2026-04-05T02:00:00+02:00"},
		{"closes after the second showing of the hour", skipped, "2026-10-25T02:30:00+02:00", true, "2026-10-25T03:00:00+01:00", ""},
		{"runs over midnight", weekend, "2026-11-28T23:00:00+01:00", true, "2026-11-29T04:00:00+01:00", ""},
		{"never closes", always, "2026-11-28T23:00:00+01:00", true, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := office.StateAt(c.hours, at(t, c.at))
			if !got.Known || got.Open != c.open || !got.Until.Equal(at(t, c.until)) || !got.Next.Equal(at(t, c.next)) {
				t.Errorf("at %s: %+v", c.at, got)
			}
		})
	}
	t.Run("says nothing without hours", func(t *testing.T) {
		t.Parallel()
		if got := office.StateAt(nil, at(t, "2026-11-24T10:00:00+01:00")); got != (office.OpenState{}) {
			t.Errorf("got %+v", got)
		}
	})
}

// shown tells whether a clock on a wall in Rome shows a time within the hours: the definition, as short as it can be said.
func shown(hours []office.Hours, moment time.Time) bool {
	local := moment.In(rome)
	weekday := int(local.Weekday())
	if weekday == 0 {
		weekday = 7
	}
	minute := office.Clock(local.Hour()*60 + local.Minute())
	for _, h := range hours {
		if h.Weekday == weekday && h.Opens <= minute && minute < h.Closes {
			return true
		}
	}
	return false
}

// week draws hours on some days of the week, such as several telephones have together: they may overlap and touch.
func week(t *rapid.T) []office.Hours {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) office.Hours {
		opens := rapid.IntRange(0, 24*60-1).Draw(t, "opens")
		closes := rapid.IntRange(opens+1, 24*60).Draw(t, "closes")
		return office.Hours{Weekday: rapid.IntRange(1, 7).Draw(t, "weekday"), Opens: office.Clock(opens), Closes: office.Clock(closes)}
	}), 0, 12).Draw(t, "hours")
}

// moment draws a moment, often within two days of a change of the clocks.
func moment(t *rapid.T) time.Time {
	changes := []time.Time{
		time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC), time.Date(2026, 10, 25, 1, 0, 0, 0, time.UTC),
		time.Date(2045, 3, 26, 1, 0, 0, 0, time.UTC), time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC),
	}
	seconds := rapid.IntRange(-48*3600, 48*3600).Draw(t, "seconds")
	return rapid.SampledFrom(changes).Draw(t, "change").Add(time.Duration(seconds) * time.Second)
}

func TestStateAt_Properties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		hours, now := week(t), moment(t)
		state := office.StateAt(hours, now)
		if state.Known != (len(hours) > 0) {
			t.Fatalf("known %v with %d hours", state.Known, len(hours))
		}
		if state.Open != shown(hours, now) {
			t.Fatalf("open %v at %s", state.Open, now.In(rome))
		}
		turn := state.Next
		if state.Open {
			turn = state.Until
		}
		if turn.IsZero() {
			for minute := range 15 * 24 * 60 {
				if shown(hours, now.Add(time.Duration(minute)*time.Minute)) != state.Open {
					t.Fatalf("no turn after %s, but the clock says otherwise", now.In(rome))
				}
			}
			return
		}
		if !turn.After(now) || shown(hours, turn) == state.Open || shown(hours, turn.Add(-time.Nanosecond)) != state.Open {
			t.Fatalf("%s is not where the state of %s turns", turn.In(rome), now.In(rome))
		}
		// Nothing turns in between: hours turn on whole minutes.
		for probe := now.Truncate(time.Minute).Add(time.Minute); probe.Before(turn); probe = probe.Add(time.Minute) {
			if shown(hours, probe) != state.Open {
				t.Fatalf("turned at %s, before %s", probe.In(rome), turn.In(rome))
			}
		}
	})
}

func FuzzClock_UnmarshalText(f *testing.F) {
	for _, seed := range []string{"09:00", "24:00", "24:01", "23:60", "9:00", "+1:+2", "aa:bb", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var c office.Clock
		if err := c.UnmarshalText([]byte(text)); err != nil {
			return
		}
		if c < 0 || c > 24*60 || c.String() != text {
			t.Errorf("%q became %d, which is written %q", text, int(c), c)
		}
	})
}
