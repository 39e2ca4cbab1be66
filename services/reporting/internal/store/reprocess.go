package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/tenant"
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

// Reprocessed is the result of Reprocess.
type Reprocessed struct {
	Applied int
	// Failures has the first event of each report or case that still fails. When the database rejects the effect of the
	// events of a report or case, the failure has ClassDatabase and the number of the first of them.
	Failures []Failure
}

// Reprocess applies dead-lettered and blocked events of a region again, in the order of each report or case, up to the
// first that still fails. Call it after an upgrade, and when code lists have changed. The result is valid also when an
// error is returned: it covers what was reprocessed before.
func (s *Store) Reprocess(
	ctx context.Context, region string, decode Decoder, codes fact.Codes,
) (total Reprocessed, err error) {
	after := aggregateKey{}
	for {
		var page []aggregateKey
		err := s.inRegion(ctx, region, func(ctx context.Context, tx pgx.Tx) error {
			rows, err := tx.Query(ctx, selectBlockedAggregates, region, after.node, after.source, after.aggregate,
				reprocessAggregates)
			if err != nil {
				return err
			}
			page, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (a aggregateKey, err error) {
				return a, row.Scan(&a.node, &a.source, &a.aggregate)
			})
			return err
		})
		if err != nil {
			return total, fmt.Errorf("list blocked aggregates: %w", err)
		}
		for _, a := range page {
			r, err := s.reprocessAggregate(ctx, region, a, decode, codes)
			if err != nil {
				return total, fmt.Errorf("reprocess: %w", err)
			}
			total.Applied += r.Applied
			total.Failures = append(total.Failures, r.Failures...)
			after = a
		}
		if len(page) < reprocessAggregates {
			return total, nil
		}
	}
}

const selectUnappliedOfAggregate = `
	select ` + unappliedColumns + ` from unapplied_event
	where region = $1 and node = $2 and source = $3 and aggregate = $4 and class <> 'gap'
	order by aggregate_seq, node_seq limit $5`

func (s *Store) reprocessAggregate(
	ctx context.Context, region string, a aggregateKey, decode Decoder, codes fact.Codes,
) (r Reprocessed, err error) {
	var events []Event
	err = s.inRegion(ctx, region, func(ctx context.Context, tx pgx.Tx) error {
		t := &batchTx{tx: tx, batch: Batch{Region: region}}
		if err := t.lock(ctx, []partitionKey{{a.node, a.source}}); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, selectUnappliedOfAggregate, region, a.node, a.source, a.aggregate, reprocessEvents)
		if err != nil {
			return err
		}
		events, err = pgx.CollectRows(rows, scanUnapplied(region))
		if err != nil {
			return err
		}
		if t.facts, err = loadFacts(ctx, tx, region, events); err != nil {
			return err
		}
		p := t.partitions[0]
		for _, e := range events {
			if err := catchPanic(func() error { return t.facts.apply(p, e, decode, codes) }); err != nil {
				r.Failures = append(r.Failures, newFailure(e, err))
				break
			}
			p.sequence.released = append(p.sequence.released, e.NodeSeq)
		}
		if r.Applied = len(p.sequence.released); r.Applied == 0 {
			return nil
		}
		return t.save(ctx)
	})
	if Permanent(err) {
		partition := bus.Partition{Tenant: tenant.ID{Region: region, Node: a.node}, Source: a.source}
		failure := Failure{Partition: partition, Class: ClassDatabase, Err: err}
		if len(events) > 0 {
			failure.NodeSeq = events[0].NodeSeq
		}
		return Reprocessed{Failures: []Failure{failure}}, nil
	}
	if err != nil {
		return Reprocessed{}, err
	}
	return r, nil
}
