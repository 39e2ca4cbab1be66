package bench

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// pollInterval is how often a measurement asks whether an effect is visible.
	pollInterval = 10 * time.Millisecond
	// pollTimeout bounds the wait for one effect.
	pollTimeout = 2 * time.Minute
)

// round is the result of one round: its figure in the unit of the measurement, and the latency of each call.
type round struct {
	figure    float64
	latencies []time.Duration
}

// closedLoop lets n clients call in a loop for the given time. The figure is calls per second. The first error ends the
// round and is returned.
func closedLoop(
	ctx context.Context, n int, duration time.Duration, call func(ctx context.Context, client int) error,
) (round, error) {
	var (
		mu  sync.Mutex
		all []time.Duration
	)
	start := time.Now()
	end := start.Add(duration)
	g, ctx := errgroup.WithContext(ctx)
	for client := range n {
		g.Go(func() error {
			var latencies []time.Duration
			for time.Now().Before(end) {
				from := time.Now()
				if err := call(ctx, client); err != nil {
					return fmt.Errorf("client %d: %w", client, err)
				}
				latencies = append(latencies, time.Since(from))
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, latencies...)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return round{}, err
	}
	return round{figure: float64(len(all)) / time.Since(start).Seconds(), latencies: all}, nil
}

// alternate runs baseline and ours in turns, so that both see the same noise. The result holds the medians of their
// figures, and the percentiles of all latencies of ours.
func alternate(rounds int, ours, baseline func() (round, error)) (Result, error) {
	var ourFigures, baselineFigures []float64
	var latencies []time.Duration
	for range rounds {
		r, err := baseline()
		if err != nil {
			return Result{}, fmt.Errorf("baseline: %w", err)
		}
		baselineFigures = append(baselineFigures, r.figure)
		if r, err = ours(); err != nil {
			return Result{}, fmt.Errorf("ours: %w", err)
		}
		ourFigures = append(ourFigures, r.figure)
		latencies = append(latencies, r.latencies...)
	}
	return Result{
		Ours: median(ourFigures), Baseline: median(baselineFigures),
		P50: percentile(latencies, 50), P95: percentile(latencies, 95), P99: percentile(latencies, 99),
	}, nil
}

// steadyLoad starts calls at a steady rate, whether or not earlier ones have returned.
type steadyLoad struct {
	// failed receives the first error. It is closed when all calls have returned.
	failed <-chan error

	mu   sync.Mutex
	done []time.Time
}

// startSteadyLoad starts a goroutine that makes n calls at steadyRate.
func startSteadyLoad(ctx context.Context, n int, call func(context.Context, int) error) *steadyLoad {
	failed := make(chan error, 1)
	l := &steadyLoad{failed: failed}
	go func() {
		defer close(failed)
		var wg sync.WaitGroup
		defer wg.Wait()
		start := time.Now()
		for i := range n {
			due := start.Add(time.Duration(i) * time.Second / steadyRate)
			if sleep(ctx, time.Until(due)); ctx.Err() != nil {
				return
			}
			wg.Go(func() {
				if err := call(ctx, i); err != nil {
					select {
					case failed <- err:
					default:
					}
					return
				}
				l.mu.Lock()
				defer l.mu.Unlock()
				l.done = append(l.done, time.Now())
			})
		}
	}()
	return l
}

// times returns when each call returned, in the order of returning.
func (l *steadyLoad) times() []time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.done)
}

// waitForCount polls until count returns at least n.
func waitForCount(ctx context.Context, n int64, count func(context.Context) (int64, error)) error {
	var last int64
	err := waitUntil(ctx, func(ctx context.Context) (done bool, err error) {
		last, err = count(ctx)
		return last >= n, err
	})
	if err != nil {
		return fmt.Errorf("%d of %d events took effect: %w", last, n, err)
	}
	return nil
}

// waitUntil polls until the condition holds, for at most pollTimeout.
func waitUntil(ctx context.Context, condition func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	for {
		if done, err := condition(ctx); err != nil || done {
			return err
		}
		if sleep(ctx, pollInterval); ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
