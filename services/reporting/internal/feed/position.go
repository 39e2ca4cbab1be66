package feed

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/services/reporting/internal/store"
)

// position is the newest position in the stream that this process knows to be committed.
type position struct {
	mu    sync.Mutex
	known store.StreamPosition // zero before consume has compared it once
}

// comparePosition stores how far the stream has been read. When the database is behind what was read before, it was
// restored from a backup, and the stream is read again from its position on. What it has already is a duplicate.
//
// The first comparison of a process is with what the hub has recorded. That is ahead of a database which only missed
// the last tick, too.
func (f *Feed) comparePosition(ctx context.Context, first bool) error {
	f.position.mu.Lock()
	defer f.position.mu.Unlock()
	if !first && f.position.known.Consumer == "" {
		return nil
	}
	js, err := jetstream.New(f.c.Conn)
	if err != nil {
		return fmt.Errorf("stream position: %w", err)
	}
	consumer, err := js.Consumer(ctx, bus.StreamName, Durable)
	if err != nil {
		return fmt.Errorf("stream position: %w", err)
	}
	info := consumer.CachedInfo()
	read := store.StreamPosition{Consumer: info.Created.UTC().Format(time.RFC3339Nano), Seq: info.AckFloor.Stream}
	stored, err := f.c.Store.GetStreamPosition(ctx)
	if err != nil {
		return err
	}
	known := f.position.known
	if first {
		known = read
	}
	at := stored
	if at.Consumer != read.Consumer { // the position of a consumer that was lost with the hub's disk
		at = store.StreamPosition{Consumer: read.Consumer}
	}
	switch {
	case known.Consumer == read.Consumer && at.Seq < known.Seq:
		if _, err := js.ResetConsumerToSequence(ctx, bus.StreamName, Durable, at.Seq+1); err != nil {
			return fmt.Errorf("read the stream again: %w", err)
		}
		f.c.Log.WarnContext(ctx, "stream is read again", slog.Uint64("after", at.Seq), slog.Uint64("up_to", known.Seq))
	case read.Seq > at.Seq:
		if err := f.c.Store.MoveStreamPosition(ctx, stored, read); err != nil {
			return err
		}
		at = read
	}
	f.position.known = at
	return nil
}

// unknown reports whether no position was compared yet.
func (p *position) unknown() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known.Consumer == ""
}
