package tz_test

import (
	"testing"
	"time"

	"github.com/retepari/pari/pkg/tz"
)

// Ensure the zone changes between winter and summer time at the right moments, and that a day of Rome begins before
// that of UTC.
func TestRome(t *testing.T) {
	t.Parallel()
	for utc, want := range map[string]string{
		"2026-01-15T12:00:00Z": "2026-01-15 13:00 CET",
		"2026-07-15T12:00:00Z": "2026-07-15 14:00 CEST",
		"2026-03-29T00:59:00Z": "2026-03-29 01:59 CET",
		"2026-03-29T01:00:00Z": "2026-03-29 03:00 CEST",
		"2026-10-25T01:00:00Z": "2026-10-25 02:00 CET",
		"2025-12-31T23:30:00Z": "2026-01-01 00:30 CET",
	} {
		at, err := time.Parse(time.RFC3339, utc)
		if err != nil {
			t.Fatal(err)
		}
		if got := at.In(tz.Rome).Format("2006-01-02 15:04 MST"); got != want {
			t.Errorf("%s is %s in Rome, want %s", utc, got, want)
		}
	}
}
