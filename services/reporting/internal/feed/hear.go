package feed

import (
	"context"
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

// beats are the newest heartbeat of each line, until the next tick keeps them.
type beats struct {
	mu  sync.Mutex
	new map[bus.Partition]store.Heartbeat
}

func (b *beats) put(h store.Heartbeat) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.new == nil {
		b.new = map[bus.Partition]store.Heartbeat{}
	}
	b.new[h.Line] = h
}

// take returns what is new, by region.
func (b *beats) take() map[string][]store.Heartbeat {
	b.mu.Lock()
	defer b.mu.Unlock()
	found := map[string][]store.Heartbeat{}
	for h := range maps.Values(b.new) {
		found[h.Line.Region] = append(found[h.Line.Region], h)
	}
	b.new = nil
	return found
}

// hear takes a heartbeat from the broker. What the node did not sign for this line is dropped; an old one that is played
// again can say that the node was heard of, and nothing that undoes what came later but the number that waits there.
func (f *Feed) hear(m *nats.Msg) {
	ctx := context.Background()
	var beat feedv1.Heartbeat
	line, err := bus.ParseHeartbeatSubject(m.Subject)
	if err == nil {
		err = bus.VerifyMessage(m, line.Owner(), f.nodes, &beat)
	}
	if err != nil || beat.GetSource() != line.Source || beat.GetLastSeq() < 0 || beat.GetPending() < 0 {
		f.meter.refuse(ctx, "heartbeat", 1)
		f.c.Log.WarnContext(ctx, "heartbeat dropped", slog.String("subject", m.Subject), slog.Any("error", err))
		return
	}
	f.beats.put(store.Heartbeat{Line: line, LastSeq: beat.GetLastSeq(), Pending: beat.GetPending(), At: time.Now()})
}

// keepBeats stores what was heard. What cannot be stored is dropped: the next heartbeat says it again.
func (f *Feed) keepBeats(ctx context.Context) error {
	heard := f.beats.take()
	for _, region := range slices.Sorted(maps.Keys(heard)) {
		if err := f.c.Store.Hear(ctx, region, heard[region]); err != nil {
			return err
		}
	}
	return nil
}
