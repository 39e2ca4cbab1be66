package feed

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
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
	b     *testEnv
	pool  *pgxpool.Pool
	relay *outbox.Relay
}

func (b *testEnv) node() *node {
	b.t.Helper()
	n := &node{b: b, pool: pgtest.New(b.t, "outbox", func(ctx context.Context, ownerURL string) error {
		return pg.Migrate(ctx, ownerURL, outbox.Schema)
	}).Pool(b.t)}
	var err error
	n.relay, err = outbox.NewRelay(outbox.Config{
		Partition: intake, DB: n.pool, Conn: b.net.Connect(bustest.Cremona, "intake"), Log: testLogger(),
		Signer: b.net.Signer(intake.Owner()), CentreKeys: b.net.Keys(),
		Poll: 20 * time.Millisecond, Heartbeat: 100 * time.Millisecond, AckWait: time.Second,
		ResendAfter: 500 * time.Millisecond, LeaseRetry: 20 * time.Millisecond, MaxBackoff: 100 * time.Millisecond,
	})
	if err != nil {
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
	b.t.Cleanup(func() {
		cancel()
		<-done
	})
	return n
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
	n.relay.Wake()
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

// Ensure that heartbeats alone reveal events that the centre has not received.
func TestFeed_DetectsGapsFromHeartbeats(t *testing.T) {
	t.Parallel()
	b := setup(t)
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
