package outbox_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
	feedv1 "github.com/retepari/pari/proto/gen/pari/feed/v1"
)

func TestRelay_SendsInOrder(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	c := e.config()
	c.Batch = 64
	r, _ := e.start(c)
	e.appendMany(1000)
	bustest.Eventually(t, func() bool { return r.Status().Published == 1000 })
	e.expectStream(summary{events: 1000})
	bustest.Eventually(t, func() bool { return e.partitionColumn("published_seq") == 1000 })
	bustest.Eventually(t, func() bool { return r.Status().Pending == 0 })
	if s := r.Status(); !s.Leading || s.LastSeq != 1000 || s.Blocked != "" || s.OldestAge != 0 {
		t.Fatalf("status is %+v", s)
	}
}

// Ensure an event that commits late, after events with higher ids were sent, is sent too.
func TestRelay_FindsALateCommit(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	r, _ := e.start(e.config())
	ctx := t.Context()
	tx, err := e.db.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	if _, err := tx.Exec(ctx, pg.SetTenant, partition.Tenant); err != nil {
		t.Fatal(err)
	}
	late := outbox.Event{Tenant: partition.Tenant, Type: eventType, Aggregate: "late", AggregateSeq: 1}
	if err := outbox.Append(ctx, tx, late); err != nil {
		t.Fatal(err)
	}
	e.appendMany(10)
	bustest.Eventually(t, func() bool { return r.Status().Published == 10 })
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	r.Wake()
	bustest.Eventually(t, func() bool { return r.Status().Published == 11 })
	e.expectStream(summary{events: 11})
}

// Ensure Wake makes the relay read the outbox at once, without waiting for its poll.
func TestRelay_Wake(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	c := e.config()
	c.Poll, c.Heartbeat = time.Hour, time.Hour
	r, _ := e.start(c)
	bustest.Eventually(t, func() bool { return r.Status().Leading })
	for range 3 { // it never blocks
		r.Wake()
	}
	for n := range int64(3) {
		if err := e.appendEvent(partition.Tenant, "a", nil); err != nil {
			t.Fatal(err)
		}
		r.Wake()
		bustest.Eventually(t, func() bool { return r.Status().Published == n+1 })
	}
}

const (
	// refuseOffset makes the database refuse every transaction that stores what the hub has acknowledged.
	refuseOffset = `create function refuse_offset() returns trigger language plpgsql
			as $$ begin raise exception 'refused'; end $$;
		create trigger refuse_offset before update on outbox_partition for each row
			when (new.published_seq > old.published_seq) execute function refuse_offset()`
	acceptOffset = `drop trigger refuse_offset on outbox_partition; drop function refuse_offset`
)

// Ensure a relay that stops after the hub has stored events, and before the database has recorded it, loses and
// duplicates none: the hub drops the copies by their ids.
func TestRelay_SurvivesACrashAfterPublishing(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	c := e.config()
	c.Batch = 16
	const rounds, events = 10, 10
	for round := range int64(rounds) {
		e.asOwner(refuseOffset)
		_, stop := e.start(c)
		e.appendMany(events)
		bustest.Eventually(t, func() bool { return len(e.stream()) > int(round)*events })
		stop()
		if n := e.partitionColumn("published_seq"); n > round*events {
			t.Fatalf("round %d: the database has recorded %d events", round, n)
		}
		e.asOwner(acceptOffset)
		r, stop := e.start(c)
		bustest.Eventually(t, func() bool { return r.Status().Published == (round+1)*events })
		stop()
	}
	e.expectStream(summary{events: rounds * events})
}

func leaders(relays ...*outbox.Relay) (n int) {
	for _, r := range relays {
		if r.Status().Leading {
			n++
		}
	}
	return n
}

const terminateLeader = `select count(*) filter (where pg_terminate_backend(pid)) from pg_locks
	where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`

// Ensure of two relays one leads, and the other takes over whenever the leader loses its connection.
func TestRelay_OnlyOneLeads(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	first, stopFirst := e.start(e.config())
	second, stopSecond := e.start(e.config())
	bustest.Eventually(t, func() bool { return leaders(first, second) == 1 })
	total := 0
	for range 4 {
		e.appendMany(50)
		total += 50
		var terminated int
		err := e.db.QueryRow(t.Context(), terminateLeader).Scan(&terminated)
		if err != nil || terminated != 1 {
			t.Fatalf("terminated %d leaders, %v", terminated, err)
		}
		e.appendMany(50)
		total += 50
		bustest.Eventually(t, func() bool {
			published := max(first.Status().Published, second.Status().Published)
			return leaders(first, second) == 1 && published == int64(total)
		})
	}
	e.expectStream(summary{events: total})
	// A leader that stops gives up the lease at once. The relay that waits is not blocked.
	stop, other := stopFirst, second
	if second.Status().Leading {
		stop, other = stopSecond, first
	}
	bustest.Eventually(t, func() bool { return other.Status().Blocked == "" })
	stop()
	bustest.Eventually(t, func() bool { return other.Status().Leading })
	if leaders(first, second) != 1 {
		t.Error("a stopped relay leads")
	}
}

// Ensure a relay reports that its database is away, and leads once it is back.
func TestRelay_ReportsALostDatabase(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	const forbid, allow = `revoke all on outbox_partition from pari_app`, `grant all on outbox_partition to pari_app`
	e.asOwner(forbid)
	r, _ := e.start(e.config())
	bustest.Eventually(t, func() bool { return r.Status().Blocked == outbox.BlockedDatabase })
	if r.Status().Leading {
		t.Error("a relay without its table leads")
	}
	e.asOwner(allow)
	bustest.Eventually(t, func() bool { s := r.Status(); return s.Leading && s.Blocked == "" })
	e.asOwner(forbid)
	bustest.Eventually(t, func() bool { s := r.Status(); return !s.Leading && s.Blocked == outbox.BlockedDatabase })
}

// Ensure an event that the hub refuses stops the partition: those before it are sent, those after it wait, and the
// partition goes on by itself once the cause is gone.
func TestRelay_WaitsAtARefusedEvent(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	js, err := jetstream.New(e.net.Centre("reporting"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(t.Context(), bus.StreamName)
	if err != nil {
		t.Fatal(err)
	}
	setMaxMsgSize := func(size int32) {
		conf := s.CachedInfo().Config
		conf.MaxMsgSize = size
		if _, err := js.UpdateStream(t.Context(), conf); err != nil {
			t.Fatal(err)
		}
	}
	setMaxMsgSize(4096)
	for i := range 10 {
		data := []byte("small")
		if i == 5 {
			data = []byte(strings.Repeat("x", 8000))
		}
		if err := e.appendEvent(partition.Tenant, "a", data); err != nil {
			t.Fatal(err)
		}
	}
	r, _ := e.start(e.config())
	bustest.Eventually(t, func() bool { return r.Status().Blocked == outbox.BlockedRefused })
	if s := r.Status(); s.Published != 5 || s.LastSeq != 10 || s.OldestAge <= 0 {
		t.Fatalf("status is %+v", s)
	}
	e.expectStream(summary{events: 5})
	setMaxMsgSize(bus.MaxMsgSize)
	bustest.Eventually(t, func() bool { return r.Status().Published == 10 && r.Status().Blocked == "" })
	e.expectStream(summary{events: 10})
}

// Ensure heartbeats report the last number and the pending events, signed by the node.
func TestRelay_SendsHeartbeats(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	heartbeats, err := e.net.Centre("reporting").SubscribeSync(bus.AllHeartbeats)
	if err != nil {
		t.Fatal(err)
	}
	keys := e.net.Keys()
	waitFor := func(lastSeq, pending int64) {
		t.Helper()
		bustest.Eventually(t, func() bool {
			m, err := heartbeats.NextMsg(5 * time.Second)
			if err != nil {
				t.Fatal(err)
			}
			from, err := bus.ParseHeartbeatSubject(m.Subject)
			if err != nil || from != partition {
				t.Fatalf("heartbeat of %v, %v", from, err)
			}
			var h feedv1.Heartbeat
			if err := bus.VerifyMessage(m, from.Owner(), keys, &h); err != nil {
				t.Fatal(err)
			}
			return h.GetLastSeq() == lastSeq && h.GetPending() == pending && h.GetSource() == "intake"
		})
	}
	_, stop := e.start(e.config())
	waitFor(0, 0)
	stop()
	e.appendMany(20)
	e.start(e.config()) // its first heartbeat comes before it numbers or sends anything
	waitFor(0, 20)
	waitFor(20, 0)
}

// Ensure each relay sends only the events of its partition, also when a node of another region has the same name.
func TestRelay_SeparatesNodes(t *testing.T) {
	t.Parallel()
	tenants := []tenant.ID{bustest.Cremona, livo, trentinoLivo}
	e := newEnv(t, tenants...)
	var relays []*outbox.Relay
	want := map[bus.Partition]summary{}
	for _, of := range tenants {
		c := e.config()
		c.Partition.Tenant, c.Conn, c.Signer = of, e.net.Connect(of, "intake"), e.net.Signer(bus.Owner(of))
		r, _ := e.start(c)
		relays, want[c.Partition] = append(relays, r), summary{events: 60}
	}
	e.appendAlternately(60, tenants...)
	for _, r := range relays {
		bustest.Eventually(t, func() bool { return r.Status().Published == 60 })
	}
	e.expectPartitions(want)
}

// Ensure a service with a partition per region stores and sends each by itself, though all have one node.
func TestRelay_SeparatesTenants(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	relays, want := map[bus.Partition]*outbox.Relay{}, map[bus.Partition]summary{}
	tenants := []tenant.ID{{Region: "lombardia", Node: "centre"}, {Region: "piemonte", Node: "centre"}}
	for _, of := range tenants {
		e.net.AddKey(bus.Owner(of))
		c := e.config()
		c.Partition = bus.Partition{Tenant: of, Source: "directory"}
		c.Conn, c.Signer = e.net.Centre("directory"), e.net.Signer(bus.Owner(of))
		relays[c.Partition], _ = e.start(c)
		want[c.Partition] = summary{events: 30}
	}
	e.appendAlternately(30, tenants...)
	for _, r := range relays {
		bustest.Eventually(t, func() bool { return r.Status().Published == 30 })
	}
	e.expectPartitions(want)
}

// appendAlternately appends n events for each tenant, in turn.
func (e *env) appendAlternately(n int, tenants ...tenant.ID) {
	e.t.Helper()
	for i := range n {
		for _, of := range tenants {
			if err := e.appendEvent(of, fmt.Sprint("a", i%3), nil); err != nil {
				e.t.Fatal(err)
			}
		}
	}
}

// expectPartitions checks the events of each partition in the stream, and that there are no others.
func (e *env) expectPartitions(want map[bus.Partition]summary) {
	e.t.Helper()
	got := map[bus.Partition][]bus.Event{}
	for _, event := range e.stream() {
		got[event.Partition] = append(got[event.Partition], event)
	}
	for p, s := range want {
		e.expect(got[p], s)
	}
	if len(got) != len(want) {
		e.t.Errorf("the stream holds %d partitions, want %d", len(got), len(want))
	}
}

// Ensure a relay whose connection was closed for good ends with an error instead of never hearing a watermark.
func TestRelay_RunRequiresItsConnection(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	c := e.config()
	c.Conn.Close()
	r, err := outbox.NewRelay(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Run(t.Context()); err == nil {
		t.Error("the relay ran")
	}
}
