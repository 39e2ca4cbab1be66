package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	feedv1 "github.com/retepari/pari/proto/gen/pari/feed/v1"
)

func TestRelay_sends_all_in_order(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.config()
	c.Batch = 64
	r, _ := b.start(c)
	b.writeMany(1000)
	bustest.Eventually(t, func() bool { return r.Status().Published == 1000 })
	b.want(check(b.net.Keys(), b.stream()), verdict{events: 1000})
	if s := r.Status(); !s.Leading || s.LastSeq != 1000 || s.Blocked != "" {
		t.Fatalf("status is %+v", s)
	}
}

// Ensure that the checker used by the tests of this package sees what it is there for.
func TestCheck_sees_planted_faults(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r, _ := b.start(b.config())
	b.writeMany(30)
	bustest.Eventually(t, func() bool { return r.Status().Published == 30 })
	keys, good := b.net.Keys(), b.stream()
	at := func(change func([]bus.Event) []bus.Event) verdict {
		return check(keys, change(append([]bus.Event(nil), good...)))
	}
	for name, c := range map[string]struct {
		got  verdict
		seen func(verdict) bool
	}{
		"nothing":   {at(func(e []bus.Event) []bus.Event { return e }), func(v verdict) bool { return v == verdict{events: 30} }},
		"lost":      {at(func(e []bus.Event) []bus.Event { return append(e[:9], e[10:]...) }), func(v verdict) bool { return v.missing == 1 }},
		"doubled":   {at(func(e []bus.Event) []bus.Event { return append(e, e[3]) }), func(v verdict) bool { return v.again == 1 && v.broken == 0 }},
		"swapped":   {at(func(e []bus.Event) []bus.Event { e[4], e[5] = e[5], e[4]; return e }), func(v verdict) bool { return v.disorder == 1 }},
		"tampered":  {at(func(e []bus.Event) []bus.Event { e[4].Data = []byte("x"); return e }), func(v verdict) bool { return v.broken > 0 }},
		"renumber":  {at(func(e []bus.Event) []bus.Event { e[4].AggregateSeq++; return e }), func(v verdict) bool { return v.broken > 0 }},
		"two of it": {at(func(e []bus.Event) []bus.Event { x := e[4]; x.Data = []byte("x"); return append(e, x) }), func(v verdict) bool { return v.broken > 0 }},
	} {
		if !c.seen(c.got) {
			t.Errorf("%s: %+v", name, c.got)
		}
	}
}

func TestRelay_finds_a_late_commit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r, _ := b.start(b.config())
	ctx := t.Context()
	tx, err := b.pool.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	if _, err := tx.Exec(ctx, pg.SetTenant, line.Node); err != nil {
		t.Fatal(err)
	}
	if err := outbox.Append(ctx, tx, outbox.Event{Node: line.Node, Type: eventType, Aggregate: "late", AggregateSeq: 1}); err != nil {
		t.Fatal(err)
	}
	b.writeMany(10) // ids above the one that is not committed
	bustest.Eventually(t, func() bool { return r.Status().Published == 10 })
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	r.Wake()
	bustest.Eventually(t, func() bool { return r.Status().Published == 11 })
	b.want(check(b.net.Keys(), b.stream()), verdict{events: 11})
}

func TestRelay_crash_between_publish_and_mark(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.config()
	c.Batch = 16
	var relay atomic.Pointer[func()]
	var crashes atomic.Int32
	for round := range int64(10) {
		ctx, cancel := context.WithCancel(t.Context())
		crash := func() { cancel() }
		relay.Store(&crash)
		c.AfterPublish = func(nodeSeq int64) {
			if nodeSeq >= round*7+3 && ctx.Err() == nil {
				crashes.Add(1)
				(*relay.Load())()
			}
		}
		r, err := outbox.NewRelay(c)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		b.writeMany(10)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	c.AfterPublish = nil
	r, _ := b.start(c)
	bustest.Eventually(t, func() bool { s := r.Status(); return s.Published == 100 })
	if crashes.Load() != 10 {
		t.Fatalf("crashed %d times, wants 10", crashes.Load())
	}
	// The hub knows the ids for ten minutes: what was published twice is there once.
	b.want(check(b.net.Keys(), b.stream()), verdict{events: 100})
}

func TestRelay_only_one_leads(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, _ := b.start(b.config())
	second, _ := b.start(b.config())
	leads := func() int {
		n := 0
		for _, r := range []*outbox.Relay{first, second} {
			if r.Status().Leading {
				n++
			}
		}
		return n
	}
	bustest.Eventually(t, func() bool { return leads() == 1 })
	total := 0
	// Ensure that the other takes over whenever the leader loses its connection, and that nothing is lost or doubled by it.
	for range 4 {
		b.writeMany(50)
		total += 50
		var ended int
		err := b.pool.QueryRow(t.Context(), `select count(*) filter (where pg_terminate_backend(pid)) from pg_locks
			where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`).Scan(&ended)
		if err != nil || ended != 1 {
			t.Fatalf("ended %d leaders, %v", ended, err)
		}
		b.writeMany(50)
		total += 50
		bustest.Eventually(t, func() bool {
			return leads() == 1 && max(first.Status().Published, second.Status().Published) == int64(total)
		})
	}
	b.want(check(b.net.Keys(), b.stream()), verdict{events: total})
}

func TestRelay_waits_at_an_event_that_the_hub_refuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	nc := b.net.Centre("reporting")
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(t.Context(), bus.StreamName)
	if err != nil {
		t.Fatal(err)
	}
	allow := func(size int32) {
		conf := s.CachedInfo().Config
		conf.MaxMsgSize = size
		if _, err := js.UpdateStream(t.Context(), conf); err != nil {
			t.Fatal(err)
		}
	}
	allow(4096)
	for i := range 10 {
		data := []byte("small")
		if i == 5 {
			data = []byte(strings.Repeat("x", 8000))
		}
		if err := write(t.Context(), b.pool, line.Node, "a", data); err != nil {
			t.Fatal(err)
		}
	}
	r, _ := b.start(b.config())
	// Ensure that what comes before goes, and what comes after waits: skipping would lose it without a word.
	bustest.Eventually(t, func() bool { return r.Status().Blocked == outbox.BlockedRefused })
	if s := r.Status(); s.Published != 5 || s.LastSeq != 10 || s.OldestAge <= 0 {
		t.Fatalf("status is %+v", s)
	}
	b.want(check(b.net.Keys(), b.stream()), verdict{events: 5})
	// Ensure that the line goes on by itself once the cause is gone.
	allow(bus.MaxMsgSize)
	bustest.Eventually(t, func() bool { return r.Status().Published == 10 && r.Status().Blocked == "" })
	b.want(check(b.net.Keys(), b.stream()), verdict{events: 10})
}

func TestRelay_announces_itself(t *testing.T) {
	t.Parallel()
	b := setup(t)
	heard, err := b.net.Centre("reporting").SubscribeSync(bus.AllHeartbeats)
	if err != nil {
		t.Fatal(err)
	}
	b.start(b.config())
	b.writeMany(20)
	keys := b.net.Keys()
	bustest.Eventually(t, func() bool {
		m, err := heard.NextMsg(5 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		from, err := bus.ParseHeartbeatSubject(m.Subject)
		if err != nil || from != line {
			t.Fatalf("heartbeat of %v, %v", from, err)
		}
		var h feedv1.Heartbeat
		if err := bus.VerifyMessage(m, from.Owner(), keys, &h); err != nil {
			t.Fatal(err)
		}
		return h.GetLastSeq() == 20 && h.GetPending() == 0 && h.GetSource() == "intake"
	})
}

func TestRelay_serves_several_tenants_apart(t *testing.T) {
	t.Parallel()
	b := setup(t, bustest.Cremona, bustest.Cuneo)
	cuneo := bus.Partition{Region: "piemonte", Node: "cuneo", Source: "intake"}
	c := b.config()
	first, _ := b.start(c)
	c.Partition, c.Conn, c.Signer = cuneo, b.net.Connect(bustest.Cuneo, "intake"), b.net.Signer("piemonte.cuneo")
	second, _ := b.start(c)
	for i := range 60 {
		for _, node := range []string{"cremona", "cuneo"} {
			if err := write(t.Context(), b.pool, node, fmt.Sprint("a", i%3), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	bustest.Eventually(t, func() bool { return first.Status().Published == 60 && second.Status().Published == 60 })
	per := map[bus.Partition][]bus.Event{}
	for _, e := range b.stream() {
		per[e.Partition] = append(per[e.Partition], e)
	}
	for _, l := range []bus.Partition{line, cuneo} {
		b.want(check(b.net.Keys(), per[l]), verdict{events: 60})
	}
}

// Ensure that a service with a line per region keeps and sends each by itself, though the lines have one node.
func TestRelay_sends_what_is_its_tenants(t *testing.T) {
	t.Parallel()
	b := setup(t)
	per := map[bus.Partition]*outbox.Relay{}
	for _, region := range []string{"lombardia", "piemonte"} {
		b.net.AddKey(region + ".centre")
		c := b.config()
		c.Partition, c.Tenant = bus.Partition{Region: region, Node: "centre", Source: "directory"}, region
		c.Conn, c.Signer = b.net.Centre("directory"), b.net.Signer(region+".centre")
		per[c.Partition], _ = b.start(c)
	}
	for i := range 30 {
		for _, region := range []string{"lombardia", "piemonte"} {
			if err := write(t.Context(), b.pool, region, fmt.Sprint("a", i%3), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	sent := map[bus.Partition][]bus.Event{}
	for l, r := range per {
		r.Wake()
		bustest.Eventually(t, func() bool { return r.Status().Published == 30 })
		sent[l] = nil
	}
	for _, e := range b.stream() {
		sent[e.Partition] = append(sent[e.Partition], e)
	}
	for l := range per {
		b.want(check(b.net.Keys(), sent[l]), verdict{events: 30})
	}
	if len(sent) != 2 {
		t.Errorf("%d lines have sent", len(sent))
	}
}

func TestAppend(t *testing.T) {
	t.Parallel()
	b := setup(t)
	good := outbox.Event{Node: line.Node, Type: eventType, Aggregate: "a", AggregateSeq: 1, Data: []byte("x")}
	try := func(e outbox.Event) error {
		return pg.InTenant(t.Context(), b.pool, line.Node, func(ctx context.Context, tx pgx.Tx) error { return outbox.Append(ctx, tx, e) })
	}
	for name, change := range map[string]func(*outbox.Event){
		"type of somebody else": func(e *outbox.Event) { e.Type = "org.example.v1" },
		"node with a dot":       func(e *outbox.Event) { e.Node = "a.b" },
		"no aggregate":          func(e *outbox.Event) { e.Aggregate = "" },
		"no number":             func(e *outbox.Event) { e.AggregateSeq = 0 },
		"too long":              func(e *outbox.Event) { e.Data = make([]byte, outbox.MaxData+1) },
	} {
		t.Run(name, func(t *testing.T) {
			e := good
			change(&e)
			if err := try(e); !errors.Is(err, outbox.ErrEvent) {
				t.Fatalf("got %v, wants ErrEvent", err)
			}
			if err := outbox.Queue(t.Context(), &pgx.Batch{}, e); !errors.Is(err, outbox.ErrEvent) {
				t.Fatalf("got %v, wants ErrEvent", err)
			}
		})
	}
	if err := try(good); err != nil {
		t.Fatal(err)
	}
	// Ensure that a number drawn without the lock is noticed by the second writer.
	if err := try(good); !pg.ViolatesConstraint(err, "outbox_aggregate_seq") {
		t.Fatalf("got %v, wants a violation", err)
	}
	// Ensure that another tenant's event is refused, though the caller asks for it.
	good.Node = "cuneo"
	if err := try(good); err == nil {
		t.Fatal("an event of another tenant was written")
	}
}
