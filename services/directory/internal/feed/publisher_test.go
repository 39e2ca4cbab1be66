package feed_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	eventsv1 "github.com/retepari/pari/proto/gen/pari/events/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/feed"
	"github.com/retepari/pari/services/directory/internal/store"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// env is a running publisher at the centre and a consumer at the hub.
type env struct {
	t         *testing.T
	net       *bustest.Network
	db        pgtest.DB
	publisher *feed.Publisher
	now       atomic.Pointer[time.Time]
	consumer  jetstream.Consumer
	received  map[string]int64 // number of sessions in the last event, by partition and aggregate
}

func setup(t *testing.T) *env {
	t.Helper()
	e := &env{
		t: t, net: bustest.New(t), db: pgtest.New(t, "directory", store.Migrate), received: map[string]int64{},
	}
	e.net.AnswerHeartbeats()
	e.setDay("2026-06-15")
	consumer, err := bus.EnsureConsumer(t.Context(), e.net.Centre("reporting"), "test")
	if err != nil {
		t.Fatal(err)
	}
	e.consumer = consumer
	e.start()
	return e
}

func (e *env) setDay(day string) {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		e.t.Fatal(err)
	}
	at = at.Add(12 * time.Hour)
	e.now.Store(&at)
}

// start runs a publisher until the test ends.
func (e *env) start() {
	e.t.Helper()
	e.publisher = feed.NewPublisher(feed.Config{
		DB: e.db.Pool(e.t), Conn: e.net.Centre("directory"), Signer: e.net.Signer(bus.CentreOwner),
		CentreKeys: e.net.Keys(), Log: slog.New(slog.DiscardHandler),
		Now:      func() time.Time { return *e.now.Load() },
		Interval: 100 * time.Millisecond, RetryInterval: 50 * time.Millisecond,
	})
	run := e.publisher.Run
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := run(ctx); err != nil {
			e.t.Error(err)
		}
	}()
	e.t.Cleanup(func() { cancel(); <-done })
}

func initiative(region, id string, days ...string) *directoryv1.Entry {
	i := &directoryv1.Initiative{InitiativeId: id, Region: region}
	for _, day := range days {
		i.Sessions = append(i.Sessions, &directoryv1.Session{Date: day})
	}
	e, err := entry.New(i)
	if err != nil {
		panic(err)
	}
	return e
}

// waitFor waits until the last event of each entry has the wanted number of sessions.
func (e *env) waitFor(want map[string]int64) {
	e.t.Helper()
	keys := e.net.Keys()
	for try := 0; !cmp.Equal(want, e.received); try++ {
		if try == 100 {
			e.t.Fatal(cmp.Diff(want, e.received))
		}
		m, err := e.consumer.Next(jetstream.FetchMaxWait(200 * time.Millisecond))
		if err != nil {
			continue
		}
		event, err := bus.Parse(m.Subject(), m.Headers(), m.Data())
		if err != nil {
			e.t.Fatal(err)
		}
		if err := keys.Verify(bus.CentreOwner, event.KeyID, event.Canonical(), event.Signature); err != nil {
			e.t.Errorf("not signed by the centre: %v", err)
		}
		var counted eventsv1.ActivityCounted
		if err := proto.Unmarshal(event.Data, &counted); err != nil {
			e.t.Fatal(err)
		}
		sum := int64(0)
		for _, r := range counted.GetRows() {
			sum += r.GetValue()
		}
		e.received[event.Partition.String()+" "+event.Subject] = sum
		_ = m.Ack()
	}
}

// countEvents returns how many events a region has written.
func (e *env) countEvents(region string) (n int) {
	e.t.Helper()
	centre := tenant.ID{Region: region, Node: tenant.CentreNode}
	err := pg.InTenant(e.t.Context(), e.db.Pool(e.t), centre, func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from outbox`).Scan(&n)
	})
	if err != nil {
		e.t.Fatal(err)
	}
	return n
}

// Ensure contributions reach the hub in the partition of their region and follow the entries and the calendar, that a
// new region gets a partition, and that a second publisher publishes nothing twice.
func TestPublisher_Run(t *testing.T) {
	t.Parallel()
	const lombardiaA, lombardiaB = "lombardia/centre/directory initiative.a", "lombardia/centre/directory initiative.b"
	const piemonteB, piemonteC = "piemonte/centre/directory initiative.b", "piemonte/centre/directory initiative.c"
	e := setup(t)
	e.publisher.SetSnapshot(store.Snapshot{Revision: 1, Entries: []*directoryv1.Entry{
		initiative("lombardia", "a", "2026-06-01", "2026-06-15", "2026-06-16"),
		initiative("lombardia", "b", "2026-06-16"),
	}})
	e.waitFor(map[string]int64{lombardiaA: 2})
	e.setDay("2026-06-16")
	e.waitFor(map[string]int64{lombardiaA: 3, lombardiaB: 1})
	a, b := initiative("lombardia", "a", "2026-06-01"), initiative("piemonte", "b", "2026-06-16")
	e.publisher.SetSnapshot(store.Snapshot{Revision: 2, Entries: []*directoryv1.Entry{a, b}})
	e.waitFor(map[string]int64{lombardiaA: 1, lombardiaB: 0, piemonteB: 1})

	e.start() // the first publisher still runs, with the older snapshot
	c := initiative("piemonte", "c", "2026-06-16")
	e.publisher.SetSnapshot(store.Snapshot{Revision: 3, Entries: []*directoryv1.Entry{a, b, c}})
	e.waitFor(map[string]int64{lombardiaA: 1, lombardiaB: 0, piemonteB: 1, piemonteC: 1})
	if n := e.countEvents("lombardia") + e.countEvents("piemonte"); n != 7 {
		t.Errorf("%d events were written, want 7", n)
	}
}

// Ensure a region whose name is not valid in a partition does not stop the others.
func TestPublisher_Run_SkipsAnInvalidRegion(t *testing.T) {
	t.Parallel()
	e := setup(t)
	e.publisher.SetSnapshot(store.Snapshot{Revision: 1, Entries: []*directoryv1.Entry{
		initiative("Atlantis!", "a", "2026-06-15"), initiative("lombardia", "a", "2026-06-15"),
	}})
	e.waitFor(map[string]int64{"lombardia/centre/directory initiative.a": 1})
	if n := e.countEvents("Atlantis!"); n != 0 {
		t.Errorf("%d events were written for an invalid region", n)
	}
}
