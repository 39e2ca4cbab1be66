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
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	eventsv1 "github.com/retepari/pari/proto/gen/pari/events/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/feed"
	"github.com/retepari/pari/services/directory/internal/store"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// bundle is a centre's directory that publishes, and an ear at the hub.
type bundle struct {
	t     *testing.T
	net   *bustest.Network
	db    pgtest.DB
	feed  *feed.Publisher
	stop  func()
	today atomic.Pointer[time.Time]
	ear   jetstream.Consumer
	heard map[string]int64 // sessions held, by line and subject
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{t: t, net: bustest.New(t), db: pgtest.New(t, "directory", store.Migrate), heard: map[string]int64{}}
	b.setDay("2026-06-15")
	ear, err := bus.EnsureConsumer(t.Context(), b.net.Centre("reporting"), "ear")
	if err != nil {
		t.Fatal(err)
	}
	b.ear = ear
	b.stop = b.start()
	return b
}

func (b *bundle) setDay(day string) {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		b.t.Fatal(err)
	}
	at = at.Add(12 * time.Hour)
	b.today.Store(&at)
}

// start publishes until stop is called or the test ends.
func (b *bundle) start() (stop func()) {
	b.t.Helper()
	b.feed = feed.New(feed.Config{
		DB: b.db.Pool(b.t), Conn: b.net.Centre("directory"), Signer: b.net.Signer(bus.CentreOwner), CentreKeys: b.net.Keys(), Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return *b.today.Load() }, Interval: 100 * time.Millisecond, RetryInterval: 50 * time.Millisecond,
	})
	run := b.feed.Run
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := run(ctx); err != nil {
			b.t.Error(err)
		}
	}()
	stop = func() { cancel(); <-done }
	b.t.Cleanup(stop)
	return stop
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

// hears waits until the last word on each entry is what is wanted.
func (b *bundle) hears(want map[string]int64) {
	b.t.Helper()
	public := b.net.Keys()
	for try := 0; !cmp.Equal(want, b.heard); try++ {
		if try == 100 {
			b.t.Fatal(cmp.Diff(want, b.heard))
		}
		m, err := b.ear.Next(jetstream.FetchMaxWait(200 * time.Millisecond))
		if err != nil {
			continue
		}
		e, err := bus.Parse(m.Subject(), m.Headers(), m.Data())
		if err != nil {
			b.t.Fatal(err)
		}
		if err := public.Verify(bus.CentreOwner, e.KeyID, e.Canonical(), e.Signature); err != nil {
			b.t.Errorf("not signed by the centre: %v", err)
		}
		var said eventsv1.ActivityCounted
		if err := proto.Unmarshal(e.Data, &said); err != nil {
			b.t.Fatal(err)
		}
		sum := int64(0)
		for _, r := range said.GetRows() {
			sum += r.GetValue()
		}
		b.heard[e.Partition.String()+" "+e.Subject] = sum
		_ = m.Ack()
	}
}

// Ensure that what entries count is heard on the line of their region, that it follows them and the calendar, that a region
// which appears later has its line too, and that who starts again says nothing twice.
func TestFeed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.feed.SetSnapshot(store.Snapshot{Revision: 1, Entries: []*directoryv1.Entry{initiative("lombardia", "a", "2026-06-01", "2026-06-15", "2026-06-16"), initiative("lombardia", "b", "2026-06-16")}})
	b.hears(map[string]int64{"lombardia/centre/directory initiative.a": 2})
	b.setDay("2026-06-16")
	b.hears(map[string]int64{"lombardia/centre/directory initiative.a": 3, "lombardia/centre/directory initiative.b": 1})
	b.feed.SetSnapshot(store.Snapshot{Revision: 2, Entries: []*directoryv1.Entry{initiative("lombardia", "a", "2026-06-01"), initiative("piemonte", "b", "2026-06-16")}})
	want := map[string]int64{
		"lombardia/centre/directory initiative.a": 1, "lombardia/centre/directory initiative.b": 0, "piemonte/centre/directory initiative.b": 1,
	}
	b.hears(want)

	b.start() // the first one goes on, with older entries: it takes nothing back
	b.feed.SetSnapshot(store.Snapshot{Revision: 3, Entries: []*directoryv1.Entry{initiative("lombardia", "a", "2026-06-01"), initiative("piemonte", "b", "2026-06-16"), initiative("piemonte", "c", "2026-06-16")}})
	want["piemonte/centre/directory initiative.c"] = 1
	b.hears(want)
	written := 0
	for _, region := range []string{"lombardia", "piemonte"} {
		err := pg.InTenant(t.Context(), b.db.Pool(t), region, func(ctx context.Context, tx pgx.Tx) error {
			n := 0
			err := tx.QueryRow(ctx, `select count(*) from outbox`).Scan(&n)
			written += n
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if written != 7 {
		t.Errorf("%d events were written, want one for each word", written)
	}
}
