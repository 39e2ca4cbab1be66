package feed

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/services/reporting/internal/store"
)

// backup copies the tables of the centre's database, as far as region lombardia sees them.
type backup struct {
	b      *testEnv
	owner  *pgx.Conn
	tables []string
}

func (b *testEnv) backup() *backup {
	b.t.Helper()
	owner, err := pgx.Connect(b.t.Context(), b.db.OwnerURL)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = owner.Close(context.Background()) })
	k := &backup{b: b, owner: owner}
	k.exec(`set app.region = 'lombardia'`)
	rows, err := owner.Query(b.t.Context(), `select c.relname::text from pg_class c
		join pg_namespace n on n.oid = c.relnamespace
		where n.nspname = 'public' and c.relkind = 'r' and c.relrowsecurity`)
	if err != nil {
		b.t.Fatal(err)
	}
	if k.tables, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		b.t.Fatal(err)
	}
	for _, table := range k.tables {
		k.exec(`create temp table backup_` + table + ` as table ` + table)
	}
	return k
}

func (k *backup) exec(sql string) {
	k.b.t.Helper()
	if _, err := k.owner.Exec(k.b.t.Context(), sql); err != nil {
		k.b.t.Fatalf("%s: %v", sql, err)
	}
}

// restore brings the state of the backup back, in one transaction.
func (k *backup) restore() {
	k.b.t.Helper()
	k.exec(`begin`)
	for _, table := range slices.Sorted(slices.Values(k.tables)) {
		k.exec(`lock table ` + table + ` in access exclusive mode`)
	}
	for _, table := range k.tables {
		k.exec(`truncate ` + table)
		k.exec(`insert into ` + table + ` select * from backup_` + table)
	}
	k.exec(`commit`)
}

// waitPosition waits until the database has recorded that the stream was read up to seq.
func (b *testEnv) waitPosition(seq uint64) {
	b.t.Helper()
	bustest.Eventually(b.t, func() bool {
		p, err := b.store.GetStreamPosition(context.Background())
		if err != nil {
			b.t.Fatal(err)
		}
		return p.Seq == seq
	})
}

// checkRestored checks that each of so many reports counts once.
func (b *testEnv) checkRestored(n *node, reports int64) {
	b.t.Helper()
	s := b.waitFor(intake, acknowledgedAt(reports))
	if s.Reports != reports || s.DeadLettered != 0 {
		b.t.Errorf("partition %+v", s)
	}
	n.waitAcknowledged(reports)
	b.checkCells("lombardia")
}

// Ensure that a centre that was restored from a backup, while it was stopped or beneath a running process, reads again
// what the hub has, from the position of the database on, and that no node has to send anything.
func TestFeed_RestoredCentreReadsTheStreamAgain(t *testing.T) {
	t.Parallel()
	for name, running := range map[string]bool{"stopped": false, "running": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			var logged logRecords
			c := b.config()
			c.Log = logged.logger()
			stop := b.start(c)
			n := b.node()
			n.write(10)
			n.waitAcknowledged(10)
			b.waitPosition(10)
			before := b.backup()
			n.write(20)
			n.waitAcknowledged(30)
			b.waitPosition(30)
			if !running {
				stop()
				c.Conn.Close() // or the hub delivers to the request that it left open
			}
			before.restore()
			if !running {
				c.Conn = b.net.Centre("reporting")
				b.start(c)
			}
			n.write(1)
			b.checkRestored(n, 31)
			if s := b.partition(intake); n.relay.Status().Resends != 0 || s.Duplicates > 1 {
				t.Errorf("relay %+v, partition %+v", n.relay.Status(), s)
			}
			again := logged.find(t, "stream is read again")
			if len(again) == 0 || again[0]["after"] != float64(10) {
				t.Errorf("logged %v", again)
			}
		})
	}
}

// Ensure that a centre whose database was restored and whose hub lost its disk gets everything from a relay that runs
// on.
func TestFeed_RestoredCentreGetsEventsFromTheNodes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stop := b.start(b.config())
	n := b.newNode()
	n.start(outbox.Config{
		Poll: 20 * time.Millisecond, Heartbeat: 100 * time.Millisecond, BehindAfter: 300 * time.Millisecond, Batch: 3,
	})
	n.write(10)
	n.waitAcknowledged(10)
	before := b.backup()
	n.write(40)
	n.waitAcknowledged(50)
	stop()
	before.restore()
	b.net.StopHub()
	b.net.LoseStore()
	b.net.StartHub()
	b.start(b.config())
	b.checkRestored(n, 50)
	bustest.Eventually(t, func() bool { return n.relay.Status().Regressed == 0 })
	n.write(5)
	b.checkRestored(n, 55)
}

// Ensure that a position is not moved by a process that has not seen the current one.
func TestStore_MoveStreamPosition(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, second := store.StreamPosition{Consumer: "a", Seq: 5}, store.StreamPosition{Consumer: "a", Seq: 9}
	for _, move := range []struct{ from, to, want store.StreamPosition }{
		{store.StreamPosition{}, first, first},
		{first, second, second},
		{first, store.StreamPosition{Consumer: "a", Seq: 7}, second},
		{second, first, first},
	} {
		if err := b.store.MoveStreamPosition(t.Context(), move.from, move.to); err != nil {
			t.Fatal(err)
		}
		if got, err := b.store.GetStreamPosition(t.Context()); err != nil || got != move.want {
			t.Errorf("%+v: got %+v, %v", move, got, err)
		}
	}
}
