package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/dev/network"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	eventsv1 "github.com/retepari/pari/proto/gen/pari/events/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
)

const (
	steadyRate    = 200 // events per second
	reportCounted = "it.pari.report.counted.v1"
)

// centreClient asks the centre how far it has applied the events of the node's intake.
type centreClient struct {
	conn      *grpc.ClientConn
	reporting reportingv1.ReportingServiceClient
}

func newCentreClient(ctx context.Context, n *network.Network) (*centreClient, error) {
	net := n.Client()
	token, _, err := net.SignIn(ctx, "analyst")
	if err != nil {
		return nil, err
	}
	conn, err := net.Conn("reporting", "console.centre", token)
	if err != nil {
		return nil, err
	}
	return &centreClient{conn: conn, reporting: reportingv1.NewReportingServiceClient(conn)}, nil
}

func (c *centreClient) close() { _ = c.conn.Close() }

// applied returns how many events of cremona's intake the centre has applied.
func (c *centreClient) applied(ctx context.Context) (int64, error) {
	status, err := c.reporting.GetFeedStatus(ctx, &reportingv1.GetFeedStatusRequest{})
	if err != nil {
		return 0, err
	}
	for _, n := range status.GetNodes() {
		for _, p := range n.GetLines() {
			if n.GetNode() == "cremona" && p.GetSource() == "intake" {
				return p.GetAppliedNodeSeq(), nil
			}
		}
	}
	return 0, nil
}

// measureEndToEnd measures the time from an acknowledged report to its event being applied at the centre. The baseline
// publishes and inserts events at the same rate.
func measureEndToEnd(ctx context.Context, e *env) (Result, error) {
	submit, closeConns, err := e.submitter(1)
	if err != nil {
		return Result{}, err
	}
	defer closeConns()
	baseline, err := startBaselineFeed(ctx, e)
	if err != nil {
		return Result{}, err
	}
	defer baseline.stop()
	r, err := alternate(e.feedRounds,
		func() (round, error) { return measureVisibility(ctx, e.steadyEvents, submit, e.centre.applied) },
		func() (round, error) {
			if err := e.waitApplied(ctx); err != nil {
				return round{}, err
			}
			return measureVisibility(ctx, e.steadyEvents, baseline.publish, baseline.inserted)
		})
	if err != nil {
		return Result{}, err
	}
	r.Unit = fmt.Sprintf("ms at %d events/s", steadyRate)
	r.Ratio = r.Baseline / r.Ours
	r.Conditions = fmt.Sprintf("p99 of the time from acknowledged to visible, %d rounds of %d events at %d/s each in "+
		"turns, medians; ours: from the acknowledged report to the applied event, an analyst asks the centre every "+
		"%s; baseline: from the acknowledged JetStream publish (single broker, file store, sync always, no TLS) to "+
		"the batch insert, a counter in memory is read every %s; ratio = baseline/ours",
		e.feedRounds, e.steadyEvents, steadyRate, pollInterval, pollInterval)
	return r, nil
}

// measureVisibility makes n calls at the steady rate and measures how long after the k-th acknowledgement the count has
// risen by k. The figure is the p99 in milliseconds.
func measureVisibility(
	ctx context.Context, n int, call func(context.Context, int) error, count func(context.Context) (int64, error),
) (round, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(n)*time.Second/steadyRate+30*time.Second)
	defer cancel()
	base, err := count(ctx)
	if err != nil {
		return round{}, err
	}
	load := startSteadyLoad(ctx, n, call)
	failed := load.failed
	var latencies []time.Duration
	for len(latencies) < n {
		visible, err := count(ctx)
		now := time.Now()
		if err != nil {
			return round{}, err
		}
		acknowledged := load.times()
		for len(latencies) < min(int(visible-base), len(acknowledged)) {
			latencies = append(latencies, max(0, now.Sub(acknowledged[len(latencies)])))
		}
		select {
		case err, open := <-failed:
			if err != nil {
				return round{}, err
			}
			if !open {
				failed = nil
			}
		case <-ctx.Done():
			return round{}, fmt.Errorf("%d of %d acknowledged events took effect: %w",
				len(latencies), len(acknowledged), ctx.Err())
		case <-time.After(pollInterval):
		}
	}
	return round{figure: percentile(latencies, 99), latencies: latencies}, nil
}

// measureThroughput measures how fast the centre applies a backlog. The baseline publishes and inserts as many events.
func measureThroughput(ctx context.Context, e *env) (Result, error) {
	pool, err := pg.Connect(ctx, e.net.Env("intake.cremona")["PARI_DATABASE_URL"])
	if err != nil {
		return Result{}, err
	}
	defer pool.Close()
	baseline, err := startBaselineFeed(ctx, e)
	if err != nil {
		return Result{}, err
	}
	defer baseline.stop()
	r, err := alternate(e.rounds,
		func() (round, error) { return drainOutbox(ctx, e, pool) },
		func() (round, error) {
			if err := e.waitApplied(ctx); err != nil {
				return round{}, err
			}
			return baseline.drain(ctx, e.backlog)
		})
	if err != nil {
		return Result{}, err
	}
	r.Unit = "events/s"
	r.Conditions = fmt.Sprintf("backlog of %d events, %d rounds each in turns, medians, %s between polls; ours: from "+
		"the commit in the outbox to applied (up to 250 ms until the relay polls, numbered, signed, leaf, hub with "+
		"sync always and batches published as one, verified, inbox, facts, cells); baseline: messages of the same "+
		"bytes published asynchronously, %d unacknowledged at most, to a single broker (file store, sync always, no "+
		"TLS), inserted in batches of at most %d", e.backlog, e.rounds, pollInterval, maxUnacked, maxUnacked)
	return r, nil
}

// drainOutbox writes a backlog to the outbox and waits until the centre has applied it.
func drainOutbox(ctx context.Context, e *env, pool *pgxpool.Pool) (round, error) {
	data, err := eventData()
	if err != nil {
		return round{}, err
	}
	err = pg.InTenant(ctx, pool, cremona, func(ctx context.Context, tx pgx.Tx) error {
		b := &pgx.Batch{}
		for range e.backlog {
			event := outbox.Event{
				Tenant: cremona, Type: reportCounted, Aggregate: uuid.NewString(), AggregateSeq: 1, Data: data,
			}
			if err := outbox.Queue(ctx, b, event); err != nil {
				return err
			}
		}
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return round{}, err
	}
	start := time.Now()
	e.submitted.Add(int64(e.backlog))
	if err := e.waitApplied(ctx); err != nil {
		return round{}, err
	}
	return round{figure: float64(e.backlog) / time.Since(start).Seconds()}, nil
}

// eventData encodes the payload of an event of intake.
func eventData() ([]byte, error) {
	now := time.Now()
	data, err := proto.Marshal(&eventsv1.ReportCounted{
		Month:   &recordv1.Month{Year: int32(now.Year()), Month: int32(now.Month())},
		Channel: "WEB_FORM", ReporterRole: "WITNESS", Anonymous: true,
	})
	if err != nil {
		return nil, fmt.Errorf("event: %w", err)
	}
	return data, nil
}
