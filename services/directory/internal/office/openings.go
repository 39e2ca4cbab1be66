package office

import (
	"iter"
	"time"

	"github.com/retepari/pari/pkg/tz"
	"github.com/retepari/pari/services/directory/internal/opening"
)

// AccessModePhone is the access mode whose hours are those of the telephone; any other has the counter's.
const AccessModePhone = "PHONE"

// CalendarDays is how many days ahead a calendar speaks for, less than opening.MaxCalendarDays.
const CalendarDays = 366

// Openings is the openings of one office for an access mode, cut at the days on which its entry holds.
type Openings struct {
	// Known is false when the office gave no hours, or does not work: then no opening does not mean that it is closed.
	Known bool

	plan     *opening.Plan
	from, to time.Time // of the entry; zero: no limit
}

// Openings returns what there is to know about the openings of an office, or false when there is no such office.
func (x *Index) Openings(id, mode string) (Openings, bool) {
	i, ok := x.byID[id]
	if !ok {
		return Openings{}, false
	}
	o := x.offices[i]
	said := o.deskSchedule()
	if mode == AccessModePhone {
		said = o.phoneSchedule()
	}
	opened := Openings{Known: o.State == "ACTIVE" && len(said.Hours)+len(said.Exceptions) > 0, plan: x.offices[i].plans.forMode(mode), from: startOfDay(o.ValidFrom)}
	if last := startOfDay(o.ValidTo); !last.IsZero() {
		opened.to = last.AddDate(0, 0, 1)
	}
	return opened, true
}

// Spans yields the openings between two moments, as opening.Plan.Spans does.
func (o Openings) Spans(from, to time.Time) iter.Seq[opening.Span] {
	return o.plan.Spans(o.clip(from, to))
}

// FreeWindows yields the free windows between two moments, as opening.Plan.FreeWindows does.
func (o Openings) FreeWindows(from, to time.Time, length, step time.Duration, busy []opening.Span) iter.Seq[opening.Span] {
	from, to = o.clip(from, to)
	return o.plan.FreeWindows(from, to, length, step, busy)
}

// Calendar writes the openings of CalendarDays from the day of a moment on, under the identifier and the name of an office.
func (o Openings) Calendar(id, name string, now time.Time) string {
	from, to := o.clip(now, now.AddDate(0, 0, CalendarDays-1))
	if to.Equal(o.to) {
		to = to.Add(-time.Second) // a calendar takes the day of its end as well
	}
	return o.plan.Calendar(opening.CalendarOptions{ID: id, Name: name, From: from, To: to, Stamp: now})
}

// clip leaves of a stretch of time what lies in the days of the entry. Nothing left is a stretch that ends before it begins.
func (o Openings) clip(from, to time.Time) (begins, ends time.Time) {
	if !o.from.IsZero() && from.Before(o.from) {
		from = o.from
	}
	if !o.to.IsZero() && to.After(o.to) {
		to = o.to
	}
	return from, to
}

// startOfDay returns the moment in Italy at which a day begins, or the zero time for no day.
func startOfDay(day string) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, day, tz.Rome)
	if err != nil {
		return time.Time{}
	}
	return t
}
