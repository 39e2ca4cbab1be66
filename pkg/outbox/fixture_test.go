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
	"github.com/retepari/pari/pkg/tenant"
	feedv1 "github.com/retepari/pari/proto/gen/pari/feed/v1"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// partition is the one that most tests send.
var partition = bus.Partition{Tenant: bustest.Cremona, Source: "intake"}

// livo and trentinoLivo differ by region alone, as homonyms do.
var (
	livo         = tenant.ID{Region: "lombardia", Node: "livo"}
	trentinoLivo = tenant.ID{Region: "trentino", Node: "livo"}
)

const eventType = "it.pari.report.counted.v1"

const createThing = `create table thing (tenant text, name text, seq bigint not null, primary key (tenant, name))`

// migrate creates the outbox and, like a service, a table of aggregates whose sequence is drawn under their lock.
func migrate(ctx context.Context, ownerURL string) error {
	if err := migrateOutbox(ctx, ownerURL); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, ownerURL)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, createThing)
	return err
}

func migrateOutbox(ctx context.Context, ownerURL string) error {
	return pg.Migrate(ctx, ownerURL, outbox.Schema)
}

// env is a service's database and a network of brokers.
type env struct {
	t        testing.TB
	net      *bustest.Network
	db       *pgxpool.Pool
	ownerURL string
}

// newEnv starts a network with the given nodes, or with Cremona, and a centre that confirms every relay.
func newEnv(t testing.TB, nodes ...tenant.ID) *env {
	t.Helper()
	e := newSilentEnv(t, nodes...)
	e.net.AnswerHeartbeats()
	return e
}

// newSilentEnv is newEnv without the centre.
func newSilentEnv(t testing.TB, nodes ...tenant.ID) *env {
	t.Helper()
	if len(nodes) == 0 {
		nodes = []tenant.ID{bustest.Cremona}
	}
	db := pgtest.New(t, "outbox", migrate)
	return &env{t: t, db: db.Pool(t), ownerURL: db.OwnerURL, net: bustest.New(t, nodes...)}
}

// asOwner runs a statement as the owner of the tables.
func (e *env) asOwner(sql string) {
	e.t.Helper()
	conn, err := pgx.Connect(e.t.Context(), e.ownerURL)
	if err != nil {
		e.t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(e.t.Context(), sql); err != nil {
		e.t.Fatal(err)
	}
}

// config returns the configuration of a relay that polls and retries quickly.
func (e *env) config() outbox.Config {
	e.t.Helper()
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("PARI_TEST_LOG") != "" {
		log = slog.Default()
	}
	return outbox.Config{
		Partition: partition, DB: e.db, Conn: e.net.Connect(bustest.Cremona, "intake"),
		Signer: e.net.Signer("lombardia.cremona"), CentreKeys: e.net.Keys(), Log: log,
		Poll: 20 * time.Millisecond, Heartbeat: 100 * time.Millisecond, AckWait: time.Second,
		LeaseRetry: 20 * time.Millisecond, MaxBackoff: 100 * time.Millisecond,
	}
}

// start runs a relay until stop is called or the test ends.
func (e *env) start(c outbox.Config) (r *outbox.Relay, stop func()) {
	e.t.Helper()
	r, err := outbox.NewRelay(c)
	if err != nil {
		e.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := r.Run(ctx); err != nil {
			e.t.Errorf("relay: %v", err)
		}
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	e.t.Cleanup(stop)
	return r, stop
}

const drawSequence = `insert into thing values ($1, $2, 1)
	on conflict (tenant, name) do update set seq = thing.seq + 1 returning seq`

// appendEvent appends an event to an aggregate as a service does: lock, number, event, commit.
func (e *env) appendEvent(of tenant.ID, aggregate string, data []byte) error {
	return pg.InTenant(context.Background(), e.db, of, func(ctx context.Context, tx pgx.Tx) error {
		var seq int64
		if err := tx.QueryRow(ctx, drawSequence, of, aggregate).Scan(&seq); err != nil {
			return err
		}
		return outbox.Append(ctx, tx, outbox.Event{
			Tenant: of, Type: eventType, Aggregate: aggregate, AggregateSeq: seq, Data: data,
		})
	})
}

// appendMany appends n events to 20 aggregates, from several goroutines.
func (e *env) appendMany(n int) {
	e.t.Helper()
	var wg sync.WaitGroup
	const writers = 8
	for w := range writers {
		wg.Go(func() {
			for i := w; i < n; i += writers {
				aggregate, data := fmt.Sprintf("a%02d", i%20), fmt.Appendf(nil, "event %d", i)
				if err := e.appendEvent(partition.Tenant, aggregate, data); err != nil {
					e.t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// partitionColumn reads a column of outbox_partition.
func (e *env) partitionColumn(column string) (n int64) {
	e.t.Helper()
	err := pg.InTenant(e.t.Context(), e.db, partition.Tenant, func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select `+column+` from outbox_partition where tenant = $1`, partition.Tenant).Scan(&n)
	})
	if err != nil {
		e.t.Fatal(err)
	}
	return n
}

const selectHashes = `select o.node_seq, n.prev_hash from outbox o join outbox n on n.node_seq = o.node_seq + 1
	union all select last_seq, last_hash from outbox_partition`

// hashAt returns the hash of the event with a number, or zeros.
func (e *env) hashAt(seq int64) (hash bus.Hash) {
	e.t.Helper()
	err := pg.InTenant(e.t.Context(), e.db, partition.Tenant, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectHashes)
		if err != nil {
			return err
		}
		var n int64
		var b []byte
		_, err = pgx.ForEachRow(rows, []any{&n, &b}, func() error {
			if n == seq {
				hash = bus.Hash(b)
			}
			return nil
		})
		return err
	})
	if err != nil {
		e.t.Fatal(err)
	}
	return hash
}

// sendWatermark sends a watermark for the partition, signed by the centre. Without a hash it gets the right one.
func (e *env) sendWatermark(w *feedv1.Watermark) {
	e.t.Helper()
	if w.GetAcknowledgedHash() == nil {
		hash := e.hashAt(w.GetAcknowledgedSeq())
		w.AcknowledgedHash = hash[:]
	}
	m, err := bus.SignMessage(partition.WatermarkSubject(), w, e.net.Signer(bus.CentreOwner))
	if err != nil {
		e.t.Fatal(err)
	}
	nc := e.net.Centre("reporting")
	defer nc.Close()
	if err := nc.PublishMsg(m); err != nil {
		e.t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		e.t.Fatal(err)
	}
}

// stream returns all events of the hub's stream, in its order.
func (e *env) stream() []bus.Event {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	nc := e.net.Centre("reporting")
	defer nc.Close()
	c, err := bus.EnsureConsumer(ctx, nc, "check-"+nuid.Next())
	if err != nil {
		e.t.Fatal(err)
	}
	var events []bus.Event
	for left := int(c.CachedInfo().NumPending); left > 0; {
		batch, err := c.Fetch(min(left, 500), jetstream.FetchMaxWait(5*time.Second))
		if err != nil {
			e.t.Fatal(err)
		}
		before := left
		for m := range batch.Messages() {
			event, err := bus.Parse(m.Subject(), m.Headers(), m.Data())
			if err != nil {
				e.t.Fatal(err)
			}
			events = append(events, event)
			_ = m.Ack()
			left--
		}
		if left == before {
			e.t.Fatalf("%d messages of the stream were not delivered: %v", left, batch.Error())
		}
	}
	return events
}

// expectStream checks that the stream holds the events of the partition as want says.
func (e *env) expectStream(want summary) {
	e.t.Helper()
	e.expect(e.stream(), want)
}

func (e *env) expect(events []bus.Event, want summary) {
	e.t.Helper()
	if got := summarize(e.net.Keys(), events); got != want {
		e.t.Fatalf("the stream holds %+v, want %+v", got, want)
	}
}
