package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
)

const selectReports = `select report_id::text, case_id::text from case_report where tenant = $1`

// CasesByReport returns the id of the case of each report of a tenant.
func CasesByReport(ctx context.Context, db *pgxpool.Pool, t tenant.ID) (cases map[string]string, err error) {
	cases = map[string]string{}
	err = pg.InTenant(ctx, db, t, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectReports, t)
		if err != nil {
			return err
		}
		var reportID, caseID string
		_, err = pgx.ForEachRow(rows, []any{&reportID, &caseID}, func() error {
			cases[reportID] = caseID
			return nil
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list reports of cases: %w", err)
	}
	return cases, nil
}
