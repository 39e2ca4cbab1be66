package cli

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/pkg/tz"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// Ensure that the state of an office gives the reason for a closure, and the advice to call where it is not known.
func TestCLI_OpenState(t *testing.T) {
	t.Parallel()
	eight := timestamppb.New(time.Date(2026, 12, 9, 8, 0, 0, 0, time.UTC))
	const (
		hours      = directoryv1.OpeningReason_OPENING_REASON_HOURS
		holiday    = directoryv1.OpeningReason_OPENING_REASON_HOLIDAY_NOT_GIVEN
		exception  = directoryv1.OpeningReason_OPENING_REASON_EXCEPTION
		repetition = directoryv1.OpeningReason_OPENING_REASON_REPETITION
	)
	for _, c := range []struct {
		state *directoryv1.OpenState
		want  string
	}{
		{&directoryv1.OpenState{}, "hours not given"},
		{&directoryv1.OpenState{Known: true, Open: true, Until: eight, Reason: hours}, "yes, until 2026-12-09 09:00"},
		{&directoryv1.OpenState{Known: true, NextOpening: eight, Reason: holiday, HolidayEn: "Christmas Day"},
			"no, opens 2026-12-09 09:00 (Christmas Day; not known whether it opens: call before you go)"},
		{&directoryv1.OpenState{Known: true, Reason: exception, Note: "assemblea"}, "no, opens ? (assemblea)"},
		{&directoryv1.OpenState{Known: true, Reason: repetition}, "no, opens ? (other hours)"},
	} {
		if got := (&cli{lang: "en"}).openState(c.state); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestParseDays(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 23, 30, 0, 0, time.UTC) // the 25th in Italy
	for _, c := range []struct{ from, to, start, end, wantErr string }{
		{"", "", "2026-11-25", "2026-12-09", ""},
		{"2026-12-01", "", "2026-12-01", "2026-12-15", ""},
		{"2026-10-24", "2026-10-25", "2026-10-24", "2026-10-26", ""},
		{"tomorrow", "", "", "", `--from takes a day such as 2026-12-01, not "tomorrow"`},
		{"", "2026-13-01", "", "", `--to takes a day such as 2026-12-31, not "2026-13-01"`},
	} {
		start, end, err := parseDays(c.from, c.to, now)
		if c.wantErr != "" {
			if err == nil || err.Error() != c.wantErr {
				t.Errorf("%q to %q: %v, want %s", c.from, c.to, err, c.wantErr)
			}
			continue
		}
		if err != nil || start.Format(time.DateOnly) != c.start || end.Format(time.DateTime) != c.end+" 00:00:00" {
			t.Errorf("%q to %q: %v to %v, %v", c.from, c.to, start, end, err)
		}
	}
}

func TestClosingTime(t *testing.T) {
	t.Parallel()
	at := func(day, hour int) time.Time { return time.Date(2026, 11, day, hour, 0, 0, 0, tz.Rome) }
	for _, c := range []struct {
		closes time.Time
		want   string
	}{{at(24, 13), "13:00"}, {at(25, 0), "24:00"}, {at(25, 2), "02:00 (2026-11-25)"}} {
		if got := closingTime(at(24, 9), c.closes); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}
