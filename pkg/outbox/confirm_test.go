package outbox

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/retepari/pari/pkg/bus"
	feedv1 "github.com/retepari/pari/proto/gen/pari/feed/v1"
)

// newNumberedLeader returns an unconfirmed leader of a partition with eight numbered events. The centre has
// acknowledged five of them, and the first two were pruned.
func newNumberedLeader(t *testing.T, c Config) (l testLeader, hashes []bus.Hash) {
	t.Helper()
	l = newTestLeader(t, c)
	l.append(1, 8)
	if err := l.storeAndNumber(t.Context()); err != nil {
		t.Fatal(err)
	}
	hashes = append(hashes, bus.Genesis)
	for _, e := range l.queue {
		hashes = append(hashes, e.Hash())
	}
	l.exec(`update outbox_partition set published_seq = 8, acknowledged_seq = 5`)
	l.exec(`delete from outbox where node_seq <= 2`)
	var err error
	if l.leader, err = l.r.newLeader(t.Context(), l.conn); err != nil {
		t.Fatal(err)
	}
	return l, hashes
}

// Ensure only a watermark that matches the database lets the relay draw numbers, and that one which does not, or which
// needs events that were pruned, stops the partition before anything is acknowledged, also later; it is logged once.
func TestLeader_ApplyWatermark(t *testing.T) {
	t.Parallel()
	other := bus.Hash{1}
	for name, c := range map[string]struct {
		seq, announced      int64
		hash                func(hashes []bus.Hash) bus.Hash
		confirmed, restored bool
		acknowledged        int64
	}{
		"at the acknowledged offset": {5, 8, func(h []bus.Hash) bus.Hash { return h[5] }, true, false, 5},
		"further":                    {7, 8, func(h []bus.Hash) bus.Hash { return h[7] }, true, false, 7},
		"at the end":                 {8, 8, func(h []bus.Hash) bus.Hash { return h[8] }, true, false, 8},
		"a centre that went back":    {3, 8, func(h []bus.Hash) bus.Hash { return h[3] }, true, false, 3},
		"a new centre":               {0, 0, func(h []bus.Hash) bus.Hash { return h[0] }, true, false, 0},
		"pruned here":                {1, 8, func(h []bus.Hash) bus.Hash { return h[1] }, false, false, 1},
		"another event":              {7, 8, func([]bus.Hash) bus.Hash { return other }, false, true, 5},
		"another last event":         {8, 8, func([]bus.Hash) bus.Hash { return other }, false, true, 5},
		"another known event":        {5, 8, func([]bus.Hash) bus.Hash { return other }, false, true, 5},
		"no genesis":                 {0, 0, func([]bus.Hash) bus.Hash { return other }, false, true, 5},
		"beyond the end":             {9, 9, func(h []bus.Hash) bus.Hash { return h[8] }, false, true, 5},
		"announced beyond the end":   {8, 9, func(h []bus.Hash) bus.Hash { return h[8] }, false, true, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			l, hashes := newNumberedLeader(t, Config{Log: slog.New(slog.NewTextHandler(&log, nil))})
			if l.confirmed || l.r.Status().Blocked != BlockedUnconfirmed {
				t.Fatalf("a new leader is %+v", l.r.Status())
			}
			hash := c.hash(hashes)
			for range 2 {
				w := &feedv1.Watermark{AcknowledgedSeq: c.seq, AcknowledgedHash: hash[:], AnnouncedSeq: c.announced}
				if err := l.applyWatermark(t.Context(), w); err != nil {
					t.Fatal(err)
				}
			}
			if l.confirmed != c.confirmed || l.restored != c.restored || l.acknowledged != c.acknowledged {
				t.Errorf("confirmed %t, restored %t, acknowledged %d", l.confirmed, l.restored, l.acknowledged)
			}
			want, stops := "", 0
			switch {
			case c.restored:
				want, stops = BlockedRestored, 1
			case !c.confirmed:
				want, stops = BlockedPruned, 1
			}
			if got := l.r.Status().Blocked; got != want {
				t.Errorf("blocked by %q, want %q", got, want)
			}
			if n := strings.Count(log.String(), `msg="partition stopped" reason=`+want+" "); n != stops {
				t.Errorf("logged %s", log.String())
			}
			// Once confirmed, each watermark that advances is compared too.
			if !c.confirmed || l.acknowledged == l.last {
				return
			}
			w := &feedv1.Watermark{AcknowledgedSeq: l.last, AcknowledgedHash: other[:], AnnouncedSeq: l.last}
			if err := l.applyWatermark(t.Context(), w); err != nil || !l.restored || l.acknowledged != c.acknowledged {
				t.Errorf("a fork: restored %t, acknowledged %d, %v", l.restored, l.acknowledged, err)
			}
		})
	}
}

// Ensure a relay whose partition another process has advanced ends its lease instead of calling the database restored.
func TestLeader_ApplyWatermarkOfAnOutdatedLeader(t *testing.T) {
	t.Parallel()
	l, _ := newNumberedLeader(t, Config{})
	l.exec(`update outbox_partition set last_seq = 9`)
	w := &feedv1.Watermark{AcknowledgedSeq: 9, AcknowledgedHash: bus.Genesis[:], AnnouncedSeq: 9}
	if err := l.applyWatermark(t.Context(), w); err == nil || l.restored {
		t.Errorf("restored %t, %v", l.restored, err)
	}
}

// Ensure numbers that a repair has given up do not stop the partition again, and others do.
func TestLeader_ApplyWatermarkAfterARepair(t *testing.T) {
	t.Parallel()
	l, hashes := newNumberedLeader(t, Config{})
	l.exec(`update outbox_partition set lost_seq = 20`)
	if err := l.checkUnchanged(t.Context()); err == nil {
		t.Error("the leader does not notice the repair")
	}
	l.lost = 20
	for announced, restored := range map[int64]bool{20: false, 21: true} {
		l.restored, l.confirmed = false, false
		w := &feedv1.Watermark{AcknowledgedSeq: 8, AcknowledgedHash: hashes[8][:], AnnouncedSeq: announced}
		if err := l.applyWatermark(t.Context(), w); err != nil || l.restored != restored {
			t.Errorf("announced %d: restored %t, %v", announced, l.restored, err)
		}
	}
}
