package outbox

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/pg"
	feedv1 "github.com/retepari/pari/proto/gen/pari/feed/v1"
)

func migrateForModel(ctx context.Context, ownerURL string) error {
	return pg.Migrate(ctx, ownerURL, Schema)
}

// model drives the numbering against Postgres and knows what must come out. Transactions are open side by side and end in
// any order; the hub acknowledges any part of what is offered; the relay crashes at any moment.
type model struct {
	t    *rapid.T
	pool *pgxpool.Pool
	conn *pgx.Conn
	l    *leader
	keys *bus.PublicKeys

	open      map[int]*modelTx
	seqs      map[string]int64    // aggregate: highest committed number
	committed map[string]bool     // aggregate/number
	published map[int64]bus.Event // node_seq: what the hub stored
	highest   int64
}

type modelTx struct {
	tx   pgx.Tx
	seqs map[string]int64
}

func (m *model) must(err error) {
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *model) locked(aggregate string) bool {
	for _, o := range m.open {
		if _, ok := o.seqs[aggregate]; ok {
			return true
		}
	}
	return false
}

func (m *model) append(t *rapid.T) {
	slot, aggregate := rapid.IntRange(0, 3).Draw(t, "transaction"), rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "aggregate")
	o := m.open[slot]
	if o == nil || o.seqs[aggregate] == 0 {
		if m.locked(aggregate) {
			t.Skip("the aggregate is locked by another transaction")
		}
	}
	ctx := context.Background()
	if o == nil {
		tx, err := m.pool.Begin(ctx)
		m.must(err)
		_, err = tx.Exec(ctx, pg.SetTenant, m.l.r.c.Partition.Node)
		m.must(err)
		o = &modelTx{tx, map[string]int64{}}
		m.open[slot] = o
	}
	if o.seqs[aggregate] == 0 {
		o.seqs[aggregate] = m.seqs[aggregate]
	}
	o.seqs[aggregate]++
	m.must(Append(ctx, o.tx, Event{
		Node: m.l.r.c.Partition.Node, Type: "it.pari.case.opened.v1", Aggregate: aggregate, AggregateSeq: o.seqs[aggregate], Data: []byte(aggregate),
	}))
}

func (m *model) end(t *rapid.T, commit bool) {
	if len(m.open) == 0 {
		t.Skip("no transaction is open")
	}
	var slots []int
	for i := range 4 {
		if m.open[i] != nil {
			slots = append(slots, i)
		}
	}
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
			m.t.Fatalf("event %d is sent after %d", e.NodeSeq, m.highest)
		}
		if was, ok := m.published[e.NodeSeq]; ok && was.Hash() != e.Hash() {
			m.t.Fatalf("two events have number %d", e.NodeSeq)
		}
		m.published[e.NodeSeq] = e
		m.highest = max(m.highest, e.NodeSeq)
		m.l.published = e.NodeSeq
	}
	m.l.queue = m.l.queue[n:]
}

func (m *model) crash(*rapid.T) {
	var err error
	m.l, err = m.l.r.newLeader(context.Background(), m.conn)
	m.must(err)
}

func (m *model) settle() {
	for slot := range 4 {
		if m.open[slot] != nil {
			m.close(slot, true)
		}
	}
	for range 2*len(m.committed) + 2 { // every two rounds move the line by one event at least
		m.must(m.l.storeAndNumber(context.Background()))
		m.acknowledge(len(m.l.queue))
	}
	m.must(m.l.storeAndNumber(context.Background()))
}

func (m *model) verify() {
	if len(m.published) != len(m.committed) || m.highest != int64(len(m.committed)) {
		m.t.Fatalf("published %d up to %d, committed %d", len(m.published), m.highest, len(m.committed))
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
	var last, sent int64
	var hash []byte
	m.must(m.l.inTenant(context.Background(), func(tx pgx.Tx) error {
		return tx.QueryRow(context.Background(), `select last_seq, published_seq, last_hash from outbox_partition where node = $1`, m.l.r.c.Partition.Node).Scan(&last, &sent, &hash)
	}))
	if last != m.highest || sent != m.highest || bus.Hash(hash) != prev {
		m.t.Fatalf("the line is at %d, sent %d; wants %d", last, sent, m.highest)
	}
}

func TestNumbering_is_gapless_whatever_happens(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	db := pgtest.New(t, "outbox_model", migrateForModel)
	config, err := pgxpool.ParseConfig(db.URL)
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
	signer := bus.NewSigner(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))

	rapid.Check(t, func(t *rapid.T) {
		line := bus.Partition{Region: "lombardia", Node: "n" + uuid.NewString()[:30], Source: "intake"} // a tenant of its own
		r := &Relay{watermark: newLatestWatermark(), c: Config{
			Partition: line, Signer: signer, Log: slog.New(slog.DiscardHandler), Batch: rapid.IntRange(1, 5).Draw(t, "batch"), ResendAfter: time.Hour,
		}}
		m := &model{
			t: t, pool: pool, conn: conn, keys: bus.NewPublicKeys(line.Owner(), signer.Public()),
			open: map[int]*modelTx{}, seqs: map[string]int64{}, committed: map[string]bool{}, published: map[int64]bus.Event{},
		}
		defer func() {
			for _, o := range m.open {
				_ = o.tx.Rollback(ctx)
			}
		}()
		var err error
		m.l, err = r.newLeader(ctx, conn)
		m.must(err)
		t.Repeat(map[string]func(*rapid.T){
			"append":   m.append,
			"commit":   func(t *rapid.T) { m.end(t, true) },
			"rollback": func(t *rapid.T) { m.end(t, false) },
			"advance":  func(*rapid.T) { m.must(m.l.storeAndNumber(ctx)) },
			"publish":  func(t *rapid.T) { m.acknowledge(rapid.IntRange(0, len(m.l.queue)).Draw(t, "acknowledged")) },
			"crash":    m.crash,
			"watermark": func(t *rapid.T) {
				m.l.applyWatermark(ctx, &feedv1.Watermark{AcknowledgedSeq: rapid.Int64Range(0, m.highest).Draw(t, "applied")})
			},
		})
		m.settle()
		m.verify()
	})
}
