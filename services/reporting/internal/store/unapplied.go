package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/tenant"
)

// unappliedEvent is an event to be stored without effect, and why.
type unappliedEvent struct {
	Event
	class Class
}

// unappliedColumns are the columns that scanUnapplied reads, in its order.
const unappliedColumns = `node, source, node_seq, event_id, event_hash, prev_hash, type, aggregate, aggregate_seq, data`

// scanUnapplied returns a function that reads a row of unapplied_event. Only verified events are stored there, so the
// signature is not.
func scanUnapplied(region string) func(pgx.CollectableRow) (Event, error) {
	return func(row pgx.CollectableRow) (Event, error) {
		e := Event{Event: bus.Event{Partition: bus.Partition{Tenant: tenant.ID{Region: region}}}}
		var (
			id         uuid.UUID
			hash, prev []byte
		)
		err := row.Scan(&e.Partition.Tenant.Node, &e.Partition.Source, &e.NodeSeq, &id, &hash, &prev, &e.Type,
			&e.Aggregate, &e.AggregateSeq, &e.Data)
		if err != nil {
			return Event{}, err
		}
		e.ID = id.String()
		copy(e.Hash[:], hash)
		copy(e.PrevHash[:], prev)
		return e, nil
	}
}

const (
	selectBufferedByNumber = `
		select ` + unappliedColumns + ` from unapplied_event
		where region = $1 and node = $2 and source = $3 and class = 'gap' and node_seq = any ($4::bigint[])`
	selectFirstBuffered = `
		select ` + unappliedColumns + ` from unapplied_event
		where region = $1 and node = $2 and source = $3 and class = 'gap' and node_seq > $4
		  and not node_seq = any ($5::bigint[])
		order by node_seq limit $6`
)

// loadBuffered reads, for each partition with a gap, the buffered events that were received again and, where the gap
// may close, those that may be applied now.
func (t *batchTx) loadBuffered(
	ctx context.Context, received map[partitionKey][]Event,
) (map[partitionKey][]Event, error) {
	found := map[partitionKey][]Event{}
	b := &pgx.Batch{}
	var owners []partitionKey // of each query, in order
	for _, p := range t.partitions {
		if p.buffered == 0 {
			continue
		}
		numbers := []int64{}
		closes := len(received[p.key]) == 0 // called by Drain
		for _, e := range received[p.key] {
			numbers = append(numbers, e.NodeSeq)
			closes = closes || e.NodeSeq == p.acknowledged+1
		}
		b.Queue(selectBufferedByNumber, t.batch.Region, p.key.node, p.key.source, numbers)
		owners = append(owners, p.key)
		if closes && t.batch.DrainLimit > 0 {
			b.Queue(selectFirstBuffered, t.batch.Region, p.key.node, p.key.source, p.acknowledged, numbers,
				t.batch.DrainLimit)
			owners = append(owners, p.key)
		}
	}
	err := sendBatch(ctx, t.tx, b, func(results pgx.BatchResults) error {
		for _, owner := range owners {
			rows, err := results.Query()
			if err != nil {
				return err
			}
			events, err := pgx.CollectRows(rows, scanUnapplied(t.batch.Region))
			if err != nil {
				return err
			}
			found[owner] = append(found[owner], events...)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load buffered events: %w", err)
	}
	return found, nil
}

const deleteUnapplied = `
	delete from unapplied_event where region = $1 and node = $2 and source = $3 and node_seq = any ($4::bigint[])`

// queueReleased deletes events that are applied now, or leave the buffer.
func (t *batchTx) queueReleased(b *pgx.Batch) {
	for _, p := range t.partitions {
		if len(p.sequence.released) > 0 {
			b.Queue(deleteUnapplied, t.batch.Region, p.key.node, p.key.source, p.sequence.released)
		}
	}
}

const insertUnapplied = `
	insert into unapplied_event (region, node, source, node_seq, class, event_id, event_hash, prev_hash, type,
	       aggregate, aggregate_seq, data)
	values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`

func (t *batchTx) queueUnapplied(b *pgx.Batch) {
	for _, e := range t.unapplied {
		b.Queue(insertUnapplied, t.batch.Region, e.Partition.Tenant.Node, e.Partition.Source, e.NodeSeq, e.class, e.ID,
			e.Hash[:], e.PrevHash[:], e.Type, e.Aggregate, e.AggregateSeq, e.Data)
	}
}
