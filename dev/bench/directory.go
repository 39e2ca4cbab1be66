package bench

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/app"
)

// find measures questions for an office over mutual TLS, each another, beside a bare server that gives the same bytes.
func find(ctx context.Context, w *world) (Result, error) {
	b, err := openBook(ctx, w)
	if err != nil {
		return Result{}, err
	}
	if err := b.settled(ctx, b.nodes); err != nil {
		return Result{}, err
	}
	var asked atomic.Int64
	grounds := []string{"SEX", "NATIONALITY", "DISABILITY", "SKIN_COLOUR"}
	question := func() *directoryv1.FindOfficesRequest {
		i := int(asked.Add(1))
		req := &directoryv1.FindOfficesRequest{Territory: b.towns[i*7919%len(b.towns)], Ground: grounds[i%4], Service: given[i%6], AccessMode: "PHONE", Limit: atOneDesk}
		if i%2 == 0 {
			req.OpenAt = timestamppb.New(time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC).Add(time.Duration(i%1000) * time.Hour))
		}
		return req
	}
	var bytes, answers int
	for range 200 {
		answer, err := b.centre.FindOffices(ctx, question())
		if err != nil {
			return Result{}, err
		}
		bytes, answers = bytes+proto.Size(answer), answers+len(answer.GetMatches())
	}
	body := make([]byte, bytes/200)
	server, client, err := floorTLS(w)
	if err != nil {
		return Result{}, err
	}
	floor, err := startFloor(ctx, func(context.Context, []byte) ([]byte, error) { return body, nil }, server, client, 4)
	if err != nil {
		return Result{}, err
	}
	defer floor.stop()
	o, f, latencies, err := alternate(w.rounds,
		func() (round, error) {
			return closedLoop(ctx, findCalls, w.span, func(ctx context.Context, _ int) error {
				_, err := b.centre.FindOffices(ctx, question())
				return err
			})
		},
		func() (round, error) {
			return closedLoop(ctx, findCalls, w.span, func(ctx context.Context, client int) error { return floor.call(ctx, client, nil) })
		})
	if err != nil {
		return Result{}, err
	}
	return Result{
		Unit: "calls/s", Ours: o, Floor: f, P50: percentile(latencies, 50), P95: percentile(latencies, 95), P99: percentile(latencies, 99),
		Conditions: fmt.Sprintf("%d offices with %d services, %d clients in a closed loop, %d rounds of %s each in turns, medians; every question another, by place, ground, service and telephone, half of them at a moment; answers of %d bytes and %.1f offices on average; floor: gRPC over mutual TLS that gives as many bytes at once",
			offices, offices*perOffice, findCalls, w.rounds, w.span, len(body), float64(answers)/200),
	}, nil
}

// evaluate measures questions to the opening engine, beside the least that any engine must do: to know day and time in Rome.
func evaluate(_ context.Context, w *world) (Result, error) {
	o, f, _, err := alternate(w.rounds,
		func() (round, error) { return round{figure: app.MeasureOpeningRate(w.span / 2)}, nil },
		func() (round, error) { return round{figure: app.MeasureClockRate(w.span / 2)}, nil })
	if err != nil {
		return Result{}, err
	}
	return Result{Unit: "evaluations/s", Ours: o, Floor: f, Conditions: fmt.Sprintf(
		"one core, %d rounds of %s each in turns, medians; an office with split hours, seasons, closures, a monthly rule and holidays, asked at moments spread over 20 years, state and next change; floor: the same moments turned into day and time in Rome, no schedule",
		w.rounds, w.span/2)}, nil
}

// wholeCopy measures how long a node that has nothing takes to say what the centre says, beside reading all rows at the centre
// and inserting them at the node.
func wholeCopy(ctx context.Context, w *world) (Result, error) {
	b, err := openBook(ctx, w)
	if err != nil {
		return Result{}, err
	}
	last := len(b.nodes) - 1
	node := w.net.Nodes[last].Name
	var latencies []time.Duration
	o, f, _, err := alternate(3,
		func() (round, error) {
			if err := b.settled(ctx, b.nodes); err != nil {
				return round{}, err
			}
			from := time.Now()
			if err := w.forget(ctx, node); err != nil {
				return round{}, err
			}
			// A change is announced; the node asks and finds that it has nothing.
			if err := b.touch(ctx, 0); err != nil {
				return round{}, err
			}
			if err := b.settled(ctx, b.nodes[last:]); err != nil {
				return round{}, err
			}
			latencies = append(latencies, time.Since(from))
			return round{figure: time.Since(from).Seconds()}, nil
		},
		func() (round, error) {
			took, err := w.copyRows(ctx)
			return round{figure: took.Seconds()}, err
		})
	if err != nil {
		return Result{}, err
	}
	return Result{Unit: "s", Ours: o, Floor: f, Ratio: f / o, P50: percentile(latencies, 50), P95: percentile(latencies, 95), P99: percentile(latencies, 99),
		Conditions: fmt.Sprintf("%d offices with %d services and all code lists to one node, 3 rounds in turns, medians; ours: from an empty copy, through a proposal that is approved and announced, to the digest of the centre shown by the node; floor: select all current rows from the centre's database, insert them into a table of another; ratio = floor/ours",
			offices, offices*perOffice)}, nil
}

// oneChange measures how long after its approval a change is seen at every node, beside a bare publish and insert.
func oneChange(ctx context.Context, w *world) (Result, error) {
	b, err := openBook(ctx, w)
	if err != nil {
		return Result{}, err
	}
	if err := b.settled(ctx, b.nodes); err != nil {
		return Result{}, err
	}
	bare, err := startBare(ctx, w)
	if err != nil {
		return Result{}, err
	}
	defer bare.stop()
	o, f, latencies, err := alternate(feedRounds,
		func() (round, error) {
			var took []time.Duration
			for i := range changes {
				if err := b.touch(ctx, i); err != nil {
					return round{}, err
				}
				from := time.Now()
				if err := b.seen(ctx, i); err != nil {
					return round{}, err
				}
				took = append(took, time.Since(from))
			}
			return round{figure: percentile(took, 99), latencies: took}, nil
		},
		func() (round, error) {
			var took []time.Duration
			for i := range changes {
				base, err := bare.inserted(ctx)
				if err != nil {
					return round{}, err
				}
				from := time.Now()
				if err := errors.Join(bare.publish(ctx, i), until(ctx, base+1, bare.inserted)); err != nil {
					return round{}, err
				}
				took = append(took, time.Since(from))
			}
			return round{figure: percentile(took, 99)}, nil
		})
	if err != nil {
		return Result{}, err
	}
	return Result{Unit: "ms", Ours: o, Floor: f, Ratio: f / o, P50: percentile(latencies, 50), P95: percentile(latencies, 95), P99: percentile(latencies, 99),
		Conditions: fmt.Sprintf("p99 of the time from approval to seen at all of %d nodes, %d offices, %d rounds of %d changes each in turns, medians, %s between looks; floor: JetStream publish (bare broker, sync always, no TLS) to batch inserted, %s between looks; ratio = floor/ours",
			len(b.nodes), offices, feedRounds, changes, look, look)}, nil
}
