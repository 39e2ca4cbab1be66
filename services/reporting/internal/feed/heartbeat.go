package feed

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/retepari/pari/pkg/bus"
	feedv1 "github.com/retepari/pari/proto/gen/pari/feed/v1"
	"github.com/retepari/pari/services/reporting/internal/store"
)

// heartbeats holds the newest heartbeat of each partition until the next tick stores it, and the partitions whose relay
// awaits a watermark.
type heartbeats struct {
	mu       sync.Mutex
	latest   map[bus.Partition]store.Heartbeat
	awaiting map[bus.Partition]bool
	signal   chan struct{} // holds one value while a relay awaits a watermark
}

func newHeartbeats() heartbeats { return heartbeats{signal: make(chan struct{}, 1)} }

func (hs *heartbeats) put(h store.Heartbeat, awaitsWatermark bool) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if hs.latest == nil {
		hs.latest = map[bus.Partition]store.Heartbeat{}
	}
	hs.latest[h.Partition] = h
	if !awaitsWatermark {
		return
	}
	if hs.awaiting == nil {
		hs.awaiting = map[bus.Partition]bool{}
	}
	hs.awaiting[h.Partition] = true
	select {
	case hs.signal <- struct{}{}:
	default:
	}
}

// awaited is ready when a relay awaits a watermark.
func (hs *heartbeats) awaited() <-chan struct{} { return hs.signal }

// takeAwaiting removes the partitions whose relay awaits a watermark, and returns them.
func (hs *heartbeats) takeAwaiting() []bus.Partition {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	found := slices.Collect(maps.Keys(hs.awaiting))
	hs.awaiting = nil
	return found
}

// take removes the heartbeats and returns them by region.
func (hs *heartbeats) take() map[string][]store.Heartbeat {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	found := map[string][]store.Heartbeat{}
	for h := range maps.Values(hs.latest) {
		found[h.Partition.Tenant.Region] = append(found[h.Partition.Tenant.Region], h)
	}
	hs.latest = nil
	return found
}

// onHeartbeat receives a heartbeat from the broker. It rejects what the node did not sign for this partition. A
// replayed heartbeat can only set the pending count back and the time of the last heartbeat forward: the other numbers
// only grow.
func (f *Feed) onHeartbeat(m *nats.Msg) {
	ctx := context.Background()
	h, awaitsWatermark, err := f.parseHeartbeat(m)
	if err != nil {
		f.metrics.countRejected(ctx, "heartbeat", 1)
		f.c.Log.WarnContext(ctx, "heartbeat rejected", slog.String("subject", m.Subject), slog.Any("error", err))
		return
	}
	f.heartbeats.put(h, awaitsWatermark)
}

func (f *Feed) parseHeartbeat(m *nats.Msg) (_ store.Heartbeat, awaitsWatermark bool, _ error) {
	p, err := bus.ParseHeartbeatSubject(m.Subject)
	if err != nil {
		return store.Heartbeat{}, false, err
	}
	var h feedv1.Heartbeat
	switch err := bus.VerifyMessage(m, p.Owner(), f.keys, &h); {
	case err != nil:
		return store.Heartbeat{}, false, err
	case h.GetSource() != p.Source:
		return store.Heartbeat{}, false, errors.New("source differs from the subject")
	case h.GetLastSeq() < 0 || h.GetPending() < 0:
		return store.Heartbeat{}, false, errors.New("number is negative")
	}
	return store.Heartbeat{
		Partition: p, LastSeq: h.GetLastSeq(), Pending: h.GetPending(), At: time.Now(),
	}, h.GetAwaitsWatermark(), nil
}

// storeHeartbeats stores the heartbeats received since the last call. After an error they are discarded: the next ones
// carry the same numbers.
func (f *Feed) storeHeartbeats(ctx context.Context) error {
	received := f.heartbeats.take()
	for _, region := range slices.Sorted(maps.Keys(received)) {
		if err := f.c.Store.StoreHeartbeats(ctx, region, received[region]); err != nil {
			return err
		}
	}
	return nil
}
