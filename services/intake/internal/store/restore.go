package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/tenant"
)

const (
	selectReportIDs = `select report_id::text from report where tenant = $1`
	continueEvents  = `update report set event_seq = greatest(event_seq, $3) where tenant = $1 and report_id = $2`
)

// ContinueEvents returns a function that lets the next event about the count of a report follow number seq, after a
// restore that has lost events about it. The centre counts the report already, so a count that waits for its day to
// close is deleted. The function reports whether the report exists. pseudonym is what events call a report.
func ContinueEvents(
	pseudonym func(t tenant.ID, reportID string) string,
) func(ctx context.Context, tx pgx.Tx, t tenant.ID, aggregate string, seq int64) (bool, error) {
	var reports map[string]string // identifier by pseudonym: nobody can compute it
	return func(ctx context.Context, tx pgx.Tx, t tenant.ID, aggregate string, seq int64) (known bool, err error) {
		if reports == nil {
			if reports, err = pseudonyms(ctx, tx, t, pseudonym); err != nil {
				return false, err
			}
		}
		id, known := reports[aggregate]
		if !known {
			return false, nil
		}
		if _, err = tx.Exec(ctx, continueEvents, t, id, seq); err == nil {
			_, err = tx.Exec(ctx, deleteAnonymousCount, t, aggregate)
		}
		if err != nil {
			return false, fmt.Errorf("continue events of a report: %w", err)
		}
		return true, nil
	}
}

func pseudonyms(
	ctx context.Context, tx pgx.Tx, t tenant.ID, pseudonym func(t tenant.ID, reportID string) string,
) (map[string]string, error) {
	rows, err := tx.Query(ctx, selectReportIDs, t)
	if err != nil {
		return nil, fmt.Errorf("list reports: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("list reports: %w", err)
	}
	all := make(map[string]string, len(ids))
	for _, id := range ids {
		all[pseudonym(t, id)] = id
	}
	return all, nil
}
