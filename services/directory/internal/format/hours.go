package format

import (
	"fmt"
	"strings"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// The days of the week from Monday, as each format writes them.
var (
	shortDays  = [7]string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}
	icalDays   = [7]string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}
	schemaDays = [7]string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}
	daysIT     = [7]string{"lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica"}
)

// dayOf returns the name of the weekday of an opening.
func dayOf(names [7]string, h *directoryv1.Hours) (string, error) {
	if h.GetWeekday() < 1 || h.GetWeekday() > 7 {
		return "", fmt.Errorf("weekday %d: no day of the week", h.GetWeekday())
	}
	return names[h.GetWeekday()-1], nil
}

// compactHours formats openings such as "Tue 09:00-13:00, Wed 09:00-17:00".
func compactHours(hours []*directoryv1.Hours) (string, error) {
	parts := make([]string, len(hours))
	for i, h := range hours {
		day, err := dayOf(shortDays, h)
		if err != nil {
			return "", err
		}
		parts[i] = fmt.Sprintf("%s %s-%s", day, h.GetOpens(), h.GetCloses())
	}
	return strings.Join(parts, ", "), nil
}
