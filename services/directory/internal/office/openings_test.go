package office_test

import (
	"strings"
	"testing"
	"time"

	"github.com/retepari/pari/services/directory/internal/office"
	"github.com/retepari/pari/services/directory/internal/opening"
)

// Ensure an office has no openings on days on which its entry is not valid.
func TestIndex_Openings(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name               string
		state, first, last string
		want               int
		known              bool
	}{
		{"without limits", "ACTIVE", "", "", 4, true},
		{"from its first day on", "ACTIVE", "2026-11-17", "", 2, true},
		{"to its last day", "ACTIVE", "", "2026-11-10", 2, true},
		{"after it ended", "ACTIVE", "", "2026-10-31", 0, true},
		{"before it begins", "ACTIVE", "2027-10-31", "", 0, true},
		{"when it is not active", "CLOSED", "", "", 0, false},
	} {
		x := newIndex([]office.Office{{
			ID: "a", State: c.state, ValidFrom: c.first, ValidTo: c.last,
			Hours: []opening.Hours{{Weekday: 2, Opens: 0, Closes: 24 * 60}},
		}}, nil)
		openings, ok := x.Openings("a", "")
		spans, windows := 0, 0
		for range openings.Spans(from, from.AddDate(0, 0, 28)) {
			spans++
		}
		for range openings.FreeWindows(from, from.AddDate(0, 0, 28), 12*time.Hour, 12*time.Hour, nil) {
			windows++
		}
		if !ok || spans != c.want || windows != 2*c.want || openings.Known != c.known {
			t.Errorf("%s: %d openings, %d windows, known %t", c.name, spans, windows, openings.Known)
		}
		calendar := openings.Calendar("a", "A", from)
		if got := strings.Contains(calendar, "BEGIN:VEVENT"); got != (c.want > 0) {
			t.Errorf("%s: events %t in\n%s", c.name, got, calendar)
		}
		if c.last == "2026-11-10" && !strings.Contains(calendar, "UNTIL=20261110T225959Z") {
			t.Errorf("%s: calendar does not end with the last day\n%s", c.name, calendar)
		}
	}
	if _, ok := newIndex(nil, nil).Openings("a", ""); ok {
		t.Error("an unknown office has openings")
	}
}
