package opening

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxCalendarDays is how many days a calendar speaks for at most.
const MaxCalendarDays = 5 * 366

// Feed says what a calendar is of.
type Feed struct {
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
func (p *Plan) Calendar(f Feed) string {
	w := &calendarWriter{feed: f}
	w.line("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Pari//opening//IT", "CALSCALE:GREGORIAN", "METHOD:PUBLISH")
	w.line("X-WR-CALNAME:"+escape(f.Name), "X-WR-TIMEZONE:Europe/Rome")
	w.line(romeZone...)
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
	w.line("END:VCALENDAR")
	return w.text.String()
}

// romeZone is the time zone as it has been since 1996, when the whole Union began to change its clocks on the same days.
var romeZone = []string{
	"BEGIN:VTIMEZONE", "TZID:Europe/Rome",
	"BEGIN:DAYLIGHT", "DTSTART:19960331T020000", "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
	"TZOFFSETFROM:+0100", "TZOFFSETTO:+0200", "TZNAME:CEST", "END:DAYLIGHT",
	"BEGIN:STANDARD", "DTSTART:19961027T030000", "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU",
	"TZOFFSETFROM:+0200", "TZOFFSETTO:+0100", "TZNAME:CET", "END:STANDARD",
	"END:VTIMEZONE",
}

// usual tells whether a day is just as its week says.
func (p *Plan) usual(d day) bool {
	_, parts := d.parts()
	reason := p.decide(d).reason
	return parts == 1 && (reason == ByHours || reason == "")
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
			w.line("BEGIN:VEVENT")
			w.line(fmt.Sprintf("UID:%s-%s-%d-%s@opening.pari", escape(w.feed.ID), since, i+1, digits(t)), "DTSTAMP:"+utc(w.feed.Stamp.Unix()))
			w.line("DTSTART;TZID=Europe/Rome:"+wall(start, t.Opens), "DTEND;TZID=Europe/Rome:"+wall(start, t.Closes))
			w.line("RRULE:FREQ=WEEKLY;UNTIL=" + utc(ends.ends()-1))
			if len(out) > 0 {
				left := make([]string, len(out))
				for j, d := range out {
					left[j] = wall(d, t.Opens)
				}
				w.line("EXDATE;TZID=Europe/Rome:" + strings.Join(left, ","))
			}
			w.line("SUMMARY:"+escape(w.feed.Name), "TRANSP:TRANSPARENT", "END:VEVENT")
		}
	}
}

// single writes the openings of one day.
func (p *Plan) single(w *calendarWriter, d day) {
	note := p.decide(d).note
	p.walk(d, d, func(from, to int64) bool {
		w.line("BEGIN:VEVENT")
		w.line(fmt.Sprintf("UID:%s-%s@opening.pari", escape(w.feed.ID), utc(from)), "DTSTAMP:"+utc(w.feed.Stamp.Unix()))
		w.line("DTSTART:"+utc(from), "DTEND:"+utc(to), "SUMMARY:"+escape(w.feed.Name))
		if note != "" {
			w.line("DESCRIPTION:" + escape(note))
		}
		w.line("TRANSP:TRANSPARENT", "END:VEVENT")
		return true
	})
}

// digits writes an opening as 0900-1300.
func digits(t Times) string {
	return strings.ReplaceAll(t.Opens.String()+"-"+t.Closes.String(), ":", "")
}

// wall writes a time on a wall clock; 24:00 is the beginning of the next day.
func wall(d day, c Clock) string {
	return d.midnight().Add(time.Duration(c) * time.Minute).Format("20060102T150405")
}

func utc(second int64) string { return time.Unix(second, 0).UTC().Format("20060102T150405Z") }

// escape writes a text as the value of a property. Control characters have no place in one.
func escape(text string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(text, "") {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r < ' ' || r == 0x7f:
		case r == '\\' || r == ';' || r == ',':
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// foldAt is how many octets a line has at most, without its end.
const foldAt = 75

// calendarWriter writes content lines. The library for iCalendar that the tests read them with is not used here: it would
// bring an HTTP client into a pure package, and it ends lines in LF unless told.
type calendarWriter struct {
	feed Feed
	text strings.Builder
}

// line writes lines, each folded between characters.
func (w *calendarWriter) line(lines ...string) {
	for _, line := range lines {
		room := foldAt
		for len(line) > room {
			cut := room
			for !utf8.RuneStart(line[cut]) {
				cut--
			}
			w.text.WriteString(line[:cut] + "\r\n ")
			line, room = line[cut:], foldAt-1
		}
		w.text.WriteString(line + "\r\n")
	}
}
