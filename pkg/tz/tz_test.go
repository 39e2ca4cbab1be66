package tz_test

import (
	"testing"
	"time"

	"github.com/retepari/pari/pkg/tz"
)

// Ensure the zone knows summer time and the years before it had its present rules.
func TestRome(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		utc  time.Time
		want string
	}{
		{time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC), "2026-01-15 13:00 CET"},
		{time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC), "2026-07-15 14:00 CEST"},
		{time.Date(2026, 3, 29, 0, 59, 0, 0, time.UTC), "2026-03-29 01:59 CET"},
		{time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC), "2026-03-29 03:00 CEST"},
		{time.Date(2026, 10, 25, 1, 0, 0, 0, time.UTC), "2026-10-25 02:00 CET"},
		{time.Date(2025, 12, 31, 23, 30, 0, 0, time.UTC), "2026-01-01 00:30 CET"},
	} {
		if got := c.utc.In(tz.Rome).Format("2006-01-02 15:04 MST"); got != c.want {
			t.Errorf("%s is %s in Rome, want %s", c.utc, got, c.want)
		}
	}
}
