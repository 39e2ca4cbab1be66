package app

import (
	"time"

	"github.com/retepari/pari/pkg/tz"
	"github.com/retepari/pari/services/directory/internal/opening"
)

// twentyYears are what rates are measured over.
const twentyYears = 20 * 365 * 24 * time.Hour

// hour is an hour on the clock of package opening.
const hour opening.TimeOfDay = 60

// MeasureOpeningRate measures for about a span how many times per second one core tells whether an office is open, and what comes
// next, at moments spread over twenty years.
func MeasureOpeningRate(span time.Duration) (perSecond float64) {
	plan, err := opening.Compile(opening.Schedule{
		Hours: []opening.Hours{
			{Weekday: 1, Opens: 8*hour + 30, Closes: 12*hour + 30}, {Weekday: 1, Opens: 13*hour + 30, Closes: 15*hour + 30}, {Weekday: 2, Opens: 9 * hour, Closes: 13 * hour},
			{Weekday: 3, Opens: 9 * hour, Closes: 17 * hour, ValidTo: "2035-06-30"}, {Weekday: 3, Opens: 10 * hour, Closes: 16 * hour, ValidFrom: "2035-07-01"},
		},
		Exceptions: []opening.Exception{
			{From: "2026-08-10", To: "2026-08-21", Closed: true}, {From: "2030-12-24", Hours: []opening.TimeRange{{Opens: 9 * hour, Closes: 11 * hour}}},
			{From: "2020-01-01", RRule: "FREQ=MONTHLY;BYDAY=1MO", Closed: true},
		},
		Holidays: opening.HolidaysClosed, Place: "015146",
	})
	if err != nil {
		return 0
	}
	return rate(span, func(moment time.Time) bool { return plan.StateAt(moment).Open })
}

// MeasureClockRate measures how many times per second one core turns a moment into a day and a time in Rome: what every answer about
// opening begins with.
func MeasureClockRate(span time.Duration) (perSecond float64) {
	return rate(span, func(moment time.Time) bool {
		at := moment.In(tz.Rome)
		year, month, day := at.Date()
		hour, minute, _ := at.Clock()
		return year+int(month)+day+hour+minute+int(at.Weekday()) == 0
	})
}

// rate asks for about a span; answers are used, so that none is left out.
func rate(span time.Duration, ask func(time.Time) bool) float64 {
	const steps, between = 100_000, 1000
	first, yes, n := time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC), 0, 0
	began := time.Now()
	for time.Since(began) < span {
		for range between {
			if ask(first.Add(twentyYears / steps * time.Duration(n*7919%steps))) {
				yes++
			}
			n++
		}
	}
	if yes > n {
		return 0
	}
	return float64(n) / time.Since(began).Seconds()
}
