package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	eventsv1 "github.com/retepari/pari/proto/gen/pari/events/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
)

const (
	steadyRate = 200 // events per second
	steadyFor  = 10 * time.Second
	backlog    = 5000 // events of one round
	look       = 10 * time.Millisecond
)

// centre tells how many events of the node's intake have taken effect.
type centre struct {
	client reportingv1.ReportingServiceClient
	close  func()
}

func newCentre(ctx context.Context, w *world) (*centre, error) {
	a := w.net.Access()
	token, _, err := a.Login(ctx, "analyst")
	if err != nil {
		return nil, err
	}
	conn, err := a.Conn("reporting", "console.centre", token)
	if err != nil {
		return nil, err
	}
	return &centre{reportingv1.NewReportingServiceClient(conn), func() { _ = conn.Close() }}, nil
}

func (c *centre) applied(ctx context.Context) (int64, error) {
	status, err := c.client.GetFeedStatus(ctx, &reportingv1.GetFeedStatusRequest{})
	if err != nil {
		return 0, err
	}
	for _, n := range status.GetNodes() {
		for _, l := range n.GetLines() {
			if n.GetNode() == "cremona" && l.GetSource() == "intake" {
				return l.GetAppliedNodeSeq(), nil
			}
		}
	}
	return 0, nil
}

// settled waits until nothing more is on its way, and returns the count.
func (c *centre) settled(ctx context.Context) (int64, error) {
	last, since := int64(-1), time.Now()
	for time.Since(since) < time.Second {
		now, err := c.applied(ctx)
		if err != nil {
			return 0, err
		}
		if now != last {
			last, since = now, time.Now()
		}
		wait(ctx, 50*time.Millisecond)
	}
	return last, ctx.Err()
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// steady starts one call per tick at the steady rate and returns when each was done, in that order.
func steady(ctx context.Context, call func(context.Context, int) error) (func() []time.Time, <-chan error) {
	var mu sync.Mutex
	var done []time.Time
	failed := make(chan error, 1)
	go func() {
		defer close(failed)
		var wg sync.WaitGroup
		tick := time.NewTicker(time.Second / steadyRate)
		defer tick.Stop()
		for i := range int(steadyFor.Seconds() * steadyRate) {
			<-tick.C
			wg.Go(func() {
				if err := call(ctx, i); err != nil {
					select {
					case failed <- err:
					default:
					}
					return
				}
				mu.Lock()
				defer mu.Unlock()
				done = append(done, time.Now())
			})
		}
		wg.Wait()
	}()
	return func() []time.Time { mu.Lock(); defer mu.Unlock(); return append([]time.Time(nil), done...) }, failed
}

// endToEnd measures the time from an acknowledged report to its event having taken effect at the centre, beside a bare
// publish and insert at the same rate.
func endToEnd(ctx context.Context, w *world) (Result, error) {
	conn, err := w.net.Access().Conn("intake.cremona", "protocollo.cremona", "")
	if err != nil {
		return Result{}, err
	}
	defer func() { _ = conn.Close() }()
	c, err := newCentre(ctx, w)
	if err != nil {
		return Result{}, err
	}
	defer c.close()
	base, err := c.settled(ctx)
	if err != nil {
		return Result{}, err
	}
	ours, err := visible(ctx, oursCall(conn), func() (int64, error) { n, err := c.applied(ctx); return n - base, err })
	if err != nil {
		return Result{}, err
	}
	bare, err := startBare(ctx, w)
	if err != nil {
		return Result{}, err
	}
	defer bare.stop()
	floor, err := visible(ctx, func(ctx context.Context, _ int) error { return bare.publish(ctx) }, func() (int64, error) { return bare.inserted(), nil })
	if err != nil {
		return Result{}, err
	}
	r := Result{
		Unit: "ms (p99)", Ours: percentile(ours, 99), Floor: percentile(floor, 99), P50: percentile(ours, 50), P95: percentile(ours, 95), P99: percentile(ours, 99),
		Conditions: fmt.Sprintf("from acknowledgement to applied at the centre, %d reports/s for %s, looked at every %s; floor: synced JetStream publish and batched insert at the same rate; ratio = floor/ours", steadyRate, steadyFor, look),
	}
	r.Ratio = r.Floor / r.Ours
	return r, nil
}

// visible drives call at the steady rate and returns how long after each acknowledgement the count had reached it.
func visible(ctx context.Context, call func(context.Context, int) error, count func() (int64, error)) ([]time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, steadyFor+30*time.Second)
	defer cancel()
	acknowledged, failed := steady(ctx, call)
	var latencies []time.Duration
	finished := false
	for {
		n, err := count()
		now := time.Now()
		if err != nil {
			return nil, err
		}
		done := acknowledged()
		for len(latencies) < min(int(n), len(done)) {
			latencies = append(latencies, max(0, now.Sub(done[len(latencies)])))
		}
		if finished && len(latencies) == len(done) {
			return latencies, nil
		}
		select {
		case err, open := <-failed:
			if err != nil {
				return nil, err
			}
			if !open {
				finished, failed = true, nil
			}
		case <-ctx.Done():
			return nil, fmt.Errorf("%d of %d took effect: %w", len(latencies), len(done), ctx.Err())
		case <-time.After(look):
		}
	}
}

// throughput measures how fast a backlog takes effect at the centre, beside a bare publish and batched insert of as much.
func throughput(ctx context.Context, w *world) (Result, error) {
	c, err := newCentre(ctx, w)
	if err != nil {
		return Result{}, err
	}
	defer c.close()
	pool, err := pg.Connect(ctx, w.net.Env("intake.cremona")["PARI_DATABASE_URL"])
	if err != nil {
		return Result{}, err
	}
	defer pool.Close()
	bare, err := startBare(ctx, w)
	if err != nil {
		return Result{}, err
	}
	defer bare.stop()
	o, f, _, err := alternate(3, func() (round, error) { return drain(ctx, c, pool) }, func() (round, error) { return bare.drain(ctx) })
	if err != nil {
		return Result{}, err
	}
	return Result{Unit: "events/s", Ours: o, Floor: f, Conditions: fmt.Sprintf(
		"backlog of %d events, 3 rounds, medians: numbered, signed, leaf, hub with sync on every write, inbox, facts and cells; floor: JetStream publish with the same sync, insert in batches of 256", backlog)}, nil
}

// drain leaves a backlog in the outbox and waits until the centre has it.
func drain(ctx context.Context, c *centre, pool *pgxpool.Pool) (round, error) {
	base, err := c.settled(ctx)
	if err != nil {
		return round{}, err
	}
	data, err := event()
	if err != nil {
		return round{}, err
	}
	err = pg.InTenant(ctx, pool, "cremona", func(ctx context.Context, tx pgx.Tx) error {
		b := &pgx.Batch{}
		for range backlog {
			e := outbox.Event{Node: "cremona", Type: "it.pari.report.counted.v1", Aggregate: uuid.NewString(), AggregateSeq: 1, Data: data}
			if err := outbox.Queue(ctx, b, e); err != nil {
				return err
			}
		}
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return round{}, err
	}
	from := time.Now()
	for {
		n, err := c.applied(ctx)
		if err != nil {
			return round{}, err
		}
		if n-base >= backlog {
			return round{perSecond: backlog / time.Since(from).Seconds()}, nil
		}
		if time.Since(from) > 2*time.Minute {
			return round{}, fmt.Errorf("only %d of %d events took effect", n-base, backlog)
		}
		wait(ctx, look)
	}
}

func event() ([]byte, error) {
	now := time.Now()
	data, err := proto.Marshal(&eventsv1.ReportCounted{
		Month: &recordv1.Month{Year: int32(now.Year()), Month: int32(now.Month())}, Channel: "WEB_FORM", ReporterRole: "WITNESS", Anonymous: true,
	})
	if err != nil {
		return nil, fmt.Errorf("event: %w", err)
	}
	return data, nil
}
