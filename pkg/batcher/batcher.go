// Package batcher groups the writes of concurrent callers into shared transactions (group commit). A lone caller
// commits immediately; only concurrent callers are batched. So a busy service commits fewer and larger transactions,
// and an idle one is as fast as without.
//
// It promises that Do returns nil only after a write that contained the item succeeded. A write may reject some items
// and store the others; see Rejected. When a shared write fails as a whole, each of its items is written once more by
// itself before its error is returned, so one bad item fails no other. Items must therefore be safe to write twice,
// which request ids make them. It starts no goroutine: callers do the writing.
package batcher

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// maxInFlight is how many writes run concurrently: one is prepared while another waits for the disk.
	maxInFlight = 2
	// maxBatch is how many items share one write.
	maxBatch = 64
	// writeTimeout bounds a shared write. The leader's own deadline must not end it for its followers.
	writeTimeout = 10 * time.Second
)

// Batcher groups concurrent writes.
type Batcher[T any] struct {
	write func(ctx context.Context, items []T) error

	mu       sync.Mutex
	inFlight int
	queue    []*follower[T]
}

// follower is a caller that waits for a leader to write its item, or to lead itself.
type follower[T any] struct {
	item   T
	result chan result
}

// result is what a leader tells a follower.
type result struct {
	next next
	err  error // of a rejected item
}

type next int

const (
	done       next = iota // the item was written or rejected
	writeAlone             // the shared write failed
	becomeLeader
)

// Rejected is returned by a write that has stored all items but these, and holds the error of each by its index.
type Rejected map[int]error

func (Rejected) Error() string { return "some items were rejected" }

// New returns a Batcher; write must store all items, all but those that it returns as Rejected, or none.
func New[T any](write func(ctx context.Context, items []T) error) *Batcher[T] {
	return &Batcher[T]{write: write}
}

// Do writes an item, possibly together with others, and returns when it is written. When ctx ends first, the item may
// still be written.
func (b *Batcher[T]) Do(ctx context.Context, item T) error {
	b.mu.Lock()
	if b.inFlight < maxInFlight {
		b.inFlight++
		b.mu.Unlock()
		return b.lead(ctx, item)
	}
	f := &follower[T]{item: item, result: make(chan result, 1)}
	b.queue = append(b.queue, f)
	b.mu.Unlock()
	select {
	case r := <-f.result:
		return b.finish(ctx, r, item)
	case <-ctx.Done():
		return b.cancel(ctx, f)
	}
}

func (b *Batcher[T]) finish(ctx context.Context, r result, item T) error {
	switch r.next {
	case done:
		return r.err
	case becomeLeader:
		return b.lead(ctx, item)
	default:
		return b.writeAlone(ctx, item)
	}
}

// writeAlone writes one item and returns its error.
func (b *Batcher[T]) writeAlone(ctx context.Context, item T) error {
	err := b.write(ctx, []T{item})
	if rejected := Rejected(nil); errors.As(err, &rejected) {
		return rejected[0]
	}
	return err
}

// cancel removes a follower whose context ended. A result that has already arrived is acted on: a follower that was
// made leader must pass its slot on.
func (b *Batcher[T]) cancel(ctx context.Context, f *follower[T]) error {
	b.mu.Lock()
	for i, queued := range b.queue {
		if queued == f {
			b.queue = append(b.queue[:i:i], b.queue[i+1:]...)
			b.mu.Unlock()
			return ctx.Err()
		}
	}
	b.mu.Unlock()
	select {
	case r := <-f.result:
		return b.finish(ctx, r, f.item)
	default: // a leader is writing it
		return ctx.Err()
	}
}

// lead writes an item together with those in the queue.
func (b *Batcher[T]) lead(ctx context.Context, item T) error {
	b.mu.Lock()
	followers := b.queue[:min(len(b.queue), maxBatch-1)]
	b.queue = b.queue[len(followers):]
	b.mu.Unlock()
	if len(followers) == 0 {
		defer b.release()
		return b.writeAlone(ctx, item)
	}
	if r := b.writeShared(ctx, item, followers); r.next == done {
		return r.err
	}
	return b.writeAlone(ctx, item)
}

// writeShared writes the items of a leader and its followers, and returns the leader's result. Every follower gets a
// result, also when write panics.
func (b *Batcher[T]) writeShared(ctx context.Context, item T, followers []*follower[T]) result {
	shared, rejected := writeAlone, Rejected(nil)
	defer func() {
		b.release()
		for i, f := range followers {
			f.result <- result{shared, rejected[i+1]}
		}
	}()
	items := make([]T, 0, 1+len(followers))
	items = append(items, item)
	for _, f := range followers {
		items = append(items, f.item)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	if err := b.write(ctx, items); err == nil || errors.As(err, &rejected) {
		shared = done
	}
	return result{shared, rejected[0]}
}

// release hands the leader's slot to the longest waiting follower, or frees it.
func (b *Batcher[T]) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) == 0 {
		b.inFlight--
		return
	}
	next := b.queue[0]
	b.queue = b.queue[1:]
	next.result <- result{next: becomeLeader}
}
