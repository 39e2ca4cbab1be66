// Package ical writes iCalendar objects (RFC 5545): lines that are escaped, folded and ended as they must be, and the time zone
// of Italy. The library that the tests read them with is not used for writing: it would bring an HTTP client into packages that
// do no input or output, and it ends lines in LF unless told.
package ical

import (
	"strings"
	"time"
	"unicode/utf8"
)

// RomeZone is the time zone as it has been since 1996, when the whole Union began to change its clocks on the same days.
var RomeZone = []string{
	"BEGIN:VTIMEZONE", "TZID:Europe/Rome",
	"BEGIN:DAYLIGHT", "DTSTART:19960331T020000", "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
	"TZOFFSETFROM:+0100", "TZOFFSETTO:+0200", "TZNAME:CEST", "END:DAYLIGHT",
	"BEGIN:STANDARD", "DTSTART:19961027T030000", "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU",
	"TZOFFSETFROM:+0200", "TZOFFSETTO:+0100", "TZNAME:CET", "END:STANDARD",
	"END:VTIMEZONE",
}

// EscapeText writes a text as the value of a property. Control characters have no place in one.
func EscapeText(text string) string {
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

// FormatUTC writes a moment.
func FormatUTC(at time.Time) string { return at.UTC().Format("20060102T150405Z") }

// foldAt is how many octets a line has at most, without its end.
const foldAt = 75

// Writer writes content lines. Its zero value is ready.
type Writer struct{ text strings.Builder }

// Begin opens a calendar of a product, under a name that programs show.
func (w *Writer) Begin(product, name string) {
	w.WriteLines("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Pari//"+product+"//IT", "CALSCALE:GREGORIAN", "METHOD:PUBLISH")
	w.WriteLines("X-WR-CALNAME:"+EscapeText(name), "X-WR-TIMEZONE:Europe/Rome")
	w.WriteLines(RomeZone...)
}

// End closes the calendar and returns it.
func (w *Writer) End() string {
	w.WriteLines("END:VCALENDAR")
	return w.text.String()
}

// WriteLines writes lines, each folded between characters.
func (w *Writer) WriteLines(lines ...string) {
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
