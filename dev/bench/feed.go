package bench

import (
	"context"
	"fmt"
	"slices"
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
	feedRounds    = 3
	steadyRate    = 200  // events per second
	steadyEvents  = 2000 // of one round
	backlog       = 5000 // events of one round
	look          = 10 * time.Millisecond
	reportCounted = "it.pari.report.counted.v1"
)

// centre tells how many events of the node's intake have taken effect.
type centre struct {
	client reportingv1.ReportingServiceClient
	close  func()
}

func newCentre(ctx context.Context, w *world) (*centre, error) {
	a := w.net.Client()
	token, _, err := a.SignIn(ctx, "analyst")
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

// until looks until the count has come to n, for at most two minutes.
func until(ctx context.Context, n int64, count func(context.Context) (int64, error)) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		now, err := count(ctx)
		if err != nil || now >= n {
			return err
		}
		if wait(ctx, look); ctx.Err() != nil {
			return fmt.Errorf("%d of %d events took effect: %w", now, n, ctx.Err())
		}
	}
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// steady starts one call per tick at the steady rate, late or not, and returns when each was done, in that order.
func steady(ctx context.Context, call func(context.Context, int) error) (func() []time.Time, <-chan error) {
	var mu sync.Mutex
	var done []time.Time
	failed := make(chan error, 1)
	go func() {
		defer close(failed)
		var wg sync.WaitGroup
		defer wg.Wait()
		began := time.Now()
		for i := range steadyEvents {
			if wait(ctx, time.Until(began.Add(time.Duration(i)*time.Second/steadyRate))); ctx.Err() != nil {
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
				mu.Lock()
				defer mu.Unlock()
				done = append(done, time.Now())
			})
		}
	}()
	return func() []time.Time { mu.Lock(); defer mu.Unlock(); return slices.Clone(done) }, failed
}

// endToEnd measures the time from an acknowledged report to its event having taken effect at the centre, beside a bare
// publish and insert at the same rate.
func endToEnd(ctx context.Context, w *world) (Result, error) {
	call, hangUp, err := w.submitter(1)
	if err != nil {
		return Result{}, err
	}
	defer hangUp()
	bare, err := startBare(ctx, w)
	if err != nil {
		return Result{}, err
	}
	defer bare.stop()
	o, f, latencies, err := alternate(feedRounds,
		func() (round, error) { return visible(ctx, call, w.centre.applied) },
		func() (round, error) {
			if err := w.settle(ctx); err != nil {
				return round{}, err
			}
			return visible(ctx, bare.publish, bare.inserted)
		})
	if err != nil {
		return Result{}, err
	}
	return Result{
		Unit: fmt.Sprintf("ms at %d events/s", steadyRate), Ours: o, Floor: f, Ratio: f / o,
		P50: percentile(latencies, 50), P95: percentile(latencies, 95), P99: percentile(latencies, 99),
		Conditions: fmt.Sprintf("p99 of the time from acknowledgement to visible, %d rounds of %d events at %d/s each in turns, medians; ours: report acknowledged to event applied, asked of the centre by an analyst's call, %s between calls; floor: JetStream publish acknowledged (bare broker, file store, sync always, no TLS) to batch inserted, %s between looks at a counter in memory; ratio = floor/ours",
			feedRounds, steadyEvents, steadyRate, look, look),
	}, nil
}

// visible drives call at the steady rate and sees how long after the k-th acknowledgement the count had risen by k. Its
// figure is the p99 in milliseconds.
func visible(ctx context.Context, call func(context.Context, int) error, count func(context.Context) (int64, error)) (round, error) {
	ctx, cancel := context.WithTimeout(ctx, steadyEvents/steadyRate*time.Second+30*time.Second)
	defer cancel()
	base, err := count(ctx)
	if err != nil {
		return round{}, err
	}
	acknowledged, failed := steady(ctx, call)
	var latencies []time.Duration
	for len(latencies) < steadyEvents {
		n, err := count(ctx)
		now := time.Now()
		if err != nil {
			return round{}, err
		}
		done := acknowledged()
		for len(latencies) < min(int(n-base), len(done)) {
			latencies = append(latencies, max(0, now.Sub(done[len(latencies)])))
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
			return round{}, fmt.Errorf("%d of %d acknowledged events took effect: %w", len(latencies), len(done), ctx.Err())
		case <-time.After(look):
		}
	}
	return round{figure: percentile(latencies, 99), latencies: latencies}, nil
}

// throughput measures how fast a backlog takes effect at the centre, beside a bare publish and batched insert of as much.
func throughput(ctx context.Context, w *world) (Result, error) {
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
	o, f, _, err := alternate(w.rounds,
		func() (round, error) { return drain(ctx, w, pool) },
		func() (round, error) {
			if err := w.settle(ctx); err != nil {
				return round{}, err
			}
			return bare.drain(ctx)
		})
	if err != nil {
		return Result{}, err
	}
	return Result{Unit: "events/s", Ours: o, Floor: f, Conditions: fmt.Sprintf(
		"backlog of %d events, %d rounds each in turns, medians, %s between looks; ours: from their commit in the outbox to applied (up to 250 ms until the relay looks, numbered, signed, leaf, hub with sync always and batches published as one, verified, inbox, facts, cells); floor: messages of the same bytes published one by one without waiting, %d unanswered at most, to a bare broker (file store, sync always, no TLS), inserted in batches of at most %d",
		backlog, w.rounds, look, window, window)}, nil
}

// drain leaves a backlog in the outbox and waits until the centre has it.
func drain(ctx context.Context, w *world, pool *pgxpool.Pool) (round, error) {
	data, err := event()
	if err != nil {
		return round{}, err
	}
	err = pg.InTenant(ctx, pool, "cremona", func(ctx context.Context, tx pgx.Tx) error {
		b := &pgx.Batch{}
		for range backlog {
			e := outbox.Event{Node: "cremona", Type: reportCounted, Aggregate: uuid.NewString(), AggregateSeq: 1, Data: data}
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
	w.sent.Add(backlog)
	if err := w.settle(ctx); err != nil {
		return round{}, err
	}
	return round{figure: backlog / time.Since(from).Seconds()}, nil
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
