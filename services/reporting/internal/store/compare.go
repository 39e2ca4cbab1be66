package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/bus"
)

const selectOffset = `
	select acknowledged_seq, acknowledged_hash, last_seq, buffered from partition
	where region = $1 and node = $2 and source = $3`

// GetOffset returns how far a partition is acknowledged. It is zero for a partition that is not known.
func (s *Store) GetOffset(ctx context.Context, p bus.Partition) (o Offset, err error) {
	err = s.inRegion(ctx, p.Tenant.Region, func(ctx context.Context, tx pgx.Tx) error {
		o, err = selectPartitionOffset(ctx, tx, p)
		return err
	})
	if err != nil {
		return Offset{}, fmt.Errorf("get offset: %w", err)
	}
	return o, nil
}

func selectPartitionOffset(ctx context.Context, tx pgx.Tx, p bus.Partition) (Offset, error) {
	o := Offset{Partition: p}
	var hash []byte
	row := tx.QueryRow(ctx, selectOffset, p.Tenant.Region, p.Tenant.Node, p.Source)
	err := row.Scan(&o.Acknowledged, &hash, &o.Announced, &o.Buffered)
	if errors.Is(err, pgx.ErrNoRows) {
		return Offset{Partition: p}, nil
	}
	copy(o.Hash[:], hash)
	return o, err
}

// InboxEvent is an event that used up its number: applied, dead-lettered or blocked.
type InboxEvent struct {
	NodeSeq      int64
	ID           string
	Hash         bus.Hash
	Type         string
	Aggregate    string
	AggregateSeq int64
}

const selectInboxAfter = `
	select node_seq, event_id, event_hash, type, aggregate, aggregate_seq from inbox
	where region = $1 and node = $2 and source = $3 and node_seq > $4 order by node_seq limit $5`

// ListInbox returns the acknowledged offset of a partition, and its events after a number up to this offset.
func (s *Store) ListInbox(
	ctx context.Context, p bus.Partition, after int64, limit int,
) (o Offset, events []InboxEvent, err error) {
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = s.inRegionWith(ctx, snapshot, p.Tenant.Region, func(ctx context.Context, tx pgx.Tx) error {
		if o, err = selectPartitionOffset(ctx, tx, p); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, selectInboxAfter, p.Tenant.Region, p.Tenant.Node, p.Source, after, limit)
		if err != nil {
			return err
		}
		events, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (e InboxEvent, err error) {
			var id uuid.UUID
			var hash []byte
			err = row.Scan(&e.NodeSeq, &id, &hash, &e.Type, &e.Aggregate, &e.AggregateSeq)
			e.ID = id.String()
			copy(e.Hash[:], hash)
			return e, err
		})
		return err
	})
	if err != nil {
		return Offset{}, nil, fmt.Errorf("list inbox: %w", err)
	}
	return o, events, nil
}
