package feed

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
	eventsv1 "github.com/retepari/pari/proto/gen/pari/events/v1"
	feedv1 "github.com/retepari/pari/proto/gen/pari/feed/v1"
)

// node is the sending side of Cremona's intake: an outbox and its relay.
type node struct {
	b        *testEnv
	pool     *pgxpool.Pool
	ownerURL string
	relay    *outbox.Relay
}

func (b *testEnv) node() *node {
	b.t.Helper()
	n := b.newNode()
	n.start(outbox.Config{Poll: 20 * time.Millisecond, Heartbeat: 100 * time.Millisecond})
	return n
}

// newNode returns a node whose relay does not run.
func (b *testEnv) newNode() *node {
	b.t.Helper()
	db := pgtest.New(b.t, "outbox", func(ctx context.Context, ownerURL string) error {
		return pg.Migrate(ctx, ownerURL, outbox.Schema)
	})
	return &node{b: b, pool: db.Pool(b.t), ownerURL: db.OwnerURL}
}

// start starts the relay with the intervals of c, until stop is called or the test ends.
func (n *node) start(c outbox.Config) (stop func()) {
	b := n.b
	b.t.Helper()
	c.Partition, c.DB, c.Conn, c.Log = intake, n.pool, b.net.Connect(bustest.Cremona, "intake"), testLogger()
	c.Signer, c.CentreKeys = b.net.Signer(intake.Owner()), b.net.Keys()
	c.AckWait, c.ResendAfter = time.Second, 500*time.Millisecond
	c.LeaseRetry, c.MaxBackoff = 20*time.Millisecond, 100*time.Millisecond
	var err error
	if n.relay, err = outbox.NewRelay(c); err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := n.relay.Run(ctx); err != nil {
			b.t.Errorf("relay: %v", err)
		}
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	b.t.Cleanup(stop)
	return stop
}

// write appends events of new reports, as a service does.
func (n *node) write(reports int) {
	n.b.t.Helper()
	data, err := proto.Marshal(&eventsv1.ReportCounted{Month: march, Channel: "DESK"})
	if err != nil {
		n.b.t.Fatal(err)
	}
	for range reports {
		err := pgx.BeginFunc(context.Background(), n.pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(context.Background(), pg.SetTenant, intake.Tenant); err != nil {
				return err
			}
			return outbox.Append(context.Background(), tx, outbox.Event{
				Tenant: intake.Tenant, Type: counted, Aggregate: uuid.NewString(), AggregateSeq: 1, Data: data,
			})
		})
		if err != nil {
			n.b.t.Fatal(err)
		}
	}
	if n.relay != nil {
		n.relay.Wake()
	}
}

// waitAcknowledged waits until the centre has acknowledged the events up to seq.
func (n *node) waitAcknowledged(seq int64) {
	n.b.t.Helper()
	bustest.Eventually(n.b.t, func() bool { return n.relay.Status().Acknowledged == seq })
}

// Ensure that a real relay and this feed exchange events, watermarks and heartbeats.
func TestFeed_WithRelay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.start(b.config())
	n := b.node()
	n.write(100)
	n.waitAcknowledged(100)
	s := b.waitFor(intake, func(s status) bool { return s.Acknowledged == 100 && s.LastSeq == 100 && s.Pending == 0 })
	if s.Reports != 100 || s.Gaps() != 0 {
		t.Errorf("partition %+v", s)
	}
	b.checkCells("lombardia")
}

// Ensure that a relay starts, and starts again, after one exchange with the centre: nothing waits for a tick.
func TestFeed_ConfirmsARelayAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.config()
	c.Tick = time.Hour
	var asked atomic.Int32
	keys := b.net.Keys()
	_, err := b.net.Centre("reporting").Subscribe(bus.AllHeartbeats, func(m *nats.Msg) {
		var h feedv1.Heartbeat
		if bus.VerifyMessage(m, intake.Owner(), keys, &h) == nil && h.GetAwaitsWatermark() {
			asked.Add(1)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	b.start(c)
	b.consumer() // the feed runs
	n := b.newNode()
	for round := range int64(3) {
		n.relay = nil
		started := time.Now()
		stop := n.start(outbox.Config{Poll: time.Hour, Heartbeat: time.Hour})
		bustest.Eventually(t, func() bool { s := n.relay.Status(); return s.Leading && s.Blocked == "" })
		t.Logf("round %d: confirmed after %s", round, time.Since(started))
		n.write(5)
		n.waitAcknowledged(5 * (round + 1))
		if got := asked.Load(); got != int32(round+1) {
			t.Errorf("round %d: the relays have asked %d times", round, got)
		}
		stop()
	}
}

// Ensure that a node that is restored from a backup stops before it draws a number, and after its repair counts each of
// its events once.
func TestFeed_RestoredNode(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.start(b.config())
	n := b.newNode()
	intervals := outbox.Config{Poll: 20 * time.Millisecond, Heartbeat: 100 * time.Millisecond}
	stop := n.start(intervals)
	n.write(10)
	n.waitAcknowledged(10)
	stop()
	n.write(3) // in the backup, and sent afterwards
	before := n.export()
	stop = n.start(intervals)
	n.write(4) // not in the backup
	n.waitAcknowledged(17)
	stop()

	n = b.newNode()
	n.restore(before)
	n.write(2) // after the restore
	n.start(intervals)
	bustest.Eventually(t, func() bool { return n.relay.Status().Blocked == outbox.BlockedRestored })
	if s := n.relay.Status(); s.LastSeq != 10 || s.Acknowledged != 10 {
		t.Fatalf("status is %+v", s)
	}
	owner, err := pgxpool.New(t.Context(), n.ownerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	r, err := outbox.Repair{
		DB: owner, Partition: intake, Signer: b.net.Signer(intake.Owner()), Centre: b.listCentre,
	}.Run(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	if r.Taken != 3 || r.Renumbered != 2 || len(r.OnlyCentre) != 4 || r.Common != 10 {
		t.Errorf("repaired %+v", r)
	}
	n.waitAcknowledged(19)
	if s := b.waitFor(intake, acknowledgedAt(19)); s.Reports != 19 || s.DeadLettered != 0 {
		t.Errorf("partition %+v", s)
	}
	lost, err := outbox.ListLost(t.Context(), n.pool, intake)
	if err != nil || len(lost) != 4 {
		t.Fatalf("lost %v, %v", lost, err)
	}
	withdrawal := func(string) (outbox.Event, error) {
		return outbox.Event{Type: "it.pari.report.withdrawn.v1"}, nil
	}
	for range 2 { // again changes nothing
		_, err := outbox.DecideLost(t.Context(), n.pool, intake, outbox.Withdraw,
			[]string{lost[0].Aggregate, lost[1].Aggregate}, withdrawal)
		if err != nil {
			t.Fatal(err)
		}
	}
	n.waitAcknowledged(21)
	if s := b.waitFor(intake, acknowledgedAt(21)); s.Reports != 17 || s.DeadLettered != 0 {
		t.Errorf("partition %+v", s)
	}
	b.checkCells("lombardia")
}

// listCentre lists what the centre has of intake, two events at a time.
func (b *testEnv) listCentre(
	ctx context.Context, after int64,
) (p outbox.Position, events []outbox.CentreEvent, err error) {
	o, found, err := b.store.ListInbox(ctx, intake, after, 2)
	for _, e := range found {
		events = append(events, outbox.CentreEvent(e))
	}
	return outbox.Position{Acknowledged: o.Acknowledged, Hash: o.Hash, Announced: o.Announced}, events, err
}

// export returns the node's outbox as a backup has it.
func (n *node) export() (rows [][]any) {
	n.b.t.Helper()
	err := pg.InTenant(context.Background(), n.pool, intake.Tenant, func(ctx context.Context, tx pgx.Tx) error {
		rs, err := tx.Query(ctx, `select event_id, type, aggregate, aggregate_seq, data from outbox
			order by node_seq nulls last, id`)
		if err != nil {
			return err
		}
		rows, err = pgx.CollectRows(rs, func(row pgx.CollectableRow) ([]any, error) { return row.Values() })
		return err
	})
	if err != nil {
		n.b.t.Fatal(err)
	}
	return rows
}

// restore stores the rows of a backup of which the centre has acknowledged ten.
func (n *node) restore(rows [][]any) {
	n.b.t.Helper()
	err := pg.InTenant(context.Background(), n.pool, intake.Tenant, func(ctx context.Context, tx pgx.Tx) error {
		for _, row := range rows {
			_, err := tx.Exec(ctx, `insert into outbox
				(tenant, event_id, type, aggregate, aggregate_seq, data, traceparent)
				values ($1, $2, $3, $4, $5, $6, '')`, append([]any{intake.Tenant}, row...)...)
			if err != nil {
				return err
			}
		}
		o, err := n.b.store.GetOffset(ctx, intake)
		if err != nil {
			return err
		}
		_, events, err := n.b.store.ListInbox(ctx, intake, 0, 10)
		if err != nil || o.Acknowledged < 10 {
			return errors.Join(err, errors.New("the centre has no events"))
		}
		prev := bus.Genesis
		for _, e := range events {
			_, err := tx.Exec(ctx, `update outbox set node_seq = $2, prev_hash = $3, key_id = 'k', signature = ''
				where event_id = $1`, e.ID, e.NodeSeq, prev[:])
			if err != nil {
				return err
			}
			prev = e.Hash
		}
		_, err = tx.Exec(ctx, `insert into outbox_partition
			(tenant, last_seq, last_hash, published_seq, acknowledged_seq) values ($1, 10, $2, 10, 10)`,
			intake.Tenant, prev[:])
		return err
	})
	if err != nil {
		n.b.t.Fatal(err)
	}
}

// Ensure that heartbeats alone reveal events that the centre has not received.
func TestFeed_DetectsGapsFromHeartbeats(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.net.AnswerHeartbeats()
	n := b.node()
	n.write(5)
	bustest.Eventually(t, func() bool { return n.relay.Status().Published == 5 })
	f, err := New(b.config())
	if err != nil {
		t.Fatal(err)
	}
	sub, err := f.c.Conn.Subscribe(bus.AllHeartbeats, f.onHeartbeat)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	bustest.Eventually(t, func() bool {
		if err := f.onTick(context.Background()); err != nil {
			t.Fatal(err)
		}
		s := b.partition(intake)
		return s.LastSeq == 5 && s.Acknowledged == 0 && s.Gaps() == 5 && !s.LastSeen.IsZero()
	})
}

// Ensure that no event is lost or applied twice when the hub loses its disk.
func TestFeed_HubLosesItsDisk(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stop := b.start(b.config())
	n := b.node()
	n.write(20)
	n.waitAcknowledged(20)
	stop()
	n.write(20) // acknowledged by the hub, never delivered
	bustest.Eventually(t, func() bool { return n.relay.Status().Published == 40 })
	b.net.StopHub()
	b.net.LoseStore()
	b.net.StartHub()
	b.start(b.config())
	n.write(20)
	n.waitAcknowledged(60)
	if s := b.waitFor(intake, acknowledgedAt(60)); s.Reports != 60 {
		t.Errorf("partition %+v", s)
	}
	b.checkCells("lombardia")
}

// Ensure that a heartbeat is accepted only when its node signed it for its partition.
func TestFeed_RejectsForgedHeartbeats(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var logged logRecords
	c := b.config()
	c.Log = logged.logger()
	f, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	send := func(subject, owner, source string, last, pending int64) {
		h := &feedv1.Heartbeat{Source: source, LastSeq: last, Pending: pending}
		m, err := bus.SignMessage(subject, h, b.net.Signer(owner))
		if err != nil {
			t.Fatal(err)
		}
		f.onHeartbeat(m)
	}
	send(intake.HeartbeatSubject(), cuneo.Owner(), "intake", 9, 0)
	send(intake.HeartbeatSubject(), intake.Owner(), "casemanagement", 9, 0)
	send(intake.HeartbeatSubject(), intake.Owner(), "intake", -1, 0)
	send(intake.HeartbeatSubject(), intake.Owner(), "intake", 9, -1)
	send("pari.v1.lombardia.cremona.heartbeat", intake.Owner(), "intake", 9, 0)
	if got := f.heartbeats.take(); len(got) != 0 {
		t.Errorf("received %v", got)
	}
	rejected := logged.find(t, "heartbeat rejected")
	for _, r := range rejected {
		if r["error"] == nil || r["subject"] == nil {
			t.Errorf("logged %v", r)
		}
	}
	if len(rejected) != 5 {
		t.Errorf("%d rejections were logged, want 5", len(rejected))
	}
	send(intake.HeartbeatSubject(), intake.Owner(), "intake", 9, 0)
	if got := f.heartbeats.take()["lombardia"]; len(got) != 1 || got[0].LastSeq != 9 {
		t.Errorf("received %v", got)
	}
}

func TestListNodes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := []string{
		"lombardia.cremona.pem", "piemonte.cremona.pem", "piemonte.cuneo.pem", "centre.pem", "notes.txt",
		"Bad.Name.pem",
	}
	for _, name := range files {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := ListNodes(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []tenant.ID{
		{Region: "lombardia", Node: "cremona"}, {Region: "piemonte", Node: "cremona"},
		{Region: "piemonte", Node: "cuneo"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
