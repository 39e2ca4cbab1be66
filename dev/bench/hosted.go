package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/retepari/pari/dev/network"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
)

const (
	// hostedLimit is how many light calls per second a program of a hosted node may make.
	hostedLimit = 50
	// floodRate is the rate of one node's calls, far above the limit.
	floodRate = 10 * hostedLimit
	// quietRate is the rate of the other node's calls.
	quietRate = 40
	// floodRounds is how much longer than others the rounds are: a p99 needs some hundred calls.
	floodRounds = 4
)

// hostedNodes returns two nodes that one process of each service serves.
func hostedNodes() []network.Node {
	nodes := []network.Node{network.DefaultNodes()[0], network.DefaultNodes()[2]}
	for i := range nodes {
		nodes[i].Hosted = true
	}
	return nodes
}

// measureFlood measures how long calls of one hosted node take while another node calls far more often than it may.
// The baseline are the same calls without the flood.
func measureFlood(ctx context.Context, e *env) (Result, error) {
	quiet, err := e.net.Client().Conn("intake.milano", "protocollo.milano", "")
	if err != nil {
		return Result{}, err
	}
	defer func() { _ = quiet.Close() }()
	loud, err := e.net.Client().Conn("intake.cremona", "protocollo.cremona", "")
	if err != nil {
		return Result{}, err
	}
	defer func() { _ = loud.Close() }()
	duration := floodRounds * e.duration
	submit := func() (round, error) { return pacedRound(ctx, quiet, duration) }
	if _, err := submit(); err != nil {
		return Result{}, err
	}
	refused, calls := 0, 0
	r, err := alternate(e.rounds, func() (round, error) {
		floodCtx, stop := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() {
			defer close(done)
			n, bad := flood(floodCtx, loud)
			calls, refused = calls+n, refused+bad
		}()
		defer func() { stop(); <-done }()
		return submit()
	}, submit)
	if err != nil {
		return Result{}, err
	}
	r.Unit, r.Ratio = "ms, p99", r.Baseline/r.Ours
	r.Conditions = fmt.Sprintf("two nodes in one process of each service; one submits %d reports/s, in %d rounds of "+
		"%s each in turns with and without a flood of %d calls/s of the other, of which %d of %d were refused; p99 of "+
		"each round, medians", quietRate, e.rounds, duration, floodRate, refused, calls)
	return r, nil
}

// pacedRound submits reports at quietRate, one after the other. Its figure is the p99 in milliseconds.
func pacedRound(ctx context.Context, conn *grpc.ClientConn, duration time.Duration) (round, error) {
	intake, start := intakev1.NewIntakeServiceClient(conn), time.Now()
	var r round
	for due := start; due.Before(start.Add(duration)); due = due.Add(time.Second / quietRate) {
		if sleep(ctx, time.Until(due)); ctx.Err() != nil {
			return round{}, ctx.Err()
		}
		from := time.Now()
		if _, err := intake.SubmitReport(ctx, sampleReport()); err != nil {
			return round{}, fmt.Errorf("quiet node: %w", err)
		}
		r.latencies = append(r.latencies, time.Since(from))
	}
	r.figure = percentile(r.latencies, 99)
	return r, nil
}

// flood submits reports at floodRate until ctx ends. It returns how many calls it made and how many were refused.
func flood(ctx context.Context, conn *grpc.ClientConn) (calls, refused int) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	intake, start := intakev1.NewIntakeServiceClient(conn), time.Now()
	for i := 0; ctx.Err() == nil; i++ {
		sleep(ctx, time.Until(start.Add(time.Duration(i)*time.Second/floodRate)))
		wg.Go(func() {
			_, err := intake.SubmitReport(ctx, sampleReport())
			mu.Lock()
			defer mu.Unlock()
			if calls++; err != nil {
				refused++
			}
		})
	}
	wg.Wait()
	return calls, refused
}
