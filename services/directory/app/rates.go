package app

import (
	"time"

	"github.com/retepari/pari/pkg/tz"
	"github.com/retepari/pari/services/directory/internal/opening"
)

// twentyYears is the range of the moments at which rates are measured.
const twentyYears = 20 * 365 * 24 * time.Hour

// hour as a time of day.
const hour opening.TimeOfDay = 60

// MeasureOpeningRate measures how many times per second one core computes whether an office is open and when it next
// opens or closes, at moments spread over twenty years. It takes about the time of span.
func MeasureOpeningRate(span time.Duration) (perSecond float64) {
	plan, err := opening.Compile(opening.Schedule{
		Hours: []opening.Hours{
			{Weekday: 1, Opens: 8*hour + 30, Closes: 12*hour + 30},
			{Weekday: 1, Opens: 13*hour + 30, Closes: 15*hour + 30},
			{Weekday: 2, Opens: 9 * hour, Closes: 13 * hour},
			{Weekday: 3, Opens: 9 * hour, Closes: 17 * hour, ValidTo: "2035-06-30"},
			{Weekday: 3, Opens: 10 * hour, Closes: 16 * hour, ValidFrom: "2035-07-01"},
		},
		Exceptions: []opening.Exception{
			{From: "2026-08-10", To: "2026-08-21", Closed: true},
			{From: "2030-12-24", Hours: []opening.TimeRange{{Opens: 9 * hour, Closes: 11 * hour}}},
			{From: "2020-01-01", RRule: "FREQ=MONTHLY;BYDAY=1MO", Closed: true},
		},
		Holidays: opening.HolidaysClosed, Place: "015146",
	})
	if err != nil {
		return 0
	}
	return rate(span, func(moment time.Time) bool { return plan.StateAt(moment).Open })
}

// MeasureClockRate measures how many times per second one core converts a moment to the date and time in Rome, the
// first step of every computation of opening hours.
func MeasureClockRate(span time.Duration) (perSecond float64) {
	return rate(span, func(moment time.Time) bool {
		at := moment.In(tz.Rome)
		year, month, day := at.Date()
		hour, minute, _ := at.Clock()
		return year+int(month)+day+hour+minute+int(at.Weekday()) == 0
	})
}

// rate calls f for about the time of span and returns the calls per second. It uses the results, so that the compiler
// cannot remove the calls.
func rate(span time.Duration, f func(time.Time) bool) float64 {
	const steps, batch = 100_000, 1000
	first, yes, n := time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC), 0, 0
	start := time.Now()
	for time.Since(start) < span {
		for range batch {
			if f(first.Add(twentyYears / steps * time.Duration(n*7919%steps))) {
				yes++
			}
			n++
		}
	}
	if yes > n {
		return 0
	}
	return float64(n) / time.Since(start).Seconds()
}
