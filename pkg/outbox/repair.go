package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
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

// ListCentre lists what the centre has of the partition after a number, in order: some of it, or nothing when there is
// no more.
type ListCentre func(ctx context.Context, after int64) (Position, []CentreEvent, error)

// Repair settles a partition that was stopped as restored.
type Repair struct {
	DB        *pgxpool.Pool // as the owner of the tables: the runtime role cannot renumber events
	Partition bus.Partition
	Signer    *bus.Signer
	Centre    ListCentre
	Records   Records // nil: the service has none that has further events
}

// Records are the reports or cases of a service, which events are about.
type Records interface {
	// Lock locks a record, so that no event about it is appended before the repair ends, and reports whether the
	// service has it.
	Lock(ctx context.Context, tx pgx.Tx, t tenant.ID, aggregate string) (known bool, err error)
	// Continue sets the number of the last event about a locked record.
	Continue(ctx context.Context, tx pgx.Tx, t tenant.ID, aggregate string, seq int64) error
}

// Repaired is what a repair has done, or would do.
type Repaired struct {
	From, To   Position // of this database before, and the centre's
	Common     int64    // up to here both have the same events
	Taken      int      // pending events that the centre has counted: they keep the centre's number
	Renumbered int      // pending events that the centre has not: they get new numbers
	// OnlyCentre are events that this database has lost. Continued are the reports and cases among them that it has in
	// an older state: their next events follow those of the centre.
	OnlyCentre []CentreEvent
	Continued  []string
}

// Errors of a repair.
var (
	// ErrCentreBehind: the centre has acknowledged less than this database knows, so the centre is the one to repair.
	ErrCentreBehind = errors.New("outbox: the centre is behind this database")
	// ErrIncompleteList: the centre's list does not lead to its position.
	ErrIncompleteList = errors.New("outbox: the list of the centre is incomplete")
	// ErrForeign: the centre has another event where both agreed before, so this is the database of another partition.
	ErrForeign = errors.New("outbox: the database is not the one that sent this partition")
)

// Run takes over the centre's position, in one transaction. A pending event that the centre has counted gets the number
// that it has there, so that it is not sent again. The other pending events lose their numbers, so that the relay
// numbers them after the centre's. What only the centre has is stored for ListLost. No event is deleted.
//
// The relay may run: it is stopped, notices the repair and goes on. The service may run too: the records that the
// repair renumbers events of are locked, and what was appended about them until then is renumbered as well. With dryRun
// nothing is changed. A partition that agrees with the centre is left as it is.
func (r Repair) Run(ctx context.Context, dryRun bool) (done Repaired, err error) {
	position, events, err := r.listCentre(ctx)
	if err != nil {
		return Repaired{}, fmt.Errorf("list events of the centre: %w", err)
	}
	errDryRun := errors.New("dry run")
	err = pg.InTenant(ctx, r.DB, r.Partition.Tenant, func(ctx context.Context, tx pgx.Tx) error {
		t := &repairTx{Repair: r, tx: tx, done: Repaired{To: position}}
		if err := t.repair(ctx, events); err != nil {
			return err
		}
		if done = t.done; dryRun {
			return errDryRun
		}
		return nil
	})
	if err != nil && !errors.Is(err, errDryRun) {
		return Repaired{}, fmt.Errorf("repair: %w", err)
	}
	return done, nil
}

const selectAcknowledged = `select coalesce(max(acknowledged_seq), 0) from outbox_partition where tenant = $1`

// listCentre lists what the centre has from the last acknowledged event on, before anything is locked.
func (r Repair) listCentre(ctx context.Context) (p Position, all []CentreEvent, err error) {
	var after int64
	err = pg.InTenant(ctx, r.DB, r.Partition.Tenant, func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, selectAcknowledged, r.Partition.Tenant).Scan(&after)
	})
	if err != nil {
		return Position{}, nil, err
	}
	for after = max(after-1, 0); ; {
		var events []CentreEvent
		if p, events, err = r.Centre(ctx, after); err != nil || len(events) == 0 {
			return p, all, err
		}
		all, after = append(all, events...), events[len(events)-1].NodeSeq
	}
}

// repairTx is the transaction of a repair.
type repairTx struct {
	Repair

	tx      pgx.Tx
	done    Repaired
	pending []pendingEvent // in the order of their numbers, then of their commits
	base    bus.Hash       // of the last event that the centre has acknowledged to this database
	lost    int64
}

// pendingEvent is an event that the centre has not acknowledged.
type pendingEvent struct {
	rowID int64
	bus.Event

	taken bool // the centre has it
}

const (
	lockRepaired = `select last_seq, last_hash, acknowledged_seq, lost_seq from outbox_partition
		where tenant = $1 for update`
	clearNumbers = `update outbox set node_seq = null, prev_hash = null, key_id = null, signature = null
		where tenant = $1 and node_seq > $2`
	updateRepaired = `update outbox_partition set last_seq = $2, last_hash = $3, published_seq = $2,
		acknowledged_seq = $2 where tenant = $1`
	updateLost = `update outbox_partition set lost_seq = greatest(lost_seq, $2) where tenant = $1`
)

func (t *repairTx) repair(ctx context.Context, events []CentreEvent) error {
	if err := t.load(ctx); err != nil {
		return err
	}
	b := &pgx.Batch{}
	b.Queue(clearNumbers, t.Partition.Tenant, t.done.From.Acknowledged)
	if err := t.compare(b, events); err != nil {
		return err
	}
	switch {
	case t.done.To.Acknowledged > t.done.Common:
		b.Queue(updateRepaired, t.Partition.Tenant, t.done.To.Acknowledged, t.done.To.Hash[:])
		b.Queue(upsertDailyOffset, t.Partition.Tenant, t.done.To.Acknowledged)
		if err := t.continueAggregates(ctx, b); err != nil {
			return err
		}
		t.done.Renumbered = len(t.pending) - t.done.Taken
	case t.done.To.Announced > max(t.done.From.Announced, t.lost):
		b, t.done.Taken = &pgx.Batch{}, 0 // only numbers were lost: pending events keep theirs
	default:
		t.done.Taken = 0
		return nil
	}
	b.Queue(updateLost, t.Partition.Tenant, t.done.To.Announced)
	return t.tx.SendBatch(ctx, b).Close()
}

const selectPending = `select id, event_id, type, aggregate, aggregate_seq, data, coalesce(node_seq, 0),
	coalesce(prev_hash, '\x') from outbox
	where tenant = $1 and (node_seq is null or node_seq > $2) order by node_seq, id`

// load locks the partition against the relay, and reads the pending events. A database that never had a relay gets its
// partition.
func (t *repairTx) load(ctx context.Context) error {
	if _, err := t.tx.Exec(ctx, insertPartition, t.Partition.Tenant); err != nil {
		return err
	}
	from, hash := &t.done.From, []byte(nil)
	row := t.tx.QueryRow(ctx, lockRepaired, t.Partition.Tenant)
	if err := row.Scan(&from.Announced, &hash, &from.Acknowledged, &t.lost); err != nil {
		return err
	}
	from.Hash, t.done.Common = bus.Hash(hash), from.Acknowledged
	if err := t.readPending(ctx); err != nil {
		return err
	}
	switch {
	case from.Acknowledged == 0:
	case from.Acknowledged == from.Announced:
		t.base = from.Hash
	case len(t.pending) == 0 || t.pending[0].NodeSeq != from.Acknowledged+1:
		return errors.New("an event after the acknowledged offset is missing from the outbox")
	default:
		t.base = t.pending[0].PrevHash
	}
	return nil
}

// readPending reads the pending events. Those that were taken before stay so.
func (t *repairTx) readPending(ctx context.Context) error {
	taken := map[int64]bool{}
	for _, e := range t.pending {
		taken[e.rowID] = e.taken
	}
	rows, err := t.tx.Query(ctx, selectPending, t.Partition.Tenant, t.done.From.Acknowledged)
	if err != nil {
		return err
	}
	t.pending, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (pendingEvent, error) {
		e, id, prev := pendingEvent{Event: bus.Event{Partition: t.Partition}}, uuid.UUID{}, []byte(nil)
		err := row.Scan(&e.rowID, &id, &e.Type, &e.Subject, &e.AggregateSeq, &e.Data, &e.NodeSeq, &prev)
		e.ID, e.taken = id.String(), taken[e.rowID]
		copy(e.PrevHash[:], prev)
		return e, err
	})
	return err
}

// compare walks what the centre has from the last acknowledged event on, and queues the numbers of the pending events
// among it.
func (t *repairTx) compare(b *pgx.Batch, events []CentreEvent) error {
	acknowledged := t.done.From.Acknowledged
	if t.done.To.Acknowledged < acknowledged {
		return ErrCentreBehind
	}
	index := map[string]int{}
	for i, e := range t.pending {
		index[e.ID] = i
	}
	// The list may begin before the acknowledged offset, when this advanced meanwhile.
	last, hash, same := acknowledged, t.base, true
	for _, e := range events {
		switch {
		case e.NodeSeq < acknowledged:
		case e.NodeSeq == acknowledged:
			if e.Hash != t.base {
				return ErrForeign
			}
		case e.NodeSeq != last+1:
			return ErrIncompleteList
		default:
			i, ok := index[e.ID]
			same = same && ok && t.pending[i].NodeSeq == e.NodeSeq && t.pending[i].Hash() == e.Hash
			if same {
				t.done.Common = e.NodeSeq
			}
			if !ok || !t.take(b, &t.pending[i], e, hash) {
				t.done.OnlyCentre = append(t.done.OnlyCentre, e)
			}
			last, hash = e.NodeSeq, e.Hash
		}
	}
	if last != t.done.To.Acknowledged || hash != t.done.To.Hash {
		return ErrIncompleteList
	}
	return nil
}

const takeNumber = `update outbox set node_seq = $3, prev_hash = $4, key_id = $5, signature = $6
	where tenant = $1 and id = $2`

// take gives a pending event the number that the centre has for it. prev is the hash of the event before it there. It
// reports whether both are the same event.
func (t *repairTx) take(b *pgx.Batch, own *pendingEvent, e CentreEvent, prev bus.Hash) bool {
	taken := own.Event
	taken.NodeSeq, taken.PrevHash = e.NodeSeq, prev
	if taken.Hash() != e.Hash {
		return false
	}
	taken.Sign(t.Signer)
	b.Queue(takeNumber, t.Partition.Tenant, own.rowID, e.NodeSeq, prev[:], taken.KeyID, taken.Signature)
	own.taken = true
	t.done.Taken++
	return true
}

const (
	shiftEvent = `update outbox set aggregate_seq = $3 where tenant = $1 and id = $2`
	insertLost = `insert into outbox_lost (tenant, event_id, type, aggregate, aggregate_seq, node_seq, decision)
		select $1, * from unnest($2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::text[])
		on conflict do nothing`
)

// continueAggregates lets the reports and cases that the service has in an older state go on after the centre's last
// event of each, and queues the list of what only the centre has. What the service still has stays counted.
func (t *repairTx) continueAggregates(ctx context.Context, b *pgx.Batch) error {
	last := map[string]int64{} // number of the centre's last event, by aggregate
	var aggregates []string
	for _, e := range t.done.OnlyCentre {
		if last[e.Aggregate] == 0 {
			aggregates = append(aggregates, e.Aggregate)
		}
		last[e.Aggregate] = max(last[e.Aggregate], e.AggregateSeq)
	}
	known, err := t.lockRecords(ctx, aggregates)
	if err != nil {
		return err
	}
	for _, aggregate := range aggregates {
		seq := t.shift(b, aggregate, last[aggregate])
		if !known[aggregate] {
			continue
		}
		if err := t.Records.Continue(ctx, t.tx, t.Partition.Tenant, aggregate, seq); err != nil {
			return fmt.Errorf("continue %s: %w", aggregate, err)
		}
		t.done.Continued = append(t.done.Continued, aggregate)
	}
	t.queueLost(b, known)
	return nil
}

// lockRecords locks the records of aggregates, and reads the pending events again: a transaction that held the lock of
// a record may have appended one since they were read, under a number that the centre has for another.
func (t *repairTx) lockRecords(ctx context.Context, aggregates []string) (known map[string]bool, err error) {
	known = map[string]bool{}
	if t.Records == nil {
		return known, nil
	}
	for _, aggregate := range aggregates {
		if known[aggregate], err = t.Records.Lock(ctx, t.tx, t.Partition.Tenant, aggregate); err != nil {
			return nil, fmt.Errorf("lock %s: %w", aggregate, err)
		}
	}
	return known, t.readPending(ctx)
}

// queueLost queues the list of what only the centre has. What is about a known record is kept.
func (t *repairTx) queueLost(b *pgx.Batch, known map[string]bool) {
	ids, types, aggregates, decisions := []string{}, []string{}, []string{}, []string{}
	seqs, numbers := []int64{}, []int64{}
	for _, e := range t.done.OnlyCentre {
		ids, types, aggregates = append(ids, e.ID), append(types, e.Type), append(aggregates, e.Aggregate)
		seqs, numbers = append(seqs, e.AggregateSeq), append(numbers, e.NodeSeq)
		decisions = append(decisions, map[bool]string{true: Keep}[known[e.Aggregate]])
	}
	b.Queue(insertLost, t.Partition.Tenant, ids, types, aggregates, seqs, numbers, decisions)
}

// shift queues that the pending events of an aggregate, which the centre does not have, follow the centre's last one.
// It returns the number of the last event then.
func (t *repairTx) shift(b *pgx.Batch, aggregate string, last int64) int64 {
	var own []pendingEvent
	for _, e := range t.pending {
		if e.Subject == aggregate && !e.taken {
			own = append(own, e)
		}
	}
	slices.SortFunc(own, func(a, b pendingEvent) int { return int(b.AggregateSeq - a.AggregateSeq) })
	end := last + int64(len(own))
	for i, e := range own { // from the last, because two events may not have one number at any time
		if seq := end - int64(i); seq > e.AggregateSeq {
			b.Queue(shiftEvent, t.Partition.Tenant, e.rowID, seq)
		}
	}
	return end
}
