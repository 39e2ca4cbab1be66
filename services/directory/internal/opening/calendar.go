package opening

import (
	"fmt"
	"strings"
	"time"

	"github.com/retepari/pari/services/directory/internal/ical"
)

// MaxCalendarDays is the maximum number of days that a calendar covers.
const MaxCalendarDays = 5 * 366

// CalendarOptions describes a calendar.
type CalendarOptions struct {
	// ID is the identifier of the office, and the prefix of the identifiers of its events.
	ID string
	// Name is the summary of each event.
	Name string
	// From and To are moments in the first and the last day of the calendar, from 1997 on and at most MaxCalendarDays
	// apart. Weekly events end with the last day too, since the holidays and exceptions after it are not in the
	// calendar.
	From, To time.Time
	// Stamp is the creation time of the calendar.
	Stamp time.Time
}

// Calendar returns the openings as an iCalendar object (RFC 5545). Each weekly opening is a recurring event. Days on
// which an exception or a holiday applies are excluded from it and have events of their own. So have days on which the
// clocks change, with times in UTC, because programs disagree on how long an event lasts then. An event keeps its
// identifier in every calendar of the same office as long as its hours stay the same.
func (p *Plan) Calendar(options CalendarOptions) string {
	w := &calendarWriter{options: options}
	w.Begin("opening", options.Name)
	first, last := max(clampDay(options.From), date(1997, time.January, 1)), clampDay(options.To)
	last = min(last, first+MaxCalendarDays-1)
	for i, week := range p.weeks {
		start, end := max(week.start, first), last
		if i+1 < len(p.weeks) {
			end = min(end, p.weeks[i+1].start-1)
		}
		p.writeWeekly(w, week, start, end)
	}
	for d := first; d <= last; d++ {
		if !p.followsWeek(d) {
			p.writeDay(w, d)
		}
	}
	return w.End()
}

// followsWeek reports whether the weekly hours alone determine a day.
func (p *Plan) followsWeek(d day) bool {
	_, parts := d.parts()
	reason := p.decide(d).reason
	return parts == 1 && (reason == ReasonHours || reason == "")
}

// writeWeekly writes the events of a week that is in force from start to end.
func (p *Plan) writeWeekly(w *calendarWriter, s segment[week], start, end day) {
	since := "always"
	if s.start != beforeFirstDay {
		since = s.start.String()
	}
	for i, times := range s.value.times {
		// The event starts on a day that is not excluded, and so on one whose clocks show the opening.
		first := start.next(i + 1)
		for first <= end && !p.followsWeek(first) {
			first += 7
		}
		if first > end {
			continue
		}
		var excluded []day
		for d := first; d <= end; d += 7 {
			if !p.followsWeek(d) {
				excluded = append(excluded, d)
			}
		}
		for _, t := range times {
			w.WriteLines("BEGIN:VEVENT")
			id := fmt.Sprintf("%s-%s-%d-%s", ical.EscapeText(w.options.ID), since, i+1, formatRange(t))
			w.WriteLines("UID:"+id+"@opening.pari", "DTSTAMP:"+formatUTC(w.options.Stamp.Unix()))
			w.WriteLines("DTSTART;TZID=Europe/Rome:"+formatLocal(first, t.Opens),
				"DTEND;TZID=Europe/Rome:"+formatLocal(first, t.Closes))
			w.WriteLines("RRULE:FREQ=WEEKLY;UNTIL=" + formatUTC(end.end()-1))
			if len(excluded) > 0 {
				dates := make([]string, len(excluded))
				for j, d := range excluded {
					dates[j] = formatLocal(d, t.Opens)
				}
				w.WriteLines("EXDATE;TZID=Europe/Rome:" + strings.Join(dates, ","))
			}
			w.WriteLines("SUMMARY:"+ical.EscapeText(w.options.Name), "TRANSP:TRANSPARENT", "END:VEVENT")
		}
	}
}

// writeDay writes the openings of one day as single events.
func (p *Plan) writeDay(w *calendarWriter, d day) {
	note := p.decide(d).note
	p.walk(d, d, func(from, to int64) bool {
		w.WriteLines("BEGIN:VEVENT")
		id := ical.EscapeText(w.options.ID) + "-" + formatUTC(from)
		w.WriteLines("UID:"+id+"@opening.pari", "DTSTAMP:"+formatUTC(w.options.Stamp.Unix()))
		w.WriteLines("DTSTART:"+formatUTC(from), "DTEND:"+formatUTC(to), "SUMMARY:"+ical.EscapeText(w.options.Name))
		if note != "" {
			w.WriteLines("DESCRIPTION:" + ical.EscapeText(note))
		}
		w.WriteLines("TRANSP:TRANSPARENT", "END:VEVENT")
		return true
	})
}

// formatRange formats a range as 0900-1300.
func formatRange(t TimeRange) string {
	return strings.ReplaceAll(t.Opens.String()+"-"+t.Closes.String(), ":", "")
}

// formatLocal formats a local time; 24:00 is the start of the next day.
func formatLocal(d day, t TimeOfDay) string {
	return d.midnight().Add(time.Duration(t) * time.Minute).Format("20060102T150405")
}

func formatUTC(second int64) string { return ical.FormatUTC(time.Unix(second, 0)) }

// calendarWriter writes the events of one calendar.
type calendarWriter struct {
	ical.Writer

	options CalendarOptions
}
