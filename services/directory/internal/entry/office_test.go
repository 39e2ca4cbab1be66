package entry_test

import (
	"strings"
	"testing"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
)

// Ensure the first invalid time of an office is reported, wherever it is.
func TestOfficeFromProto_RejectsInvalidTime(t *testing.T) {
	t.Parallel()
	hours := func(opens, closes string) []*directoryv1.Hours {
		return []*directoryv1.Hours{{Weekday: 1, Opens: opens, Closes: closes}}
	}
	for name, o := range map[string]*directoryv1.Office{
		"opening":   {Hours: hours("25:00", "26:00")},
		"closing":   {Hours: hours("09:00", "25:00")},
		"telephone": {Phones: []*directoryv1.Phone{{Hours: hours("25:00", "10:00")}}},
		"exception": {Exceptions: []*directoryv1.OpeningException{{Hours: []*directoryv1.OpeningTimes{{Opens: "25:00",
			Closes: "26:00"}}}}},
		"two places": {Hours: hours("25:00", "10:00"), Phones: []*directoryv1.Phone{{Hours: hours("26:00", "10:00")}}},
	} {
		if _, err := entry.OfficeFromProto(o); err == nil || !strings.Contains(err.Error(), "25:00") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
