package entry_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
)

func TestStaleCutoff(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		now    string
		months int
		want   string
	}{
		{"2026-11-24", 12, "2025-11-24"}, {"2026-08-31", 6, "2026-02-28"}, {"2028-08-31", 6, "2028-02-29"},
		{"2028-02-29", 12, "2027-02-28"}, {"2026-01-15", 1, "2025-12-15"}, {"2026-03-31", 14, "2025-01-31"},
	} {
		now, err := time.Parse(time.DateOnly, c.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := entry.StaleCutoff(now, c.months); got != c.want {
			t.Errorf("%d months before %s: %s, want %s", c.months, c.now, got, c.want)
		}
	}
}

func TestIsStale(t *testing.T) {
	t.Parallel()
	verifiedOn := func(day string) *directoryv1.Body {
		return &directoryv1.Body{Provenance: &directoryv1.Provenance{VerifiedOn: day}}
	}
	validTo := func(day string) *directoryv1.Initiative {
		return &directoryv1.Initiative{Provenance: &directoryv1.Provenance{ValidTo: day}}
	}
	for name, c := range map[string]struct {
		content proto.Message
		want    bool
	}{
		"never verified":                     {&directoryv1.Body{Provenance: &directoryv1.Provenance{}}, true},
		"without provenance":                 {&directoryv1.Room{}, true},
		"verified the day before the cutoff": {verifiedOn("2025-11-23"), true},
		"verified on the cutoff":             {verifiedOn("2025-11-24"), false},
		"an office":                          {&directoryv1.Office{VerifiedOn: "2025-01-01"}, true},
		"an office that was verified":        {&directoryv1.Office{VerifiedOn: "2026-01-01"}, false},
		"an initiative that is over":         {validTo("2026-11-23"), false},
		"an initiative that ends now":        {validTo("2026-11-24"), true},
		"an office that has ended":           {&directoryv1.Office{ValidTo: "2020-01-01"}, false},
	} {
		e, err := entry.New(c.content)
		if err != nil {
			t.Fatal(err)
		}
		if got := entry.IsStale(e, "2025-11-24", "2026-11-24"); got != c.want {
			t.Errorf("%s: stale %t, want %t", name, got, c.want)
		}
	}
}

// Ensure an entry without content has no validity and no source.
func TestValidity_OfEmptyEntry(t *testing.T) {
	t.Parallel()
	e := &directoryv1.Entry{}
	for _, value := range []string{entry.VerifiedOn(e), entry.ValidFrom(e), entry.ValidTo(e), entry.Source(e)} {
		if value != "" {
			t.Errorf("got %q", value)
		}
	}
}
