package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/services/reporting/internal/fact"
)

var selectCells = statement("select cells", `
	select year, a, b, c, n, changed_at from cell where region = $1 and tbl = $2 and year in ($3, 0)`)

// Cells returns the true counts of a table, with those that belong to no year (fact.Always), and the hour in which the last of
// them changed; zero when there are none.
func (s *Store) Cells(ctx context.Context, region, table string, year int) (counts map[fact.Cell]int64, changed time.Time, err error) {
	counts = map[fact.Cell]int64{}
	err = s.inRegion(ctx, region, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectCells, region, table, year)
		if err != nil {
			return err
		}
		c := fact.Cell{Table: table}
		var (
			n  int64
			at time.Time
		)
		_, err = pgx.ForEachRow(rows, []any{&c.Year, &c.A, &c.B, &c.C, &n, &at}, func() error {
			counts[c] = n
			if at.After(changed) {
				changed = at
			}
			return nil
		})
		return err
	})
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("read cells: %w", err)
	}
	return counts, changed.UTC(), nil
}

var (
	selectAllReports = statement("select all reports", `
		select node, pseudonym, seq, received, channel, reporter_role, anonymous from fact_report where region = $1`)
	selectAllCases = statement("select all cases", `
		select node, pseudonym, seq, opened, received, channel, reporter_role, actions, sealed, verdict, pertinent, grounds, main_ground,
		       ground_group, type, flags, field, field_group, author_kinds, incident, event_territory, residence_territory, closed,
		       outcome, outcome_group, secondary_outcomes
		from fact_case where region = $1`)
	selectAllCells = statement("select all cells", `select tbl, year, a, b, c, n from cell where region = $1 and n <> 0`)
)

// Audit counts a region afresh from its facts and returns the cells that differ from those that are kept: kept less
// counted. It reads everything, in one snapshot; it is for operators and tests.
func (s *Store) Audit(ctx context.Context, region string) (fact.Delta, error) {
	differ := fact.Delta{}
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := s.inRegionWith(ctx, snapshot, region, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectAllCells, region)
		if err != nil {
			return err
		}
		var (
			c fact.Cell
			n int64
		)
		if _, err := pgx.ForEachRow(rows, []any{&c.Table, &c.Year, &c.A, &c.B, &c.C, &n}, func() error {
			differ[c] = n
			return nil
		}); err != nil {
			return err
		}
		if rows, err = tx.Query(ctx, selectAllReports, region); err != nil {
			return err
		}
		if err := eachReport(rows, func(node, _ string, r fact.Report) { differ.Change(r.Cells(node), nil) }); err != nil {
			return err
		}
		if rows, err = tx.Query(ctx, selectAllCases, region); err != nil {
			return err
		}
		if err := eachCase(rows, func(node, _ string, f fact.Case) { differ.Change(f.Cells(node), nil) }); err != nil {
			return err
		}
		if rows, err = tx.Query(ctx, selectAllActivities, region); err != nil {
			return err
		}
		if err := eachActivity(rows, func(_, _ string, a fact.Activity) { differ.Replace(a.Cells(), nil) }); err != nil {
			return err
		}
		if rows, err = tx.Query(ctx, selectAllIndicators, region); err != nil {
			return err
		}
		return eachIndicators(rows, func(_, _ string, i fact.Indicators) { differ.Replace(i.Cells(), nil) })
	})
	if err != nil {
		return nil, fmt.Errorf("count afresh: %w", err)
	}
	return differ, nil
}
