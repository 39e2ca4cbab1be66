package outbox

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
	feedv1 "github.com/retepari/pari/proto/gen/pari/feed/v1"
)

// fakeCentre applies events as the centre does: in order, one for each number, in one chain.
type fakeCentre struct {
	applied   []bus.Event // by number, from 1
	buffered  map[int64]bus.Event
	announced int64
	forks     int
}

func (c *fakeCentre) hash() bus.Hash {
	if len(c.applied) == 0 {
		return bus.Genesis
	}
	return c.applied[len(c.applied)-1].Hash()
}

func (c *fakeCentre) acknowledged() int64 { return int64(len(c.applied)) }

func (c *fakeCentre) receive(e bus.Event) {
	c.announced = max(c.announced, e.NodeSeq)
	switch {
	case e.NodeSeq <= c.acknowledged():
		if c.applied[e.NodeSeq-1].Hash() != e.Hash() {
			c.forks++
		}
		return
	case c.buffered[e.NodeSeq].NodeSeq == 0:
		c.buffered[e.NodeSeq] = e
	}
	for {
		next, ok := c.buffered[c.acknowledged()+1]
		if !ok {
			return
		}
		delete(c.buffered, next.NodeSeq)
		if next.PrevHash != c.hash() {
			return
		}
		c.applied = append(c.applied, next)
	}
}

func (c *fakeCentre) position() Position { return Position{c.acknowledged(), c.hash(), c.announced} }

// list is a Centre with small pages.
func (c *fakeCentre) list(_ context.Context, after int64) (Position, []CentreEvent, error) {
	var found []CentreEvent
	for _, e := range c.applied[min(after, c.acknowledged()):] {
		if len(found) == 3 {
			break
		}
		found = append(found, CentreEvent{e.NodeSeq, e.ID, e.Hash(), e.Type, e.Subject, e.AggregateSeq})
	}
	return c.position(), found, nil
}

// restoreModel drives a node that is restored from backups, a stream and a centre.
type restoreModel struct {
	t         *rapid.T
	owner     *pgx.Conn // of the tables: backups and restores
	conn      *pgx.Conn // of the relay
	ownerPool *pgxpool.Pool
	l         *leader
	partition bus.Partition
	centre    fakeCentre
	stream    []bus.Event
	appended  int
	backedUp  bool
	repairs   int
}

func (m *restoreModel) must(err error) {
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *restoreModel) lead() {
	var err error
	m.l, err = m.l.r.newLeader(context.Background(), m.conn)
	m.must(err)
}

// append stores a report of its own.
func (m *restoreModel) append() {
	m.appended++
	m.must(m.l.inTenant(context.Background(), func(tx pgx.Tx) error {
		return Append(context.Background(), tx, Event{
			Tenant: m.partition.Tenant, Type: "it.pari.report.counted.v1", Aggregate: fmt.Sprint("r", m.appended),
			AggregateSeq: 1, Data: []byte("x"),
		})
	}))
}

// send numbers events and lets the hub store the first n of the queue.
func (m *restoreModel) send(n int) {
	if m.l.restored || !m.l.confirmed {
		return
	}
	m.must(m.l.storeAndNumber(context.Background()))
	n = min(n, len(m.l.queue))
	m.stream = append(m.stream, m.l.queue[:n]...)
	if n > 0 {
		m.l.published = m.l.queue[n-1].NodeSeq
	}
	m.l.queue = m.l.queue[n:]
	m.must(m.l.storeAndNumber(context.Background()))
}

// resend sends what the watermark does not cover.
func (m *restoreModel) resend() {
	if m.l.restored || !m.l.confirmed || m.l.acknowledged >= m.l.published {
		return
	}
	events, _, err := m.l.selectRange(context.Background(), m.l.acknowledged+1, m.l.published, 1000)
	m.must(err)
	m.stream = append(m.stream, events...)
}

func (m *restoreModel) receive(n int) {
	n = min(n, len(m.stream))
	for _, e := range m.stream[:n] {
		m.centre.receive(e)
	}
	m.stream = m.stream[n:]
}

func (m *restoreModel) heartbeat() { m.centre.announced = max(m.centre.announced, m.l.last) }

func (m *restoreModel) watermark() {
	hash := m.centre.hash()
	m.must(m.l.applyWatermark(context.Background(), &feedv1.Watermark{
		AcknowledgedSeq: m.centre.acknowledged(), AcknowledgedHash: hash[:], AnnouncedSeq: m.centre.announced,
	}))
	if m.l.confirmed && !m.l.restored {
		m.must(m.l.storeAndNumber(context.Background()))
	}
}

var restorableTables = []string{"outbox", "outbox_partition", "outbox_lost", "outbox_daily_offset"}

func (m *restoreModel) asOwner(statements ...string) {
	m.must(pgx.BeginFunc(context.Background(), m.owner, func(tx pgx.Tx) error {
		if _, err := tx.Exec(context.Background(), pg.SetTenant, m.partition.Tenant); err != nil {
			return err
		}
		for _, sql := range statements {
			if _, err := tx.Exec(context.Background(), sql); err != nil {
				return fmt.Errorf("%s: %w", sql, err)
			}
		}
		return nil
	}))
}

func (m *restoreModel) backup() {
	for _, table := range restorableTables {
		m.asOwner(`drop table if exists backup_`+table,
			`create temp table backup_`+table+` as select * from `+table)
	}
	m.backedUp = true
}

func (m *restoreModel) restore() {
	if !m.backedUp {
		return
	}
	for _, table := range restorableTables {
		m.asOwner(`delete from `+table, `insert into `+table+` overriding system value select * from backup_`+table)
	}
	m.lead()
}

func (m *restoreModel) repair() {
	ctx := context.Background()
	repair := Repair{DB: m.ownerPool, Partition: m.partition, Signer: m.l.r.c.Signer, Centre: m.centre.list}
	planned, err := repair.Run(ctx, true)
	m.must(err)
	done, err := repair.Run(ctx, false)
	m.must(err)
	if fmt.Sprint(planned) != fmt.Sprint(done) {
		m.t.Fatalf("the dry run planned %+v, done %+v", planned, done)
	}
	m.repairs++
	if m.l.restored {
		if err := m.l.checkUnchanged(ctx); !errors.Is(err, errChanged) {
			m.t.Fatalf("the stopped leader does not notice the repair %+v: %v", done, err)
		}
	}
	m.lead()
}

// check checks that the node has acknowledged no event that the centre does not have under its number.
func (m *restoreModel) check() {
	numbers := m.eventIDs(`select o.event_id::text, o.node_seq from outbox o, outbox_partition p
		where o.node_seq <= p.acknowledged_seq`)
	for id, seq := range numbers {
		if seq > m.centre.acknowledged() || m.centre.applied[seq-1].ID != id {
			m.t.Fatalf("event %d was acknowledged, and the centre has another", seq)
		}
	}
}

func (m *restoreModel) eventIDs(sql string) map[string]int64 {
	found := map[string]int64{}
	m.must(m.l.inTenant(context.Background(), func(tx pgx.Tx) error {
		rows, err := tx.Query(context.Background(), sql)
		if err != nil {
			return err
		}
		var id string
		var seq int64
		_, err = pgx.ForEachRow(rows, []any{&id, &seq}, func() error {
			found[id] = seq
			return nil
		})
		return err
	}))
	return found
}

// settle lets everything arrive and repairs the node when it is stopped.
func (m *restoreModel) settle() {
	for range 20 {
		m.receive(len(m.stream))
		m.heartbeat()
		m.watermark()
		if m.l.restored {
			m.repair()
			continue
		}
		m.send(1000)
		m.resend()
	}
	m.receive(len(m.stream))
	m.watermark()
}

// verify checks that each event of the node counts once, and that the node knows what only the centre has.
func (m *restoreModel) verify() {
	if m.l.restored || !m.l.confirmed || m.l.acknowledged != m.centre.acknowledged() || m.l.last != m.l.acknowledged {
		m.t.Fatalf("restored %t, confirmed %t, last %d, acknowledged %d, centre %d", m.l.restored, m.l.confirmed,
			m.l.last, m.l.acknowledged, m.centre.acknowledged())
	}
	applied := map[string]bool{}
	for _, e := range m.centre.applied {
		if applied[e.ID] {
			m.t.Fatalf("event %s counts twice", e.Subject)
		}
		applied[e.ID] = true
	}
	own := m.eventIDs(`select event_id::text, node_seq from outbox`)
	lost := m.eventIDs(`select event_id::text, node_seq from outbox_lost`)
	for id := range own {
		if !applied[id] {
			m.t.Fatalf("event %s does not count", id)
		}
	}
	for id := range applied {
		_, isOwn := own[id]
		if _, isLost := lost[id]; isOwn == isLost {
			m.t.Fatalf("event %s: stored %t, listed as lost %t", id, isOwn, isLost)
		}
	}
	if len(lost)+len(own) != len(applied) {
		m.t.Fatalf("%d events and %d lost ones, the centre has %d", len(own), len(lost), len(applied))
	}
}

// Ensure a node that is restored from backups at any moment acknowledges no event that the centre does not have, and
// that after a repair each of its events counts once and what only the centre has is listed.
func TestRestore_LosesNothing(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	db := pgtest.New(t, "outbox_model", migrateOutbox)
	ownerPool, err := pgxpool.New(ctx, db.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ownerPool.Close)
	connect := func(url string) *pgx.Conn {
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close(ctx) })
		return conn
	}
	conn, owner := connect(db.URL), connect(db.OwnerURL)
	repaired := 0
	rapid.Check(t, func(t *rapid.T) {
		p := bus.Partition{
			Tenant: tenant.ID{Region: "lombardia", Node: "n" + uuid.NewString()[:30]}, Source: "intake",
		}
		m := &restoreModel{
			t: t, owner: owner, conn: conn, ownerPool: ownerPool, partition: p,
			centre: fakeCentre{buffered: map[int64]bus.Event{}},
		}
		m.l = &leader{r: newTestRelay(Config{Partition: p, Batch: 4, ResendAfter: time.Hour})}
		m.lead()
		few := rapid.IntRange(1, 4)
		t.Repeat(map[string]func(*rapid.T){
			"append": func(*rapid.T) { m.append() },
			"work": func(t *rapid.T) { // nothing fails
				m.append()
				m.watermark()
				m.send(few.Draw(t, "stored by the hub"))
				m.receive(few.Draw(t, "received"))
			},
			"work on": func(t *rapid.T) {
				m.append()
				m.send(few.Draw(t, "stored by the hub"))
				m.receive(few.Draw(t, "received"))
				m.watermark()
			},
			"send":      func(t *rapid.T) { m.send(few.Draw(t, "stored by the hub")) },
			"receive":   func(t *rapid.T) { m.receive(few.Draw(t, "received")) },
			"heartbeat": func(*rapid.T) { m.heartbeat() },
			"watermark": func(*rapid.T) { m.watermark() },
			"crash":     func(*rapid.T) { m.lead() },
			"backup":    func(*rapid.T) { m.backup() },
			"restore":   func(*rapid.T) { m.restore() },
			"":          func(*rapid.T) { m.check() },
		})
		m.settle()
		m.check()
		m.verify()
		repaired += m.repairs
	})
	if repaired == 0 {
		t.Error("no node was repaired")
	}
	t.Logf("%d repairs", repaired)
}
