package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// round is what one round saw: its figure, which is calls per second or what the measurement makes of it.
type round struct {
	figure    float64
	latencies []time.Duration
}

// closedLoop lets n clients call as fast as they are answered for the given time. The first error ends the round and is
// returned: a load that fails measures nothing.
func closedLoop(ctx context.Context, n int, span time.Duration, call func(ctx context.Context, client int) error) (round, error) {
	var (
		mu  sync.Mutex
		all []time.Duration
	)
	began := time.Now()
	until := began.Add(span)
	g, ctx := errgroup.WithContext(ctx)
	for client := range n {
		g.Go(func() error {
			var mine []time.Duration
			for time.Now().Before(until) {
				from := time.Now()
				if err := call(ctx, client); err != nil {
					return fmt.Errorf("client %d: %w", client, err)
				}
				mine = append(mine, time.Since(from))
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, mine...)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return round{}, err
	}
	return round{figure: float64(len(all)) / time.Since(began).Seconds(), latencies: all}, nil
}

// alternate runs ours and floor in turns, so that both see the same noise, and returns the medians of the rounds' figures
// with all latencies of ours.
func alternate(rounds int, ours, floor func() (round, error)) (oursFigure, floorFigure float64, latencies []time.Duration, err error) {
	var o, f []float64
	for range rounds {
		r, err := floor()
		if err != nil {
			return 0, 0, nil, fmt.Errorf("floor: %w", err)
		}
		f = append(f, r.figure)
		if r, err = ours(); err != nil {
			return 0, 0, nil, fmt.Errorf("ours: %w", err)
		}
		o = append(o, r.figure)
		latencies = append(latencies, r.latencies...)
	}
	return median(o), median(f), latencies, nil
}
