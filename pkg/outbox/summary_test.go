package outbox_test

import (
	"testing"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/pkg/bus"
)

// summary describes the events of one partition in a stream. It is computed from the events alone.
type summary struct {
	events     int   // distinct events
	duplicates int   // copies of an event that came before
	missing    int64 // sequence numbers without an event
	disorder   int   // events after one with a higher number
	invalid    int   // wrong signature, previous hash or aggregate order, or two events with one number
}

// summarize reads a partition as the centre does: by number, and the first copy counts.
func summarize(keys *bus.PublicKeys, events []bus.Event) summary {
	var s summary
	first, highest := map[int64]bus.Event{}, int64(0)
	for _, e := range events {
		if known, ok := first[e.NodeSeq]; ok {
			s.duplicates++
			if known.Hash() != e.Hash() {
				s.invalid++
			}
			continue
		}
		first[e.NodeSeq] = e
		if e.NodeSeq < highest {
			s.disorder++
		}
		highest = max(highest, e.NodeSeq)
		if e.Verify(keys) != nil {
			s.invalid++
		}
	}
	s.events, s.missing = len(first), highest-int64(len(first))
	aggregates, prev := map[string]int64{}, bus.Genesis
	for n := int64(1); n <= highest; n++ {
		e, ok := first[n]
		if !ok {
			continue
		}
		if e.PrevHash != prev || e.AggregateSeq != aggregates[e.Subject]+1 {
			s.invalid++
		}
		prev, aggregates[e.Subject] = e.Hash(), e.AggregateSeq
	}
	return s
}

// Ensure the summary that the tests of this package rely on detects each kind of fault.
func TestSummarize(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	r, _ := e.start(e.config())
	e.appendMany(30)
	bustest.Eventually(t, func() bool { return r.Status().Published == 30 })
	keys, stored := e.net.Keys(), e.stream()
	for name, c := range map[string]struct {
		change func([]bus.Event) []bus.Event
		ok     func(summary) bool
	}{
		"unchanged": {
			func(e []bus.Event) []bus.Event { return e },
			func(s summary) bool { return s == summary{events: 30} },
		},
		"lost": {
			func(e []bus.Event) []bus.Event { return append(e[:9], e[10:]...) },
			func(s summary) bool { return s.missing == 1 },
		},
		"duplicated": {
			func(e []bus.Event) []bus.Event { return append(e, e[3]) },
			func(s summary) bool { return s.duplicates == 1 && s.invalid == 0 },
		},
		"swapped": {
			func(e []bus.Event) []bus.Event { e[4], e[5] = e[5], e[4]; return e },
			func(s summary) bool { return s.disorder == 1 },
		},
		"tampered": {
			func(e []bus.Event) []bus.Event { e[4].Data = []byte("x"); return e },
			func(s summary) bool { return s.invalid > 0 },
		},
		"renumbered": {
			func(e []bus.Event) []bus.Event { e[4].AggregateSeq++; return e },
			func(s summary) bool { return s.invalid > 0 },
		},
		"two with one number": {
			func(e []bus.Event) []bus.Event { other := e[4]; other.Data = []byte("x"); return append(e, other) },
			func(s summary) bool { return s.invalid > 0 },
		},
	} {
		if got := summarize(keys, c.change(append([]bus.Event(nil), stored...))); !c.ok(got) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
