package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/bus"
)

var (
	selectGapByNumber = statement("select gap by number", `
		select node, source, node_seq, event_id, event_hash, prev_hash, type, aggregate, aggregate_seq, data from parked
		where region = $1 and node = $2 and source = $3 and class = 'gap' and node_seq = any ($4::bigint[])`)
	selectGapFirst = statement("select gap first", `
		select node, source, node_seq, event_id, event_hash, prev_hash, type, aggregate, aggregate_seq, data from parked
		where region = $1 and node = $2 and source = $3 and class = 'gap' and node_seq > $4 and not node_seq = any ($5::bigint[])
		order by node_seq limit $6`)
	deleteParked = statement("delete parked", `
		delete from parked where region = $1 and node = $2 and source = $3 and node_seq = any ($4::bigint[])`)
	insertParked = statement("insert parked", `
		insert into parked (region, node, source, node_seq, class, event_id, event_hash, prev_hash, type, aggregate, aggregate_seq, data)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`)
)

// scanParked reads a row of parked. What is parked was verified before: its signature is not kept.
func scanParked(region string) func(pgx.CollectableRow) (Event, error) {
	return func(row pgx.CollectableRow) (Event, error) {
		e := Event{Event: bus.Event{Partition: bus.Partition{Region: region}}}
		var (
			id         uuid.UUID
			hash, prev []byte
		)
		if err := row.Scan(&e.Partition.Node, &e.Partition.Source, &e.NodeSeq, &id, &hash, &prev, &e.Type, &e.Aggregate, &e.AggregateSeq, &e.Data); err != nil {
			return Event{}, err
		}
		e.ID = id.String()
		copy(e.Hash[:], hash)
		copy(e.PrevHash[:], prev)
		return e, nil
	}
}

// parked loads, for lines with events behind a gap, those that have arrived again and, where the gap may close, those that
// may follow.
func (t *taking) parked(ctx context.Context, arrived map[lineKey][]Event) (map[lineKey][]Event, error) {
	found := map[lineKey][]Event{}
	b := &pgx.Batch{}
	var owners []lineKey
	for _, l := range t.lines {
		if l.waiting == 0 {
			continue
		}
		numbers := []int64{}
		closes := len(arrived[l.key]) == 0 // a drain
		for _, e := range arrived[l.key] {
			numbers = append(numbers, e.NodeSeq)
			closes = closes || e.NodeSeq == l.applied+1
		}
		b.Queue(selectGapByNumber, t.batch.Region, l.key.node, l.key.source, numbers)
		owners = append(owners, l.key)
		if closes && t.batch.Waiting > 0 {
			b.Queue(selectGapFirst, t.batch.Region, l.key.node, l.key.source, l.applied, numbers, t.batch.Waiting)
			owners = append(owners, l.key)
		}
	}
	err := run(ctx, t.tx, b, func(results pgx.BatchResults) error {
		for _, owner := range owners {
			rows, err := results.Query()
			if err != nil {
				return err
			}
			events, err := pgx.CollectRows(rows, scanParked(t.batch.Region))
			if err != nil {
				return err
			}
			found[owner] = append(found[owner], events...)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load what waits: %w", err)
	}
	return found, nil
}

func (t *taking) freeParked(b *pgx.Batch) {
	for _, l := range t.lines {
		if len(l.sequence.freed) > 0 {
			b.Queue(deleteParked, t.batch.Region, l.key.node, l.key.source, l.sequence.freed)
		}
	}
}

func (t *taking) queueParked(b *pgx.Batch) {
	for _, e := range t.park {
		b.Queue(insertParked, t.batch.Region, e.Partition.Node, e.Partition.Source, e.NodeSeq, e.class, e.ID, e.Hash[:], e.PrevHash[:],
			e.Type, e.Aggregate, e.AggregateSeq, e.Data)
	}
}
