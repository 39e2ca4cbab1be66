package text

import (
	"regexp"
	"strings"
	"time"
)

var datePattern = regexp.MustCompile(`^[0-9]{4}(-[0-9]{2}){0,2}$`)

// isImpossible reports whether a text has the form of a day, a month or a year that the calendar does not have. The
// year 0000 is none: databases do not know it. The pattern of the field refuses other texts.
func isImpossible(s string) bool {
	if !datePattern.MatchString(s) {
		return false
	}
	const complement = "-01-01"
	day := s + complement[len(s)-len("2006"):] // "" behind a day
	_, err := time.Parse(time.DateOnly, day)
	return err != nil || strings.HasPrefix(s, "0000")
}
