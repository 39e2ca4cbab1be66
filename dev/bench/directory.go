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
)

const (
	findClients      = 8
	findConnections  = 4
	officesPerAnswer = 10 // what a desk shows on one page
	sampleAnswers    = 200
	copyRounds       = 3
	changesPerRound  = 60
)

// measureFind measures searches for an office over mutual TLS, each with other parameters. The baseline returns as many
// bytes at once.
func measureFind(ctx context.Context, e *env) (Result, error) {
	d, err := e.directoryFixture(ctx)
	if err != nil {
		return Result{}, err
	}
	if err := d.waitSynced(ctx, d.replicas); err != nil {
		return Result{}, err
	}
	var requests atomic.Int64
	find := func(ctx context.Context) (*directoryv1.FindOfficesResponse, error) {
		return d.centre.FindOffices(ctx, d.findRequest(int(requests.Add(1))))
	}
	var bytes, matches int
	for range sampleAnswers {
		resp, err := find(ctx)
		if err != nil {
			return Result{}, err
		}
		bytes, matches = bytes+proto.Size(resp), matches+len(resp.GetMatches())
	}
	body := make([]byte, bytes/sampleAnswers)
	respond := func(context.Context, []byte) ([]byte, error) { return body, nil }
	baseline, err := startBaselineServer(ctx, e, findConnections, respond)
	if err != nil {
		return Result{}, err
	}
	defer baseline.stop()
	r, err := alternate(e.rounds,
		func() (round, error) {
			return closedLoop(ctx, findClients, e.duration, func(ctx context.Context, _ int) error {
				_, err := find(ctx)
				return err
			})
		},
		func() (round, error) {
			return closedLoop(ctx, findClients, e.duration, func(ctx context.Context, client int) error {
				return baseline.call(ctx, client, nil)
			})
		})
	if err != nil {
		return Result{}, err
	}
	r.Unit = "calls/s"
	r.Conditions = fmt.Sprintf("%d offices with %d services, %d clients in a closed loop, %d rounds of %s each in "+
		"turns, medians; each request with another place, ground and service, by telephone, half of them with a "+
		"time; responses of %d bytes and %.1f offices on average; baseline: gRPC over mutual TLS that returns as "+
		"many bytes at once",
		officeCount, officeCount*servicesPerOffice, findClients, e.rounds, e.duration, len(body),
		float64(matches)/sampleAnswers)
	return r, nil
}

// findRequest returns the i-th search.
func (d *directoryFixture) findRequest(i int) *directoryv1.FindOfficesRequest {
	grounds := []string{"SEX", "NATIONALITY", "DISABILITY", "SKIN_COLOUR"}
	req := &directoryv1.FindOfficesRequest{
		Territory: d.municipalities[i*7919%len(d.municipalities)], Ground: grounds[i%4], Service: serviceTypes[i%6],
		AccessMode: "PHONE", Limit: officesPerAnswer,
	}
	if i%2 == 0 {
		hours := time.Duration(i%1000) * time.Hour
		req.OpenAt = timestamppb.New(time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC).Add(hours))
	}
	return req
}

// measureFullReplication measures how long an empty replica takes to reach the digest of the centre. The baseline reads
// all rows at the centre and inserts them into another database.
func measureFullReplication(ctx context.Context, e *env) (Result, error) {
	d, err := e.directoryFixture(ctx)
	if err != nil {
		return Result{}, err
	}
	last := len(d.replicas) - 1
	node := e.net.Nodes[last].Name
	replicate := func() (round, error) {
		if err := d.waitSynced(ctx, d.replicas); err != nil {
			return round{}, err
		}
		start := time.Now()
		if err := e.truncateReplica(ctx, node); err != nil {
			return round{}, err
		}
		// The replica notices that it is incomplete when the next change is announced.
		if err := d.changePhone(ctx, 0); err != nil {
			return round{}, err
		}
		if err := d.waitSynced(ctx, d.replicas[last:]); err != nil {
			return round{}, err
		}
		elapsed := time.Since(start)
		return round{figure: elapsed.Seconds(), latencies: []time.Duration{elapsed}}, nil
	}
	r, err := alternate(copyRounds, replicate, func() (round, error) {
		elapsed, err := e.copyRows(ctx)
		return round{figure: elapsed.Seconds()}, err
	})
	if err != nil {
		return Result{}, err
	}
	r.Unit, r.Ratio = "s", r.Baseline/r.Ours
	r.Conditions = fmt.Sprintf("%d offices with %d services and all code lists to one node, %d rounds in turns, "+
		"medians; ours: from an empty replica, through a proposal that is approved and announced, until the node "+
		"shows the digest of the centre; baseline: select all current rows from the centre's database, insert them "+
		"into a table of another; ratio = baseline/ours", officeCount, officeCount*servicesPerOffice, copyRounds)
	return r, nil
}

// measureChangeReplication measures the time from the approval of a change until every replica shows it. The baseline
// publishes and inserts one event.
func measureChangeReplication(ctx context.Context, e *env) (Result, error) {
	d, err := e.directoryFixture(ctx)
	if err != nil {
		return Result{}, err
	}
	if err := d.waitSynced(ctx, d.replicas); err != nil {
		return Result{}, err
	}
	baseline, err := startBaselineFeed(ctx, e)
	if err != nil {
		return Result{}, err
	}
	defer baseline.stop()
	replicate := func(i int) (time.Duration, error) {
		if err := d.changePhone(ctx, i); err != nil {
			return 0, err
		}
		start := time.Now()
		err := d.waitPhone(ctx, i)
		return time.Since(start), err
	}
	publish := func(i int) (time.Duration, error) {
		base, err := baseline.inserted(ctx)
		if err != nil {
			return 0, err
		}
		start := time.Now()
		err = errors.Join(baseline.publish(ctx, i), waitForCount(ctx, base+1, baseline.inserted))
		return time.Since(start), err
	}
	r, err := alternate(e.feedRounds,
		func() (round, error) { return timeEach(changesPerRound, replicate) },
		func() (round, error) { return timeEach(changesPerRound, publish) })
	if err != nil {
		return Result{}, err
	}
	r.Unit, r.Ratio = "ms", r.Baseline/r.Ours
	r.Conditions = fmt.Sprintf("p99 of the time from the approval until all %d nodes show the change, %d offices, %d "+
		"rounds of %d changes each in turns, medians, %s between polls; baseline: JetStream publish (single broker, "+
		"sync always, no TLS) to the batch insert, %s between polls; ratio = baseline/ours",
		len(d.replicas), officeCount, e.feedRounds, changesPerRound, pollInterval, pollInterval)
	return r, nil
}

// timeEach runs n operations one after the other. The figure is the p99 in milliseconds.
func timeEach(n int, operation func(i int) (time.Duration, error)) (round, error) {
	var latencies []time.Duration
	for i := range n {
		elapsed, err := operation(i)
		if err != nil {
			return round{}, err
		}
		latencies = append(latencies, elapsed)
	}
	return round{figure: percentile(latencies, 99), latencies: latencies}, nil
}
