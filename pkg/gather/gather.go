// Package gather lets writes that come at the same time share one transaction. Who comes alone writes at once and waits for
// nobody; who comes while others are writing is taken along by the next write. So a busy service makes fewer and larger
// transactions, and a quiet one is as quick as before.
//
// It promises: Do returns nil only after a write that held the item returned nil. An item that was written in company, and
// failed, is written once more alone before its error is told: what is wrong with one item harms no other. Items must
// therefore be safe to write again, which request ids make them.
package gather

import (
	"context"
	"sync"
	"time"
)

const (
	// lanes is how many writes go on at the same time: while one waits for the disk, another is made ready.
	lanes = 3
	// most is how many items share a write.
	most = 64
	// patience is how long a write for several may take; the deadline of one of them must not end it for all.
	patience = 10 * time.Second
)

// Gather brings the items of concurrent callers together.
type Gather[T any] struct {
	write func(ctx context.Context, items []T) error

	mu      sync.Mutex
	writing int
	waiting []*waiter[T]
}

type waiter[T any] struct {
	item T
	done chan outcome
}

// outcome is what a caller that waited is told: that its item is written, or that it must write it itself, alone or as the
// next to lead.
type outcome int

const (
	written outcome = iota
	alone
	lead
)

// New returns a Gather whose items write stores, all or none.
func New[T any](write func(ctx context.Context, items []T) error) *Gather[T] {
	return &Gather[T]{write: write}
}

// Do writes an item, maybe with others, and returns when it is written. When ctx ends before, the item may be written all the
// same.
func (g *Gather[T]) Do(ctx context.Context, item T) error {
	g.mu.Lock()
	if g.writing < lanes {
		g.writing++
		g.mu.Unlock()
		return g.lead(ctx, item)
	}
	me := &waiter[T]{item: item, done: make(chan outcome, 1)}
	g.waiting = append(g.waiting, me)
	g.mu.Unlock()
	select {
	case o := <-me.done:
		return g.after(ctx, o, item)
	case <-ctx.Done():
		return g.leave(ctx, me)
	}
}

func (g *Gather[T]) after(ctx context.Context, o outcome, item T) error {
	switch o {
	case written:
		return nil
	case lead:
		return g.lead(ctx, item)
	default:
		return g.write(ctx, []T{item})
	}
}

// leave takes a caller out of the queue whose time is over. One that was told something meanwhile heeds it, so that nobody
// waits for a lead that went home.
func (g *Gather[T]) leave(ctx context.Context, me *waiter[T]) error {
	g.mu.Lock()
	for i, w := range g.waiting {
		if w == me {
			g.waiting = append(g.waiting[:i:i], g.waiting[i+1:]...)
			g.mu.Unlock()
			return ctx.Err()
		}
	}
	g.mu.Unlock()
	select {
	case o := <-me.done:
		return g.after(ctx, o, me.item)
	default: // it is being written
		return ctx.Err()
	}
}

// lead writes an item together with those that wait, and passes the lane on.
func (g *Gather[T]) lead(ctx context.Context, item T) error {
	g.mu.Lock()
	company := g.waiting[:min(len(g.waiting), most-1)]
	g.waiting = g.waiting[len(company):]
	g.mu.Unlock()
	if len(company) == 0 {
		defer g.pass()
		return g.write(ctx, []T{item})
	}
	if err := g.together(ctx, item, company); err != nil {
		return g.write(ctx, []T{item})
	}
	return nil
}

// together writes an item and its company. Whatever happens, nobody is left waiting.
func (g *Gather[T]) together(ctx context.Context, item T, company []*waiter[T]) error {
	told := alone
	defer func() {
		g.pass()
		for _, w := range company {
			w.done <- told
		}
	}()
	items := make([]T, 0, 1+len(company))
	items = append(items, item)
	for _, w := range company {
		items = append(items, w.item)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := g.write(ctx, items); err != nil {
		return err
	}
	told = written
	return nil
}

// pass gives the lane to who waits longest, or back.
func (g *Gather[T]) pass() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 {
		g.writing--
		return
	}
	next := g.waiting[0]
	g.waiting = g.waiting[1:]
	next.done <- lead
}
