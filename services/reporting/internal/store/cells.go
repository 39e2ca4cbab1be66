package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/services/reporting/internal/fact"
)

// Year 0 is fact.AllYears.
const selectCells = `
	select year, a, b, c, count, changed_at from cell where region = $1 and table_code = $2 and year in ($3, 0)`

// GetCells returns the true counts of a table in a year, with those that belong to no year (fact.AllYears), and the
// hour of the last change; the zero time when there are no counts.
func (s *Store) GetCells(
	ctx context.Context, region, table string, year int,
) (counts map[fact.Cell]int64, changed time.Time, err error) {
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
		return nil, time.Time{}, fmt.Errorf("get cells: %w", err)
	}
	return counts, changed.UTC(), nil
}

const (
	selectAllCells      = `select table_code, year, a, b, c, count from cell where region = $1 and count <> 0`
	selectAllReports    = `select ` + reportColumns + ` from fact_report where region = $1`
	selectAllCases      = `select ` + caseColumns + ` from fact_case where region = $1`
	selectAllActivities = `select ` + activityColumns + ` from fact_activity where region = $1`
	selectAllIndicators = `select ` + indicatorColumns + ` from fact_indicator where region = $1`
)

// CheckCells recounts a region from its facts and returns the cells that differ: stored minus recounted. It reads
// everything, in one snapshot; it is for tests, also of other packages.
func (s *Store) CheckCells(ctx context.Context, region string) (fact.Delta, error) {
	diff := fact.Delta{}
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
			diff[c] = n
			return nil
		}); err != nil {
			return err
		}
		return subtractFacts(ctx, tx, region, diff)
	})
	if err != nil {
		return nil, fmt.Errorf("check cells: %w", err)
	}
	return diff, nil
}

// subtractFacts subtracts what every fact of a region counts in.
func subtractFacts(ctx context.Context, tx pgx.Tx, region string, d fact.Delta) error {
	rows, err := tx.Query(ctx, selectAllReports, region)
	if err != nil {
		return err
	}
	if err := scanReports(rows, func(node, _ string, r fact.Report) { d.Change(r.Cells(node), nil) }); err != nil {
		return err
	}
	if rows, err = tx.Query(ctx, selectAllCases, region); err != nil {
		return err
	}
	if err := scanCases(rows, func(node, _ string, f fact.Case) { d.Change(f.Cells(node), nil) }); err != nil {
		return err
	}
	if rows, err = tx.Query(ctx, selectAllActivities, region); err != nil {
		return err
	}
	if err := scanActivities(rows, func(_, _ string, a fact.Activity) { d.Replace(a.Cells(), nil) }); err != nil {
		return err
	}
	if rows, err = tx.Query(ctx, selectAllIndicators, region); err != nil {
		return err
	}
	return scanIndicators(rows, func(_, _ string, i fact.Indicators) { d.Replace(i.Cells(), nil) })
}
