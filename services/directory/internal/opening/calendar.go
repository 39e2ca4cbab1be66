package opening

import (
	"fmt"
	"strings"
	"time"

	"github.com/retepari/pari/services/directory/internal/ical"
)

// MaxCalendarDays is how many days a calendar speaks for at most.
const MaxCalendarDays = 5 * 366

// CalendarOptions says what a calendar is of.
type CalendarOptions struct {
	// ID is that of the office, and the beginning of the identifiers of its events.
	ID string
	// Name is shown with each opening.
	Name string
	// From and To are moments of the first and the last day that the calendar speaks for, from 1997 on, MaxCalendarDays at most.
	// Weekly openings end there too: the holidays and exceptions after it are not in the calendar.
	From, To time.Time
	// Stamp is when the calendar is written.
	Stamp time.Time
}

// Calendar writes the openings as an iCalendar object (RFC 5545). Each weekly opening is an event that recurs; the days on
// which something else holds are taken out of it and have events of their own. So have days on which the clocks change, in
// UTC: programs disagree on how long an event lasts then. An event has the same identifier in every calendar of the same
// feed, as long as its hours stay.
func (p *Plan) Calendar(f CalendarOptions) string {
	w := &calendarWriter{feed: f}
	w.Begin("opening", f.Name)
	first, last := max(clampDay(f.From), date(1997, time.January, 1)), clampDay(f.To)
	last = min(last, first+MaxCalendarDays-1)
	if len(p.weeks) > 0 && first <= last {
		for i, week := range p.weeks {
			begins, ends := max(week.day, first), last
			if i+1 < len(p.weeks) {
				ends = min(ends, p.weeks[i+1].day-1)
			}
			p.weekly(w, week, begins, ends)
		}
		for d := first; d <= last; d++ {
			if !p.usual(d) {
				p.single(w, d)
			}
		}
	}
	return w.End()
}

// usual tells whether a day is just as its week says.
func (p *Plan) usual(d day) bool {
	_, parts := d.parts()
	reason := p.decide(d).reason
	return parts == 1 && (reason == ReasonHours || reason == "")
}

// weekly writes the openings of a week in force from a day to another.
func (p *Plan) weekly(w *calendarWriter, week from[week], begins, ends day) {
	since := "always"
	if week.day != always {
		since = week.day.String()
	}
	for i, times := range week.value.times {
		// It begins on a day that stays in it, which also is one whose clocks show the opening.
		start := begins.next(i + 1)
		for start <= ends && !p.usual(start) {
			start += 7
		}
		if start > ends {
			continue
		}
		var out []day
		for d := start; d <= ends; d += 7 {
			if !p.usual(d) {
				out = append(out, d)
			}
		}
		for _, t := range times {
			w.WriteLines("BEGIN:VEVENT")
			w.WriteLines(fmt.Sprintf("UID:%s-%s-%d-%s@opening.pari", ical.EscapeText(w.feed.ID), since, i+1, digits(t)), "DTSTAMP:"+utc(w.feed.Stamp.Unix()))
			w.WriteLines("DTSTART;TZID=Europe/Rome:"+wall(start, t.Opens), "DTEND;TZID=Europe/Rome:"+wall(start, t.Closes))
			w.WriteLines("RRULE:FREQ=WEEKLY;UNTIL=" + utc(ends.ends()-1))
			if len(out) > 0 {
				left := make([]string, len(out))
				for j, d := range out {
					left[j] = wall(d, t.Opens)
				}
				w.WriteLines("EXDATE;TZID=Europe/Rome:" + strings.Join(left, ","))
			}
			w.WriteLines("SUMMARY:"+ical.EscapeText(w.feed.Name), "TRANSP:TRANSPARENT", "END:VEVENT")
		}
	}
}

// single writes the openings of one day.
func (p *Plan) single(w *calendarWriter, d day) {
	note := p.decide(d).note
	p.walk(d, d, func(from, to int64) bool {
		w.WriteLines("BEGIN:VEVENT")
		w.WriteLines(fmt.Sprintf("UID:%s-%s@opening.pari", ical.EscapeText(w.feed.ID), utc(from)), "DTSTAMP:"+utc(w.feed.Stamp.Unix()))
		w.WriteLines("DTSTART:"+utc(from), "DTEND:"+utc(to), "SUMMARY:"+ical.EscapeText(w.feed.Name))
		if note != "" {
			w.WriteLines("DESCRIPTION:" + ical.EscapeText(note))
		}
		w.WriteLines("TRANSP:TRANSPARENT", "END:VEVENT")
		return true
	})
}

// digits writes an opening as 0900-1300.
func digits(t TimeRange) string {
	return strings.ReplaceAll(t.Opens.String()+"-"+t.Closes.String(), ":", "")
}

// wall writes a time on a wall clock; 24:00 is the beginning of the next day.
func wall(d day, c TimeOfDay) string {
	return d.midnight().Add(time.Duration(c) * time.Minute).Format("20060102T150405")
}

func utc(second int64) string { return ical.FormatUTC(time.Unix(second, 0)) }

// calendarWriter writes the events of a feed.
type calendarWriter struct {
	ical.Writer

	feed CalendarOptions
}
