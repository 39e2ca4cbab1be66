package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/services/reporting/internal/fact"
)

// Batch is a set of events of one region that are applied in one transaction.
type Batch struct {
	Region string
	Events []Event
	// DrainLimit is how many buffered events may be applied for each partition whose gap closes.
	DrainLimit int
	// DeadLetter is the number of an event whose effect the database rejected: it is dead-lettered with ClassDatabase.
	// It is meant for a batch of one event, or for Drain. The number keeps a drain from dead-lettering another event
	// when another replica has handled this one already.
	DeadLetter int64
}

// Result says what became of the events of a batch.
type Result struct {
	Offsets    []Offset
	Applied    int
	Duplicates int
	Unapplied  map[Class]int // stored without effect: buffered, blocked or dead-lettered
	Rejected   map[Class]int // not stored
	Failures   []Failure     // the dead-lettered events, but not those of ClassDatabase
	Forks      []Failure     // events whose number another event used before; not stored
}

// Offset is how far the events of a partition are acknowledged.
type Offset struct {
	Partition    bus.Partition
	Acknowledged int64
	Hash         bus.Hash // of the event with the acknowledged number
	Announced    int64    // highest number received or announced
	Buffered     int64
	// More tells that buffered events may follow now: call Drain.
	More bool
}

// Apply applies a batch in one transaction: all of it or nothing. An event is applied when it is the next of its
// partition; else it is buffered, counted as a duplicate, or rejected. An event that cannot be applied is dead-lettered
// and blocks later events of the same report or case; the partition advances. When the database rejects an effect,
// Apply returns an error for which [Permanent] holds, and the caller applies the events one by one.
func (s *Store) Apply(ctx context.Context, b Batch, decode Decoder, codes fact.Codes) (Result, error) {
	return s.apply(ctx, b, partitionKeys(b.Events), decode, codes)
}

// Drain applies buffered events of the partition whose gap has closed, at most DrainLimit.
func (s *Store) Drain(ctx context.Context, p bus.Partition, b Batch, decode Decoder, codes fact.Codes) (Result, error) {
	b.Region, b.Events = p.Tenant.Region, nil
	return s.apply(ctx, b, []partitionKey{keyOf(p)}, decode, codes)
}

func (s *Store) apply(
	ctx context.Context, b Batch, keys []partitionKey, decode Decoder, codes fact.Codes,
) (r Result, err error) {
	err = s.inRegion(ctx, b.Region, func(ctx context.Context, tx pgx.Tx) error {
		t := &batchTx{
			tx: tx, batch: b, decode: decode, codes: codes,
			result: Result{Unapplied: map[Class]int{}, Rejected: map[Class]int{}},
		}
		if err := t.lock(ctx, keys); err != nil {
			return err
		}
		if err := t.sequence(ctx); err != nil {
			return err
		}
		if err := t.load(ctx); err != nil {
			return err
		}
		t.apply()
		if err := t.save(ctx); err != nil {
			return err
		}
		r = t.result
		return nil
	})
	return r, err
}

// batchTx is the transaction that applies one batch.
type batchTx struct {
	tx     pgx.Tx
	batch  Batch
	decode Decoder
	codes  fact.Codes
	result Result

	partitions []*partitionState
	facts      facts
	consumed   []Event // events that use up their number, in order, for the inbox
	unapplied  []unappliedEvent
}

// partitionState is a locked partition of the batch.
type partitionState struct {
	key partitionKey
	offset
	before     offset // as the transaction found it
	sequence   sequence
	duplicates int64
	reports    int64
	cases      int64
}

// apply applies the events that are next, in memory.
func (t *batchTx) apply() {
	for _, p := range t.partitions {
		for _, e := range p.sequence.next {
			t.consumed = append(t.consumed, e)
			if class := t.applyEvent(p, e); class != "" {
				t.setUnapplied(class, e)
				t.facts.blocked[t.facts.aggregate(e)] = true
			}
		}
		for _, e := range p.sequence.buffered {
			t.setUnapplied(ClassGap, e)
		}
		t.result.Rejected[ClassChain] += len(p.sequence.broken)
		t.result.Rejected[ClassOverflow] += len(p.sequence.overflow)
		at := tenant.ID{Region: t.batch.Region, Node: p.key.node}
		t.result.Offsets = append(t.result.Offsets, Offset{
			Partition:    bus.Partition{Tenant: at, Source: p.key.source},
			Acknowledged: p.acknowledged, Hash: p.hash, Announced: p.last, Buffered: p.buffered,
			More: p.buffered > 0 && p.acknowledged > p.before.acknowledged,
		})
	}
}

// applyEvent applies one event, or returns the class under which it is stored without effect.
func (t *batchTx) applyEvent(p *partitionState, e Event) Class {
	if t.facts.blocked[t.facts.aggregate(e)] {
		return ClassBlocked
	}
	if t.batch.DeadLetter == e.NodeSeq {
		return ClassDatabase
	}
	if err := catchPanic(func() error { return t.facts.apply(p, e, t.decode, t.codes) }); err != nil {
		failure := newFailure(e, err)
		t.result.Failures = append(t.result.Failures, failure)
		return failure.Class
	}
	t.result.Applied++
	return ""
}

func (t *batchTx) setUnapplied(c Class, e Event) {
	t.unapplied = append(t.unapplied, unappliedEvent{e, c})
	t.result.Unapplied[c]++
}

// save writes everything in one round trip.
func (t *batchTx) save(ctx context.Context) error {
	b := &pgx.Batch{}
	t.queueReleased(b)
	t.queueUnapplied(b)
	t.queueInbox(b)
	t.facts.queue(b, t.batch.Region)
	t.queuePartitions(b)
	return sendBatch(ctx, t.tx, b, nil)
}

const insertInbox = `
	insert into inbox (region, node, source, node_seq, event_id, event_hash, type, aggregate, aggregate_seq)
	select $1, * from unnest($2::text[], $3::text[], $4::bigint[], $5::uuid[], $6::bytea[], $7::text[], $8::text[],
	       $9::bigint[])`

func (t *batchTx) queueInbox(b *pgx.Batch) {
	if len(t.consumed) == 0 {
		return
	}
	var (
		nodes, sources, ids, types, aggregates []string
		seqs, aggregateSeqs                    []int64
		hashes                                 [][]byte
	)
	for _, e := range t.consumed {
		nodes, sources, ids = append(nodes, e.Partition.Tenant.Node), append(sources, e.Partition.Source),
			append(ids, e.ID)
		seqs, hashes = append(seqs, e.NodeSeq), append(hashes, e.Hash[:])
		types, aggregates = append(types, e.Type), append(aggregates, e.Aggregate)
		aggregateSeqs = append(aggregateSeqs, e.AggregateSeq)
	}
	b.Queue(insertInbox, t.batch.Region, nodes, sources, seqs, ids, hashes, types, aggregates, aggregateSeqs)
}
