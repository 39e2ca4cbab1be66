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

// Permanent tells whether the database refused what was asked, so that asking again will not help: data that a column
// cannot hold, or a rule of the schema.
func Permanent(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && (refused.Code[:2] == "22" || refused.Code[:2] == "23")
}

// redriveCases bounds how many reports or cases one call of Redrive looks at, redriveEvents how many events of each.
const (
	redriveCases  = 200
	redriveEvents = 1000
)

var (
	selectParkedCases = statement("select parked cases", `
		select distinct node, source, aggregate from parked
		where region = $1 and class <> 'gap' and (node, source, aggregate) > ($2, $3, $4)
		order by node, source, aggregate limit $5`)
	selectParkedEvents = statement("select parked events", `
		select node, source, node_seq, event_id, event_hash, prev_hash, type, aggregate, aggregate_seq, data from parked
		where region = $1 and node = $2 and source = $3 and aggregate = $4 and class <> 'gap'
		order by aggregate_seq, node_seq limit $5`)
)

// Redrive tries the refused events of a region again, each report or case in its order until one is refused still: after a
// new version of the program, or when code lists have changed. It returns how many took effect.
func (s *Store) Redrive(ctx context.Context, region string, read Read, codes fact.Codes) (int, error) {
	healed := 0
	after := aggregate{}
	for {
		var some []aggregate
		err := s.inRegion(ctx, region, func(ctx context.Context, tx pgx.Tx) error {
			rows, err := tx.Query(ctx, selectParkedCases, region, after.node, after.source, after.name, redriveCases)
			if err != nil {
				return err
			}
			some, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (a aggregate, err error) {
				return a, row.Scan(&a.node, &a.source, &a.name)
			})
			return err
		})
		if err != nil {
			return healed, fmt.Errorf("list what is parked: %w", err)
		}
		for _, a := range some {
			n, err := s.redriveOne(ctx, region, a, read, codes)
			if err != nil && !Permanent(err) {
				return healed, fmt.Errorf("redrive: %w", err)
			}
			healed += n
			after = a
		}
		if len(some) < redriveCases {
			return healed, nil
		}
	}
}

func (s *Store) redriveOne(ctx context.Context, region string, a aggregate, read Read, codes fact.Codes) (healed int, err error) {
	err = s.inRegion(ctx, region, func(ctx context.Context, tx pgx.Tx) error {
		t := &taking{tx: tx, batch: Batch{Region: region}}
		if err := t.lock(ctx, []lineKey{{a.node, a.source}}); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, selectParkedEvents, region, a.node, a.source, a.name, redriveEvents)
		if err != nil {
			return err
		}
		events, err := pgx.CollectRows(rows, scanParked(region))
		if err != nil {
			return err
		}
		if t.facts, err = loadFacts(ctx, tx, region, events); err != nil {
			return err
		}
		line := t.lines[0]
		for _, e := range events {
			if guard(func() error { return t.facts.change(line, e, read, codes) }) != nil {
				break
			}
			line.sequence.freed = append(line.sequence.freed, e.NodeSeq)
		}
		if healed = len(line.sequence.freed); healed == 0 {
			return nil
		}
		return t.save(ctx)
	})
	if err != nil {
		return 0, err
	}
	return healed, nil
}

// Refused lists the classes under which events of a line are parked for good, with their numbers; for tests and operators.
func (s *Store) Refused(ctx context.Context, line bus.Partition) (map[int64]Class, error) {
	found := map[int64]Class{}
	err := s.inRegion(ctx, line.Region, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectRefused, line.Region, line.Node, line.Source)
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
		return nil, fmt.Errorf("list what is refused: %w", err)
	}
	return found, nil
}

var selectRefused = statement("select refused", `
	select node_seq, class from parked where region = $1 and node = $2 and source = $3 and class <> 'gap' order by node_seq limit 1000`)
