package outbox_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	feedv1 "github.com/retepari/pari/proto/gen/pari/feed/v1"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var line = bus.Partition{Region: "lombardia", Node: "cremona", Source: "intake"}

const eventType = "it.pari.report.counted.v1"

// migrate adds to the outbox what a service would have: aggregates with a sequence that is drawn under their lock.
func migrate(ctx context.Context, ownerURL string) error {
	if err := pg.Migrate(ctx, ownerURL, outbox.Schema); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, ownerURL)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, `create table thing (node text, name text, seq bigint not null, primary key (node, name))`)
	return err
}

type bundle struct {
	t    testing.TB
	net  *bustest.Network
	pool *pgxpool.Pool
}

func setup(t testing.TB, nodes ...bustest.Node) *bundle {
	t.Helper()
	if len(nodes) == 0 {
		nodes = []bustest.Node{bustest.Cremona}
	}
	return &bundle{t: t, pool: pgtest.New(t, "outbox", migrate).Pool(t), net: bustest.New(t, nodes...)}
}

func (b *bundle) config() outbox.Config {
	b.t.Helper()
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("PARI_TEST_LOG") != "" {
		log = slog.Default()
	}
	return outbox.Config{
		Partition: line, DB: b.pool, Conn: b.net.Connect(bustest.Cremona, "intake"), Signer: b.net.Signer("lombardia.cremona"), CentreKeys: b.net.Keys(),
		Log: log, Poll: 20 * time.Millisecond, Heartbeat: 100 * time.Millisecond, AckWait: time.Second, LeaseRetry: 20 * time.Millisecond, MaxBackoff: 100 * time.Millisecond,
	}
}

// start runs a relay until stop is called or the test ends.
func (b *bundle) start(c outbox.Config) (r *outbox.Relay, stop func()) {
	b.t.Helper()
	r, err := outbox.NewRelay(c)
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := r.Run(ctx); err != nil {
			b.t.Errorf("relay: %v", err)
		}
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	b.t.Cleanup(stop)
	return r, stop
}

// write appends one event to the aggregate, as a service does: lock, number, event, commit.
func write(ctx context.Context, pool *pgxpool.Pool, node, aggregate string, data []byte) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, pg.SetTenant, node); err != nil {
			return err
		}
		var seq int64
		err := tx.QueryRow(ctx, `insert into thing values ($1, $2, 1) on conflict (node, name) do update set seq = thing.seq + 1 returning seq`, node, aggregate).Scan(&seq)
		if err != nil {
			return err
		}
		return outbox.Append(ctx, tx, outbox.Event{Node: node, Type: eventType, Aggregate: aggregate, AggregateSeq: seq, Data: data})
	})
}

// writeMany lets several writers append n events over 20 aggregates.
func (b *bundle) writeMany(n int) {
	b.t.Helper()
	var wg sync.WaitGroup
	const writers = 8
	for w := range writers {
		wg.Go(func() {
			for i := w; i < n; i += writers {
				if err := write(context.Background(), b.pool, line.Node, fmt.Sprintf("a%02d", i%20), fmt.Appendf(nil, "event %d", i)); err != nil {
					b.t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// stream returns everything in the hub's stream, in its order.
func (b *bundle) stream() []bus.Event {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	nc := b.net.Centre("reporting")
	defer nc.Close()
	c, err := bus.EnsureConsumer(ctx, nc, "check-"+nuid.Next())
	if err != nil {
		b.t.Fatal(err)
	}
	var events []bus.Event
	for left := int(c.CachedInfo().NumPending); left > 0; {
		batch, err := c.Fetch(min(left, 500), jetstream.FetchMaxWait(5*time.Second))
		if err != nil {
			b.t.Fatal(err)
		}
		before := left
		for m := range batch.Messages() {
			e, err := bus.Parse(m.Subject(), m.Headers(), m.Data())
			if err != nil {
				b.t.Fatal(err)
			}
			events = append(events, e)
			_ = m.Ack()
			left--
		}
		if left == before {
			b.t.Fatalf("%d messages of the stream do not come: %v", left, batch.Error())
		}
	}
	return events
}

// verdict is what a checker of a line found. It knows nothing of how the relay works.
type verdict struct {
	events   int   // different events
	again    int   // copies of an event that came before
	missing  int64 // numbers that are not there
	disorder int   // events that came before one with a lower number
	broken   int   // wrong signature, previous hash, order within an aggregate, or two events with one number
}

// check reads a line as the centre does: by number, first copy counts.
func check(keys *bus.PublicKeys, events []bus.Event) verdict {
	var v verdict
	seen, highest := map[int64]bus.Event{}, int64(0)
	for _, e := range events {
		if first, ok := seen[e.NodeSeq]; ok {
			v.again++
			if first.Hash() != e.Hash() {
				v.broken++
			}
			continue
		}
		seen[e.NodeSeq] = e
		if e.NodeSeq < highest {
			v.disorder++
		}
		highest = max(highest, e.NodeSeq)
		if e.Verify(keys) != nil {
			v.broken++
		}
	}
	v.events, v.missing = len(seen), highest-int64(len(seen))
	aggregates, prev := map[string]int64{}, bus.Genesis
	for n := int64(1); n <= highest; n++ {
		e, ok := seen[n]
		if !ok {
			continue
		}
		if e.PrevHash != prev || e.AggregateSeq != aggregates[e.Subject]+1 {
			v.broken++
		}
		prev, aggregates[e.Subject] = e.Hash(), e.AggregateSeq
	}
	return v
}

func (b *bundle) want(got verdict, want verdict) {
	b.t.Helper()
	if got != want {
		b.t.Fatalf("line has %+v, wants %+v", got, want)
	}
}

// centre sends a watermark for the line.
func (b *bundle) centre(s *bus.Signer, w *feedv1.Watermark) {
	b.t.Helper()
	m, err := bus.SignMessage(line.WatermarkSubject(), w, s)
	if err != nil {
		b.t.Fatal(err)
	}
	nc := b.net.Centre("reporting")
	defer nc.Close()
	if err := nc.PublishMsg(m); err != nil {
		b.t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		b.t.Fatal(err)
	}
}
