// Package ical writes iCalendar objects (RFC 5545): escaped and folded content lines, and the time zone of Italy. It
// only writes. The library with which the tests parse is not used for writing: it would add an HTTP client to packages
// without input or output, and it ends lines in LF by default.
package ical

import (
	"strings"
	"time"
	"unicode/utf8"
)

// RomeZone is the time zone of Rome since 1996, when all of the European Union began to change its clocks on the same
// days.
var RomeZone = []string{
	"BEGIN:VTIMEZONE", "TZID:Europe/Rome",
	"BEGIN:DAYLIGHT", "DTSTART:19960331T020000", "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
	"TZOFFSETFROM:+0100", "TZOFFSETTO:+0200", "TZNAME:CEST", "END:DAYLIGHT",
	"BEGIN:STANDARD", "DTSTART:19961027T030000", "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU",
	"TZOFFSETFROM:+0200", "TZOFFSETTO:+0100", "TZNAME:CET", "END:STANDARD",
	"END:VTIMEZONE",
}

// EscapeText escapes a text as the value of a property. It drops control characters, which are not allowed there.
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

// FormatUTC formats a moment as a UTC date-time.
func FormatUTC(at time.Time) string { return at.UTC().Format("20060102T150405Z") }

// maxLineOctets is the maximum length of a line without its end, in octets.
const maxLineOctets = 75

// Writer writes content lines. The zero value is ready to use.
type Writer struct{ text strings.Builder }

// Begin starts a calendar of a product with a display name.
func (w *Writer) Begin(product, name string) {
	w.WriteLines("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Pari//"+product+"//IT", "CALSCALE:GREGORIAN",
		"METHOD:PUBLISH")
	w.WriteLines("X-WR-CALNAME:"+EscapeText(name), "X-WR-TIMEZONE:Europe/Rome")
	w.WriteLines(RomeZone...)
}

// End ends the calendar and returns it.
func (w *Writer) End() string {
	w.WriteLines("END:VCALENDAR")
	return w.text.String()
}

// WriteLines writes lines, each folded between characters.
func (w *Writer) WriteLines(lines ...string) {
	for _, line := range lines {
		limit := maxLineOctets
		for len(line) > limit {
			cut := limit
			for !utf8.RuneStart(line[cut]) {
				cut--
			}
			w.text.WriteString(line[:cut] + "\r\n ")
			line, limit = line[cut:], maxLineOctets-1
		}
		w.text.WriteString(line + "\r\n")
	}
}
