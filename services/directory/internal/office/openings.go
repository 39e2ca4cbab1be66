package office

import (
	"iter"
	"time"

	"github.com/retepari/pari/pkg/tz"
	"github.com/retepari/pari/services/directory/internal/opening"
)

// AccessModePhone is the access mode with the hours of the telephone. All other modes have those of the counter.
const AccessModePhone = "PHONE"

// CalendarDays is the number of days that a calendar covers, less than opening.MaxCalendarDays.
const CalendarDays = 366

// Openings are the openings of one office for an access mode, clipped to the validity of its entry.
type Openings struct {
	// Known is false if the office gave no hours or is not active. Then the lack of openings does not mean that it is
	// closed.
	Known bool

	plan     *opening.Plan
	from, to time.Time // the validity of the entry; zero for no limit
}

// Openings returns the openings of an office for an access mode, or false for an unknown office.
func (x *Index) Openings(id, mode string) (Openings, bool) {
	i, ok := x.byID[id]
	if !ok {
		return Openings{}, false
	}
	o := x.offices[i]
	schedule := o.counterSchedule()
	if mode == AccessModePhone {
		schedule = o.phoneSchedule()
	}
	openings := Openings{
		Known: o.State == "ACTIVE" && len(schedule.Hours)+len(schedule.Exceptions) > 0,
		plan:  o.plans.forMode(mode),
		from:  startOfDay(o.ValidFrom),
	}
	if last := startOfDay(o.ValidTo); !last.IsZero() {
		openings.to = last.AddDate(0, 0, 1)
	}
	return openings, true
}

// Spans yields the openings between two moments, as opening.Plan.Spans does.
func (o Openings) Spans(from, to time.Time) iter.Seq[opening.Span] {
	return o.plan.Spans(o.clip(from, to))
}

// FreeWindows yields the free windows between two moments, as opening.Plan.FreeWindows does.
func (o Openings) FreeWindows(
	from, to time.Time, length, step time.Duration, busy []opening.Span,
) iter.Seq[opening.Span] {
	from, to = o.clip(from, to)
	return o.plan.FreeWindows(from, to, length, step, busy)
}

// Calendar returns an iCalendar object with the openings of the CalendarDays that begin with the day of now. It carries
// the identifier and the name of the office.
func (o Openings) Calendar(id, name string, now time.Time) string {
	from, to := o.clip(now, now.AddDate(0, 0, CalendarDays-1))
	if to.Equal(o.to) {
		to = to.Add(-time.Second) // a calendar includes the day of its end
	}
	return o.plan.Calendar(opening.CalendarOptions{ID: id, Name: name, From: from, To: to, Stamp: now})
}

// clip limits a time range to the validity of the entry. The result ends before it begins if nothing remains.
func (o Openings) clip(from, to time.Time) (start, end time.Time) {
	if from.Before(o.from) {
		from = o.from
	}
	if !o.to.IsZero() && to.After(o.to) {
		to = o.to
	}
	return from, to
}

// startOfDay returns the start of a day in Rome, or the zero time if it does not parse.
func startOfDay(day string) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, day, tz.Rome)
	if err != nil {
		return time.Time{}
	}
	return t
}
