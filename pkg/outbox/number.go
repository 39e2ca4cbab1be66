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

// errDatabase marks what ends a lease.
var errDatabase = errors.New("outbox database")

const (
	markSent = `update outbox_line set sent_seq = greatest(sent_seq, $2), confirmed_seq = greatest(confirmed_seq, $3) where node = $1`
	markDay  = `insert into outbox_day (node, day, confirmed_seq) values ($1, current_date, $2)
		on conflict (node, day) do update set confirmed_seq = greatest(outbox_day.confirmed_seq, excluded.confirmed_seq)`
	selectWaiting = `select id, event_id, type, aggregate, aggregate_seq, data, traceparent from outbox
		where node = $1 and node_seq is null order by id limit $2 for no key update`
	lockLine = `select last_seq, last_hash from outbox_line where node = $1 for no key update`
	// Rows find their values by position, not by a join: a planner without statistics would walk the backlog for each.
	numberThese = `update outbox set node_seq = $3 + array_position($2::bigint[], id), prev_hash = ($4::bytea[])[array_position($2::bigint[], id)],
		key_id = $5, signature = ($6::bytea[])[array_position($2::bigint[], id)]
		where node = $1 and id = any ($2) and node_seq is null`
	moveLine = `update outbox_line set last_seq = $2, last_hash = $3 where node = $1`
	// What has a number is read by number, from a position that the caller knows.
	selectNumbered = `select event_id, type, aggregate, aggregate_seq, data, traceparent, node_seq, prev_hash, key_id, signature, resends
		from outbox where node = $1 and node_seq between $2 and $3 order by node_seq limit $4`
)

// advance is the one transaction that moves the line: it stores what hub and centre acknowledged, and numbers what waits,
// as far as the queue has room.
func (l *leader) advance(ctx context.Context) error {
	node, room := l.r.c.tenant(), l.r.c.Batch-len(l.queue)
	if len(l.queue) == 0 && l.acked < l.last { // numbered before this relay led
		if err := l.load(ctx); err != nil {
			return err
		}
		room = l.r.c.Batch - len(l.queue)
	}
	if l.acked+int64(len(l.queue)) < l.last {
		room = 0 // there is more with a number: no new ones meanwhile
	}
	b := &pgx.Batch{}
	b.Queue("begin")
	b.Queue(pg.SetTenant, node)
	if l.acked > l.sent || l.applied > l.confirmed {
		b.Queue(markSent, node, max(l.acked, l.applied), l.applied)
	}
	if l.applied > l.confirmed {
		b.Queue(markDay, node, l.applied)
	}
	if room <= 0 {
		b.Queue("commit")
		if err := l.conn.SendBatch(ctx, b).Close(); err != nil {
			return fmt.Errorf("%w: mark: %w", errDatabase, err)
		}
		l.marked()
		return nil
	}
	b.Queue(lockLine, node)
	b.Queue(selectWaiting, node, room)
	ids, events, err := l.readWaiting(ctx, b)
	if err != nil {
		return fmt.Errorf("%w: number: %w", errDatabase, err)
	}
	b = &pgx.Batch{}
	last, hash := l.last, l.lastHash
	if len(events) > 0 {
		last, hash = l.number(b, ids, events)
	}
	b.Queue("commit")
	if err := l.conn.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("%w: number: %w", errDatabase, err)
	}
	l.last, l.lastHash = last, hash
	l.queue = append(l.queue, events...)
	l.marked()
	return nil
}

func (l *leader) marked() {
	l.sent = max(l.sent, l.acked, l.applied)
	l.acked = l.sent
	l.confirmed = l.applied
	// What the centre has applied was stored, also when this relay missed the acknowledgement.
	for len(l.queue) > 0 && l.queue[0].NodeSeq <= l.acked {
		l.queue = l.queue[1:]
	}
}

// readWaiting sends the first half of the transaction. The statement before the last reads the line, which must be where
// this leader left it.
func (l *leader) readWaiting(ctx context.Context, b *pgx.Batch) ([]int64, []bus.Event, error) {
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
		return nil, nil, errors.New("the line was moved by somebody else")
	}
	rows, err := results.Query()
	if err != nil {
		return nil, nil, err
	}
	var ids []int64
	events, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (bus.Event, error) {
		e, id, eventID := bus.Event{Line: l.r.c.Line}, int64(0), uuid.UUID{}
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
	prevs, signatures := make([][]byte, len(events)), make([][]byte, len(events))
	for i := range events {
		last++
		e := &events[i]
		e.NodeSeq, e.PrevHash = last, hash
		e.Sign(l.r.c.Signer)
		hash = e.Hash()
		prevs[i], signatures[i] = e.PrevHash[:], e.Signature
	}
	b.Queue(numberThese, l.r.c.tenant(), ids, l.last, prevs, l.r.c.Signer.KeyID(), signatures)
	b.Queue(moveLine, l.r.c.tenant(), last, hash[:])
	return last, hash
}

// load reads events that have a number and no acknowledgement yet.
func (l *leader) load(ctx context.Context) error {
	events, _, err := l.numbered(ctx, l.acked+1, l.last, l.r.c.Batch)
	if err != nil {
		return err
	}
	if len(events) == 0 || events[0].NodeSeq != l.acked+1 {
		return fmt.Errorf("%w: event %d is missing from the outbox", errDatabase, l.acked+1)
	}
	l.queue = events
	return nil
}

func (l *leader) numbered(ctx context.Context, first, last int64, limit int) ([]bus.Event, []int, error) {
	var resends []int
	var events []bus.Event
	err := l.inTenant(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectNumbered, l.r.c.tenant(), first, last, limit)
		if err != nil {
			return err
		}
		events, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (bus.Event, error) {
			e, eventID, prev, n := bus.Event{Line: l.r.c.Line}, uuid.UUID{}, []byte(nil), 0
			err := row.Scan(&eventID, &e.Type, &e.Subject, &e.AggregateSeq, &e.Data, &e.Traceparent, &e.NodeSeq, &prev, &e.KeyID, &e.Signature, &n)
			e.ID = eventID.String()
			copy(e.PrevHash[:], prev)
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
