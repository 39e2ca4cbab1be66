package outbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/pg"
)

// Position is how far the centre has acknowledged a partition.
type Position struct {
	Acknowledged int64
	Hash         bus.Hash // of the event with that number
	Announced    int64    // highest number that the centre has received or that was announced to it
}

// CentreEvent is an event that the centre has.
type CentreEvent struct {
	NodeSeq      int64
	ID           string
	Hash         bus.Hash
	Type         string
	Aggregate    string
	AggregateSeq int64
}

// Centre lists what the centre has of the partition after a number, in order: some of it, or nothing when there is no
// more. ReportingService.ListPartitionEvents is one.
type Centre func(ctx context.Context, after int64) (Position, []CentreEvent, error)

// Repaired is what a repair has done, or would do.
type Repaired struct {
	From, To   Position      // of this database before, and the centre's
	Common     int64         // up to here both have the same events
	Taken      int           // pending events that the centre has counted: they keep the centre's number
	Renumbered int           // pending events that the centre has not: they get new numbers
	OnlyCentre []CentreEvent // events that this database has lost
	// Conflicts are events of this database whose number within their report or case the centre has given to another
	// event: the centre will dead-letter them until the lost part of the report or case is withdrawn.
	Conflicts []CentreEvent
}

// Errors of Repair.
var (
	// ErrCentreBehind: the centre has acknowledged less than this database knows, so the centre is the one to repair.
	ErrCentreBehind = errors.New("outbox: the centre is behind this database")
	// ErrUnreadableHistory: the centre's list does not form the chain that its position names.
	ErrUnreadableHistory = errors.New("outbox: the list of the centre is incomplete")
	// ErrForeign: the centre has another event where both agreed before, so this is the database of another partition.
	ErrForeign = errors.New("outbox: the database is not the one that sent this partition")
)

const (
	lockRepaired = `select last_seq, last_hash, acknowledged_seq, lost_seq from outbox_partition
		where tenant = $1 for update`
	selectPending = `select id, event_id, type, aggregate, aggregate_seq, data, coalesce(node_seq, 0),
		coalesce(prev_hash, '\x') from outbox
		where tenant = $1 and (node_seq is null or node_seq > $2) order by node_seq, id`
	clearNumbers = `update outbox set node_seq = null, prev_hash = null, key_id = null, signature = null
		where tenant = $1 and node_seq > $2`
	takeNumber = `update outbox set node_seq = $3, prev_hash = $4, key_id = $5, signature = $6
		where tenant = $1 and id = $2`
	updateRepaired = `update outbox_partition set last_seq = $2, last_hash = $3, published_seq = $2,
		acknowledged_seq = $2 where tenant = $1`
	updateLost = `update outbox_partition set lost_seq = greatest(lost_seq, $2) where tenant = $1`
	insertLost = `insert into outbox_lost (tenant, event_id, type, aggregate, aggregate_seq, node_seq)
		select $1, * from unnest($2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])
		on conflict do nothing`
)

// Repair settles a partition that was stopped as restored. In one transaction it takes over the centre's position; gives
// a pending event that the centre has counted the number that it has there, so that it is not sent again; takes the
// numbers off the other pending events, so that the relay numbers them after the centre's; and stores what only the
// centre has, for ListLost. It never deletes an event.
//
// The relay may run: it is stopped, notices the repair and goes on. With dryRun nothing is changed. A repair of a
// partition that agrees with the centre changes nothing.
func Repair(
	ctx context.Context, db *pgxpool.Pool, p bus.Partition, s *bus.Signer, centre Centre, dryRun bool,
) (r Repaired, err error) {
	errDryRun := errors.New("dry run")
	err = pg.InTenant(ctx, db, p.Tenant, func(ctx context.Context, tx pgx.Tx) error {
		t := &repairTx{tx: tx, partition: p, signer: s}
		if r, err = t.repair(ctx, centre); err != nil {
			return err
		}
		if dryRun {
			return errDryRun
		}
		return nil
	})
	if err != nil && !errors.Is(err, errDryRun) {
		return Repaired{}, fmt.Errorf("repair: %w", err)
	}
	return r, nil
}

// repairTx is the transaction of a repair.
type repairTx struct {
	tx        pgx.Tx
	partition bus.Partition
	signer    *bus.Signer

	pending map[string]pendingEvent // by event id
	numbers map[aggregateNumber]string
}

type pendingEvent struct {
	rowID int64
	bus.Event
}

type aggregateNumber struct {
	aggregate string
	seq       int64
}

func (t *repairTx) repair(ctx context.Context, centre Centre) (r Repaired, err error) {
	var lost int64
	if r.From, lost, err = t.lock(ctx); err != nil {
		return r, err
	}
	if err := t.loadPending(ctx, r.From.Acknowledged); err != nil {
		return r, err
	}
	b := &pgx.Batch{}
	b.Queue(clearNumbers, t.partition.Tenant, r.From.Acknowledged)
	if err := t.compare(ctx, centre, &r, b); err != nil {
		return r, err
	}
	r.Renumbered = len(t.pending)
	switch {
	case r.To.Acknowledged > r.Common:
		t.queueLost(b, r.OnlyCentre)
		b.Queue(updateRepaired, t.partition.Tenant, r.To.Acknowledged, r.To.Hash[:])
		b.Queue(upsertDailyOffset, t.partition.Tenant, r.To.Acknowledged)
	case r.To.Announced > max(r.From.Announced, lost):
		b = &pgx.Batch{} // numbers that the centre only knows of: pending events keep theirs
		r.Taken, r.Renumbered = 0, 0
	default:
		r.Taken, r.Renumbered = 0, 0
		return r, nil // nothing was lost
	}
	b.Queue(updateLost, t.partition.Tenant, r.To.Announced)
	return r, t.tx.SendBatch(ctx, b).Close()
}

// lock locks the partition against the relay. A database that never had a relay gets its row.
func (t *repairTx) lock(ctx context.Context) (from Position, lost int64, err error) {
	if _, err := t.tx.Exec(ctx, insertPartition, t.partition.Tenant); err != nil {
		return Position{}, 0, err
	}
	var hash []byte
	row := t.tx.QueryRow(ctx, lockRepaired, t.partition.Tenant)
	err = row.Scan(&from.Announced, &hash, &from.Acknowledged, &lost)
	copy(from.Hash[:], hash)
	return from, lost, err
}

func (t *repairTx) loadPending(ctx context.Context, after int64) error {
	rows, err := t.tx.Query(ctx, selectPending, t.partition.Tenant, after)
	if err != nil {
		return err
	}
	events, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (pendingEvent, error) {
		e, id, prev := pendingEvent{Event: bus.Event{Partition: t.partition}}, uuid.UUID{}, []byte(nil)
		err := row.Scan(&e.rowID, &id, &e.Type, &e.Subject, &e.AggregateSeq, &e.Data, &e.NodeSeq, &prev)
		e.ID = id.String()
		copy(e.PrevHash[:], prev)
		return e, err
	})
	if err != nil {
		return err
	}
	t.pending, t.numbers = map[string]pendingEvent{}, map[aggregateNumber]string{}
	for _, e := range events {
		t.pending[e.ID] = e
		t.numbers[aggregateNumber{e.Subject, e.AggregateSeq}] = e.ID
	}
	return nil
}

// compare walks what the centre has from the last acknowledged event on, and queues the numbers of the pending events
// among it.
func (t *repairTx) compare(ctx context.Context, centre Centre, r *Repaired, b *pgx.Batch) error {
	acknowledged := r.From.Acknowledged
	base, err := t.hashOfAcknowledged(ctx, r.From)
	if err != nil {
		return err
	}
	after, hash, same := max(acknowledged-1, 0), bus.Genesis, true
	r.Common = acknowledged
	for {
		position, events, err := centre(ctx, after)
		if err != nil {
			return err
		}
		r.To = position
		if position.Acknowledged < acknowledged {
			return ErrCentreBehind
		}
		if len(events) == 0 {
			break
		}
		for _, e := range events {
			switch {
			case e.NodeSeq != after+1:
				return ErrUnreadableHistory
			case e.NodeSeq == acknowledged && e.Hash != base:
				return ErrForeign
			case e.NodeSeq > acknowledged:
				own, ok := t.pending[e.ID]
				if same = same && ok && own.NodeSeq == e.NodeSeq && own.Hash() == e.Hash; same {
					r.Common = e.NodeSeq
				}
				t.settle(r, b, e, hash)
			}
			after, hash = e.NodeSeq, e.Hash
		}
	}
	if after != r.To.Acknowledged || hash != r.To.Hash {
		return ErrUnreadableHistory
	}
	return nil
}

// settle settles one event of the centre, whose predecessor has the hash prev.
func (t *repairTx) settle(r *Repaired, b *pgx.Batch, e CentreEvent, prev bus.Hash) {
	if own, ok := t.pending[e.ID]; ok {
		own.NodeSeq, own.PrevHash = e.NodeSeq, prev
		if own.Hash() == e.Hash {
			own.Sign(t.signer)
			b.Queue(takeNumber, t.partition.Tenant, own.rowID, own.NodeSeq, prev[:], own.KeyID, own.Signature)
			delete(t.pending, e.ID)
			r.Taken++
			return
		}
	}
	r.OnlyCentre = append(r.OnlyCentre, e)
	if _, ok := t.numbers[aggregateNumber{e.Aggregate, e.AggregateSeq}]; ok {
		r.Conflicts = append(r.Conflicts, e)
	}
}

// hashOfAcknowledged returns the hash of the last event that the centre has acknowledged to this database.
func (t *repairTx) hashOfAcknowledged(ctx context.Context, from Position) (bus.Hash, error) {
	switch from.Acknowledged {
	case 0:
		return bus.Genesis, nil
	case from.Announced:
		return from.Hash, nil
	}
	var prev []byte
	err := t.tx.QueryRow(ctx, selectPrevHash, t.partition.Tenant, from.Acknowledged+1).Scan(&prev)
	if err != nil {
		return bus.Hash{}, fmt.Errorf("read hash: %w", err)
	}
	return bus.Hash(prev), nil
}

func (t *repairTx) queueLost(b *pgx.Batch, events []CentreEvent) {
	var (
		ids, types, aggregates []string
		seqs, numbers          []int64
	)
	for _, e := range events {
		ids, types, aggregates = append(ids, e.ID), append(types, e.Type), append(aggregates, e.Aggregate)
		seqs, numbers = append(seqs, e.AggregateSeq), append(numbers, e.NodeSeq)
	}
	if len(events) > 0 {
		b.Queue(insertLost, t.partition.Tenant, ids, types, aggregates, seqs, numbers)
	}
}

// Lost is a report, case or entry of which only the centre has events.
type Lost struct {
	Aggregate string // pseudonym
	Events    int
	LastSeq   int64  // number of the last of them within the aggregate
	Decision  string // "", Keep or Withdraw
}

// Decisions about what only the centre has.
const (
	Keep     = "keep"     // it happened, and stays counted
	Withdraw = "withdraw" // it is not counted any more
)

const selectLostEvents = `select aggregate, count(*)::int, max(aggregate_seq), max(decision) from outbox_lost
	where tenant = $1 group by aggregate order by min(node_seq)`

// ListLost lists what repairs have found that only the centre has.
func ListLost(ctx context.Context, db *pgxpool.Pool, p bus.Partition) (lost []Lost, err error) {
	err = pg.InTenant(ctx, db, p.Tenant, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectLostEvents, p.Tenant)
		if err != nil {
			return err
		}
		lost, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Lost])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list lost events: %w", err)
	}
	return lost, nil
}

// Aggregates returns the reports, cases or entries of the events, without repetition.
func Aggregates(events []CentreEvent) []string {
	found := map[string]bool{}
	for _, e := range events {
		found[e.Aggregate] = true
	}
	return slices.Sorted(maps.Keys(found))
}
