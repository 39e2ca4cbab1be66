package store

import (
	"strings"
	"testing"

	"github.com/retepari/pari/pkg/bus"
)

// Ensure that a subject that is neither a pseudonym nor the name of an entry is stored as a hash only.
func TestNewEvent_Aggregate(t *testing.T) {
	t.Parallel()
	for _, subject := range []string{
		"6e0f4b6c-3f0e-4c53-9a0a-6a4b3b2f9d11", "course.reati-spia", "A_b", strings.Repeat("a", 100),
	} {
		if got := NewEvent(bus.Event{Subject: subject}).Aggregate; got != subject {
			t.Errorf("%s is stored as %s", subject, got)
		}
	}
	seen := map[string]bool{}
	for _, subject := range []string{
		"", "Zelinda Quaglia", "zelinda@example.org", "a/b", "é", strings.Repeat("a", 101),
	} {
		got := NewEvent(bus.Event{Subject: subject}).Aggregate
		if !strings.HasPrefix(got, "sha256:") || len(got) != len("sha256:")+64 || seen[got] {
			t.Errorf("%q is stored as %s", subject, got)
		}
		seen[got] = true
	}
}
