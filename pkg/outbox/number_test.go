package outbox

import (
	"context"
	"fmt"
	"maps"
	"slices"
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

func migrateOutbox(ctx context.Context, ownerURL string) error {
	return pg.Migrate(ctx, ownerURL, Schema)
}

// model drives the numbering against Postgres and knows the expected result. Transactions are open at the same time and
// end in any order; the hub acknowledges any part of the queue; the relay crashes at any moment.
type model struct {
	t         *rapid.T
	pool      *pgxpool.Pool
	conn      *pgx.Conn
	l         *leader
	partition bus.Partition
	keys      *bus.PublicKeys

	open      map[int]*modelTx    // by slot
	seqs      map[string]int64    // highest committed number by aggregate
	committed map[string]bool     // aggregate/number
	published map[int64]bus.Event // events that the hub stored, by node_seq
	highest   int64               // highest node_seq that the hub stored
}

// modelTx is an open transaction with the aggregates that it locks.
type modelTx struct {
	tx   pgx.Tx
	seqs map[string]int64
}

const modelSlots = 4

func (m *model) must(err error) {
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *model) isLocked(aggregate string) bool {
	for _, o := range m.open {
		if _, ok := o.seqs[aggregate]; ok {
			return true
		}
	}
	return false
}

// append appends an event in one of the transactions, which it opens if need be.
func (m *model) append(t *rapid.T) {
	slot := rapid.IntRange(0, modelSlots-1).Draw(t, "transaction")
	aggregate := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "aggregate")
	o := m.open[slot]
	if (o == nil || o.seqs[aggregate] == 0) && m.isLocked(aggregate) {
		t.Skip("another transaction locks the aggregate")
	}
	ctx := context.Background()
	if o == nil {
		tx, err := m.pool.Begin(ctx)
		m.must(err)
		_, err = tx.Exec(ctx, pg.SetTenant, m.partition.Tenant)
		m.must(err)
		o = &modelTx{tx, map[string]int64{}}
		m.open[slot] = o
	}
	if o.seqs[aggregate] == 0 {
		o.seqs[aggregate] = m.seqs[aggregate]
	}
	o.seqs[aggregate]++
	m.must(Append(ctx, o.tx, Event{
		Tenant: m.partition.Tenant, Type: "it.pari.case.opened.v1",
		Aggregate: aggregate, AggregateSeq: o.seqs[aggregate], Data: []byte(aggregate),
	}))
}

// end commits or rolls back one of the transactions.
func (m *model) end(t *rapid.T, commit bool) {
	if len(m.open) == 0 {
		t.Skip("no transaction is open")
	}
	slots := slices.Sorted(maps.Keys(m.open))
	m.close(rapid.SampledFrom(slots).Draw(t, "transaction"), commit)
}

func (m *model) close(slot int, commit bool) {
	o := m.open[slot]
	delete(m.open, slot)
	if !commit {
		m.must(o.tx.Rollback(context.Background()))
		return
	}
	m.must(o.tx.Commit(context.Background()))
	for aggregate, seq := range o.seqs {
		for s := m.seqs[aggregate] + 1; s <= seq; s++ {
			m.committed[fmt.Sprint(aggregate, "/", s)] = true
		}
		m.seqs[aggregate] = seq
	}
}

// acknowledge lets the hub store the first n events of the queue.
func (m *model) acknowledge(n int) {
	for _, e := range m.l.queue[:n] {
		if e.NodeSeq > m.highest+1 {
			m.t.Fatalf("event %d was sent after %d", e.NodeSeq, m.highest)
		}
		if known, ok := m.published[e.NodeSeq]; ok && known.Hash() != e.Hash() {
			m.t.Fatalf("two events have number %d", e.NodeSeq)
		}
		m.published[e.NodeSeq] = e
		m.highest = max(m.highest, e.NodeSeq)
		m.l.published = e.NodeSeq
	}
	m.l.queue = m.l.queue[n:]
}

// crash replaces the leader by a new one, which knows only what the database does.
func (m *model) crash(*rapid.T) {
	var err error
	m.l, err = m.l.r.newLeader(context.Background(), m.conn)
	m.must(err)
}

// settle commits all transactions and lets the relay send everything.
func (m *model) settle() {
	for slot := range modelSlots {
		if m.open[slot] != nil {
			m.close(slot, true)
		}
	}
	for range 2*len(m.committed) + 2 { // two rounds advance the partition by one event at least
		m.must(m.l.storeAndNumber(context.Background()))
		m.acknowledge(len(m.l.queue))
	}
	m.must(m.l.storeAndNumber(context.Background()))
}

// verify checks that the hub stored each committed event once, in one unbroken chain, and that the offsets agree.
func (m *model) verify() {
	if len(m.published) != len(m.committed) || m.highest != int64(len(m.committed)) {
		m.t.Fatalf("published %d events up to %d, committed %d", len(m.published), m.highest, len(m.committed))
	}
	prev, seqs := bus.Genesis, map[string]int64{}
	for n := int64(1); n <= m.highest; n++ {
		e := m.published[n]
		if e.PrevHash != prev || e.Verify(m.keys) != nil {
			m.t.Fatalf("the chain breaks at %d", n)
		}
		if e.AggregateSeq != seqs[e.Subject]+1 || !m.committed[fmt.Sprint(e.Subject, "/", e.AggregateSeq)] {
			m.t.Fatalf("event %d is %s/%d after %d", n, e.Subject, e.AggregateSeq, seqs[e.Subject])
		}
		prev, seqs[e.Subject] = e.Hash(), e.AggregateSeq
	}
	var last, published, acknowledged int64
	var hash []byte
	m.must(m.l.inTenant(context.Background(), func(tx pgx.Tx) error {
		row := tx.QueryRow(context.Background(), selectPartition, m.partition.Tenant)
		return row.Scan(&last, &hash, &published, &acknowledged, new(int64))
	}))
	if last != m.highest || published != m.highest || bus.Hash(hash) != prev {
		m.t.Fatalf("the partition is at %d, published %d; want %d", last, published, m.highest)
	}
}

// Ensure the numbering has no gap and no fork, whatever transactions, hub and crashes do.
func TestNumbering_IsGapless(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	config, err := pgxpool.ParseConfig(pgtest.New(t, "outbox_model", migrateOutbox).URL)
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 8
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	conn, err := pgx.ConnectConfig(ctx, config.ConnConfig)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(ctx) })
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t, pool, conn)
		defer func() {
			for _, o := range m.open {
				_ = o.tx.Rollback(ctx)
			}
		}()
		t.Repeat(map[string]func(*rapid.T){
			"append":   m.append,
			"commit":   func(t *rapid.T) { m.end(t, true) },
			"rollback": func(t *rapid.T) { m.end(t, false) },
			"advance":  func(*rapid.T) { m.must(m.l.storeAndNumber(ctx)) },
			"publish": func(t *rapid.T) {
				m.acknowledge(rapid.IntRange(0, len(m.l.queue)).Draw(t, "acknowledged by the hub"))
			},
			"crash": m.crash,
			"watermark": func(t *rapid.T) {
				seq := rapid.Int64Range(0, m.highest).Draw(t, "acknowledged by the centre")
				m.l.advance(&feedv1.Watermark{AcknowledgedSeq: seq})
			},
		})
		m.settle()
		m.verify()
	})
}

// newModel returns a model with a partition and a tenant of its own.
func newModel(t *rapid.T, pool *pgxpool.Pool, conn *pgx.Conn) *model {
	p := bus.Partition{
		Tenant: tenant.ID{Region: "lombardia", Node: "n" + uuid.NewString()[:30]}, Source: "intake",
	}
	r := newTestRelay(Config{Partition: p, Batch: rapid.IntRange(1, 5).Draw(t, "batch"), ResendAfter: time.Hour})
	m := &model{
		t: t, pool: pool, conn: conn, partition: p, keys: bus.NewPublicKeys(p.Owner(), r.c.Signer.Public()),
		open: map[int]*modelTx{}, seqs: map[string]int64{},
		committed: map[string]bool{}, published: map[int64]bus.Event{},
	}
	var err error
	m.l, err = r.newLeader(context.Background(), conn)
	m.must(err)
	return m
}
