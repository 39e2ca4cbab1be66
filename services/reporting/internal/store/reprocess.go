package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/services/reporting/internal/fact"
)

// Permanent reports whether the database rejected a statement for its data (SQLSTATE class 22) or for a constraint
// (class 23), so that a retry cannot succeed.
func Permanent(err error) bool {
	var rejected *pgconn.PgError
	return errors.As(err, &rejected) && (rejected.Code[:2] == "22" || rejected.Code[:2] == "23")
}

const (
	reprocessAggregates = 200  // reports and cases read at once
	reprocessEvents     = 1000 // events of one report or case
)

const selectBlockedAggregates = `
	select distinct node, source, aggregate from unapplied_event
	where region = $1 and class <> 'gap' and (node, source, aggregate) > ($2, $3, $4)
	order by node, source, aggregate limit $5`

// Reprocess applies dead-lettered events of a region again, in the order of each report or case, up to the first that
// still fails. Call it after an upgrade, and when code lists have changed. It returns how many events were applied.
func (s *Store) Reprocess(ctx context.Context, region string, decode Decoder, codes fact.Codes) (int, error) {
	recovered := 0
	after := aggregate{}
	for {
		var page []aggregate
		err := s.inRegion(ctx, region, func(ctx context.Context, tx pgx.Tx) error {
			rows, err := tx.Query(ctx, selectBlockedAggregates, region, after.node, after.source, after.name,
				reprocessAggregates)
			if err != nil {
				return err
			}
			page, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (a aggregate, err error) {
				return a, row.Scan(&a.node, &a.source, &a.name)
			})
			return err
		})
		if err != nil {
			return recovered, fmt.Errorf("list blocked aggregates: %w", err)
		}
		for _, a := range page {
			n, err := s.reprocessAggregate(ctx, region, a, decode, codes)
			if err != nil && !Permanent(err) {
				return recovered, fmt.Errorf("reprocess: %w", err)
			}
			recovered += n
			after = a
		}
		if len(page) < reprocessAggregates {
			return recovered, nil
		}
	}
}

const selectDeadLetteredEvents = `
	select ` + unappliedColumns + ` from unapplied_event
	where region = $1 and node = $2 and source = $3 and aggregate = $4 and class <> 'gap'
	order by aggregate_seq, node_seq limit $5`

func (s *Store) reprocessAggregate(
	ctx context.Context, region string, a aggregate, decode Decoder, codes fact.Codes,
) (recovered int, err error) {
	err = s.inRegion(ctx, region, func(ctx context.Context, tx pgx.Tx) error {
		t := &batchTx{tx: tx, batch: Batch{Region: region}}
		if err := t.lock(ctx, []partitionKey{{a.node, a.source}}); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, selectDeadLetteredEvents, region, a.node, a.source, a.name, reprocessEvents)
		if err != nil {
			return err
		}
		events, err := pgx.CollectRows(rows, scanUnapplied(region))
		if err != nil {
			return err
		}
		if t.facts, err = loadFacts(ctx, tx, region, events); err != nil {
			return err
		}
		p := t.partitions[0]
		for _, e := range events {
			if catchPanic(func() error { return t.facts.apply(p, e, decode, codes) }) != nil {
				break
			}
			p.sequence.released = append(p.sequence.released, e.NodeSeq)
		}
		if recovered = len(p.sequence.released); recovered == 0 {
			return nil
		}
		return t.save(ctx)
	})
	if err != nil {
		return 0, err
	}
	return recovered, nil
}

const selectDeadLettered = `
	select node_seq, class from unapplied_event
	where region = $1 and node = $2 and source = $3 and class <> 'gap' order by node_seq limit 1000`

// ListDeadLettered returns the dead-lettered events of a partition and those blocked by them, by number; it is for
// tests and operators.
func (s *Store) ListDeadLettered(ctx context.Context, p bus.Partition) (map[int64]Class, error) {
	found := map[int64]Class{}
	err := s.inRegion(ctx, p.Region, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectDeadLettered, p.Region, p.Node, p.Source)
		if err != nil {
			return err
		}
		var (
			seq   int64
			class Class
		)
		_, err = pgx.ForEachRow(rows, []any{&seq, &class}, func() error {
			found[seq] = class
			return nil
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list dead-lettered events: %w", err)
	}
	return found, nil
}
