package outbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/pg"
)

// errDatabase marks errors that end the lease.
var errDatabase = errors.New("outbox database")

const (
	begin         = `begin`
	commit        = `commit`
	updateOffsets = `update outbox_partition set published_seq = greatest(published_seq, $2),
		acknowledged_seq = greatest(acknowledged_seq, $3) where tenant = $1`
	upsertDailyOffset = `insert into outbox_daily_offset (tenant, day, acknowledged_seq) values ($1, current_date, $2)
		on conflict (tenant, day) do update
		set acknowledged_seq = greatest(outbox_daily_offset.acknowledged_seq, excluded.acknowledged_seq)`
	selectUnnumbered = `select id, event_id, type, aggregate, aggregate_seq, data, traceparent from outbox
		where tenant = $1 and node_seq is null order by id limit $2 for no key update`
	lockPartition = `select last_seq, last_hash from outbox_partition where tenant = $1 for no key update`
	// Rows find their values by array position, not by a join: a planner without statistics would scan the backlog for
	// each.
	updateNumbered = `update outbox set node_seq = $3 + array_position($2::bigint[], id),
		prev_hash = ($4::bytea[])[array_position($2::bigint[], id)], key_id = $5,
		signature = ($6::bytea[])[array_position($2::bigint[], id)]
		where tenant = $1 and id = any ($2) and node_seq is null`
	updateLast = `update outbox_partition set last_seq = $2, last_hash = $3 where tenant = $1`
	// Numbered events are read by number, from a position that the caller knows.
	selectNumbered = `select event_id, type, aggregate, aggregate_seq, data, traceparent, node_seq, prev_hash, key_id,
		signature, resends from outbox where tenant = $1 and node_seq between $2 and $3 order by node_seq limit $4`
)

// storeAndNumber is the one transaction that advances the partition: it stores the offsets that hub and centre have
// acknowledged, and numbers new events as far as the queue has room.
func (l *leader) storeAndNumber(ctx context.Context) error {
	tenant, room := l.r.c.tenant(), l.r.c.Batch-len(l.queue)
	if len(l.queue) == 0 && l.published < l.last { // numbered before this relay led
		if err := l.loadQueue(ctx); err != nil {
			return err
		}
		room = l.r.c.Batch - len(l.queue)
	}
	if l.published+int64(len(l.queue)) < l.last {
		room = 0 // more numbered events follow the queue: no new ones meanwhile
	}
	b := &pgx.Batch{}
	b.Queue(begin)
	b.Queue(pg.SetTenant, tenant)
	if l.published > l.storedPublished || l.acknowledged > l.storedAcknowledged {
		b.Queue(updateOffsets, tenant, max(l.published, l.acknowledged), l.acknowledged)
	}
	if l.acknowledged > l.storedAcknowledged {
		b.Queue(upsertDailyOffset, tenant, l.acknowledged)
	}
	if room <= 0 {
		b.Queue(commit)
		if err := l.conn.SendBatch(ctx, b).Close(); err != nil {
			return fmt.Errorf("%w: store offsets: %w", errDatabase, err)
		}
		l.offsetsStored()
		return nil
	}
	b.Queue(lockPartition, tenant)
	b.Queue(selectUnnumbered, tenant, room)
	ids, events, err := l.readUnnumbered(ctx, b)
	if err != nil {
		return fmt.Errorf("%w: number: %w", errDatabase, err)
	}
	b = &pgx.Batch{}
	last, hash := l.last, l.lastHash
	if len(events) > 0 {
		last, hash = l.number(b, ids, events)
	}
	b.Queue(commit)
	if err := l.conn.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("%w: number: %w", errDatabase, err)
	}
	l.last, l.lastHash = last, hash
	l.queue = append(l.queue, events...)
	l.offsetsStored()
	return nil
}

// offsetsStored notes that the database has the offsets. What the centre has acknowledged the hub has stored, also when
// this relay missed the hub's acknowledgement.
func (l *leader) offsetsStored() {
	l.storedPublished = max(l.storedPublished, l.published, l.acknowledged)
	l.published = l.storedPublished
	l.storedAcknowledged = max(l.storedAcknowledged, l.acknowledged)
	for len(l.queue) > 0 && l.queue[0].NodeSeq <= l.published {
		l.queue = l.queue[1:]
	}
}

// readUnnumbered sends the first half of the transaction. Its last two statements read the partition, which must be
// where this leader left it, and the events to number.
func (l *leader) readUnnumbered(ctx context.Context, b *pgx.Batch) ([]int64, []bus.Event, error) {
	results := l.conn.SendBatch(ctx, b)
	defer func() { _ = results.Close() }()
	for range b.Len() - 2 {
		if _, err := results.Exec(); err != nil {
			return nil, nil, err
		}
	}
	var last int64
	var hash []byte
	if err := results.QueryRow().Scan(&last, &hash); err != nil {
		return nil, nil, err
	}
	if last != l.last || bus.Hash(hash) != l.lastHash {
		return nil, nil, errChanged
	}
	rows, err := results.Query()
	if err != nil {
		return nil, nil, err
	}
	var ids []int64
	events, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (bus.Event, error) {
		e, id, eventID := bus.Event{Partition: l.r.c.Partition}, int64(0), uuid.UUID{}
		err := row.Scan(&id, &eventID, &e.Type, &e.Subject, &e.AggregateSeq, &e.Data, &e.Traceparent)
		e.ID = eventID.String()
		ids = append(ids, id)
		return e, err
	})
	return ids, events, err
}

// number continues the chain over events, and queues the statements that store it.
func (l *leader) number(b *pgx.Batch, ids []int64, events []bus.Event) (int64, bus.Hash) {
	last, hash := l.last, l.lastHash
	prevHashes, signatures := make([][]byte, len(events)), make([][]byte, len(events))
	for i := range events {
		last++
		e := &events[i]
		e.NodeSeq, e.PrevHash = last, hash
		e.Sign(l.r.c.Signer)
		hash = e.Hash()
		prevHashes[i], signatures[i] = e.PrevHash[:], e.Signature
	}
	b.Queue(updateNumbered, l.r.c.tenant(), ids, l.last, prevHashes, l.r.c.Signer.KeyID(), signatures)
	b.Queue(updateLast, l.r.c.tenant(), last, hash[:])
	return last, hash
}

const selectPrevHash = `select prev_hash from outbox where tenant = $1 and node_seq = $2`

// hashAt returns the hash of the event with a number; ok is false when the database does not know it.
func (l *leader) hashAt(ctx context.Context, seq int64) (hash bus.Hash, ok bool, err error) {
	switch {
	case seq == 0:
		return bus.Genesis, true, nil
	case seq == l.last:
		return l.lastHash, true, nil
	case seq > l.last:
		return bus.Hash{}, false, nil
	}
	var prev []byte
	err = l.inTenant(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, selectPrevHash, l.r.c.tenant(), seq+1).Scan(&prev)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return bus.Hash{}, false, nil
	}
	if err != nil {
		return bus.Hash{}, false, fmt.Errorf("%w: read hash: %w", errDatabase, err)
	}
	return bus.Hash(prev), true, nil
}

// loadQueue reads events that are numbered and that the hub has not acknowledged.
func (l *leader) loadQueue(ctx context.Context) error {
	events, _, err := l.selectRange(ctx, l.published+1, l.last, l.r.c.Batch)
	if err != nil {
		return err
	}
	if len(events) == 0 || events[0].NodeSeq != l.published+1 {
		return fmt.Errorf("%w: event %d is missing from the outbox", errDatabase, l.published+1)
	}
	l.queue = events
	return nil
}

// selectRange reads numbered events, and how often each was sent again.
func (l *leader) selectRange(
	ctx context.Context, first, last int64, limit int,
) (events []bus.Event, resends []int, err error) {
	err = l.inTenant(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectNumbered, l.r.c.tenant(), first, last, limit)
		if err != nil {
			return err
		}
		events, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (bus.Event, error) {
			e, eventID, prevHash, n := bus.Event{Partition: l.r.c.Partition}, uuid.UUID{}, []byte(nil), 0
			err := row.Scan(&eventID, &e.Type, &e.Subject, &e.AggregateSeq, &e.Data, &e.Traceparent, &e.NodeSeq,
				&prevHash, &e.KeyID, &e.Signature, &n)
			e.ID = eventID.String()
			copy(e.PrevHash[:], prevHash)
			resends = append(resends, n)
			return e, err
		})
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("%w: read: %w", errDatabase, err)
	}
	return events, resends, nil
}
