package ical_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	ics "github.com/arran4/golang-ical"
	"pgregory.net/rapid"

	"github.com/retepari/pari/services/directory/internal/ical"
)

func TestEscapeText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"Sportello", "Sportello"},
		{"a;b,c", `a\;b\,c`},
		{`a\b`, `a\\b`},
		{"a\nb\r\tc", `a\nbc`},
		{"a\x00\x7fb", "ab"},
		{"\xffcittà", "città"},
	} {
		if got := ical.EscapeText(c.text); got != c.want {
			t.Errorf("%q is escaped as %q, want %q", c.text, got, c.want)
		}
	}
}

func TestFormatUTC(t *testing.T) {
	t.Parallel()
	moment := time.Date(2026, 11, 24, 1, 30, 0, 0, time.FixedZone("", 2*3600))
	if got := ical.FormatUTC(moment); got != "20261123T233000Z" {
		t.Errorf("got %s", got)
	}
}

// Ensure a calendar parses, with its name and product.
func TestWriter_End(t *testing.T) {
	t.Parallel()
	var w ical.Writer
	w.Begin("test", "Sportello, Cremona")
	text := w.End()
	if _, err := ics.ParseCalendar(strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"BEGIN:VCALENDAR", "PRODID:-//Pari//test//IT", `X-WR-CALNAME:Sportello\, Cremona`, "TZID:Europe/Rome",
		"END:VCALENDAR",
	} {
		if !strings.Contains(text, line+"\r\n") {
			t.Errorf("no line %q in\n%s", line, text)
		}
	}
}

// Ensure lines have at most 75 octets of whole characters, and unfold to what was written.
func TestWriter_WriteLines_Properties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		value := ical.EscapeText(strings.Repeat(rapid.String().Draw(t, "text"), rapid.IntRange(0, 20).Draw(t, "times")))
		var w ical.Writer
		w.WriteLines("SUMMARY:" + value)
		folded := strings.TrimSuffix(w.End(), "END:VCALENDAR\r\n")
		for line := range strings.SplitSeq(strings.TrimSuffix(folded, "\r\n"), "\r\n") {
			if len(line) > 75 || !utf8.ValidString(line) {
				t.Fatalf("line %q has %d octets", line, len(line))
			}
		}
		if got := strings.ReplaceAll(folded, "\r\n ", ""); got != "SUMMARY:"+value+"\r\n" {
			t.Fatalf("%q unfolds to %q", value, got)
		}
	})
}
