// Package run starts the parts of a program and stops them in order: a part that was started later stops first, so the
// order of starting expresses the dependencies. The first part that fails stops all others, and its error is returned.
package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// StopTimeout is how long one part may take to stop before the next one is stopped, unless it was given longer.
const StopTimeout = 5 * time.Second

// Group is the parts of one program.
type Group struct {
	log    *slog.Logger
	failed chan error

	mu    sync.Mutex
	parts []part
}

type part struct {
	name    string
	stop    func(context.Context) error
	timeout func() time.Duration
}

// New returns a group without parts.
func New(log *slog.Logger) *Group { return &Group{log: log, failed: make(chan error, 1)} }

// Go runs f in a goroutine until the group stops it by canceling its context. A part that returns an error before that
// stops the group. A part that returns nil has finished.
func (g *Group) Go(name string, f func(ctx context.Context) error) {
	g.GoWithin(name, func() time.Duration { return StopTimeout }, f)
}

// GoWithin is Go for a part that may take longer to stop, which is asked for when it has to.
func (g *Group) GoWithin(name string, timeout func() time.Duration, f func(ctx context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		err := f(ctx)
		if err != nil && ctx.Err() == nil {
			select {
			case g.failed <- fmt.Errorf("%s: %w", name, err):
			default:
			}
			err = nil
		}
		done <- err
	}()
	stop := func(stopping context.Context) error {
		cancel()
		select {
		case err := <-done:
			if errors.Is(err, context.Canceled) {
				return nil
			}
			return err
		case <-stopping.Done():
			return fmt.Errorf("did not stop within %s", timeout())
		}
	}
	g.add(part{name, stop, timeout})
}

// OnStop calls f when everything that was started later has stopped, and waits for it no longer than for other parts.
func (g *Group) OnStop(name string, f func(ctx context.Context) error) {
	stop := func(ctx context.Context) error {
		done := make(chan error, 1)
		go func() { done <- f(ctx) }()
		select {
		case err := <-done:
			return err
		case <-ctx.Done():
			return fmt.Errorf("did not stop within %s", StopTimeout)
		}
	}
	g.add(part{name, stop, func() time.Duration { return StopTimeout }})
}

func (g *Group) add(p part) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.parts = append(g.parts, p)
}

// Wait waits until ctx ends or a part fails, stops all parts, and returns the first error. Call it once.
func (g *Group) Wait(ctx context.Context) error {
	var first error
	select {
	case <-ctx.Done():
	case first = <-g.failed:
		g.log.ErrorContext(ctx, "part failed", slog.Any("error", first))
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := len(g.parts) - 1; i >= 0; i-- {
		p := g.parts[i]
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.timeout())
		if err := p.stop(stopping); err != nil {
			g.log.WarnContext(ctx, "part stop failed", slog.String("part", p.name), slog.Any("error", err))
			if first == nil {
				first = fmt.Errorf("stop %s: %w", p.name, err)
			}
		}
		cancel()
	}
	return first
}

// Main runs f with a context that ends at the first SIGINT or SIGTERM. It returns the exit code: 0, or 1 after an
// error, which it prints. A second signal ends the process at once.
func Main(f func(ctx context.Context) error) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	if err := f(ctx); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
