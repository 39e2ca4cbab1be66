package run_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/pkg/run"
)

// Ensure what was started later stops first.
func TestGroup_StopsInReverse(t *testing.T) {
	t.Parallel()
	var stopped []string
	g := run.New(slog.New(slog.DiscardHandler))
	g.OnStop("database", func(context.Context) error { stopped = append(stopped, "database"); return nil })
	g.Go("relay", func(ctx context.Context) error { <-ctx.Done(); stopped = append(stopped, "relay"); return ctx.Err() })
	g.OnStop("server", func(context.Context) error { stopped = append(stopped, "server"); return nil })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := g.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"server", "relay", "database"}, stopped); diff != "" {
		t.Error(diff)
	}
}

// Ensure the first failure stops the rest and is the one returned.
func TestGroup_ReturnsTheFirstFailure(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	closed := false
	g := run.New(slog.New(slog.DiscardHandler))
	g.OnStop("database", func(context.Context) error { closed = true; return errors.New("late") })
	g.Go("relay", func(context.Context) error { return broken })
	if err := g.Wait(context.Background()); !errors.Is(err, broken) || !closed {
		t.Errorf("got %v, closed %t", err, closed)
	}
}
