package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/tenant"
)

// Restored are the reports for outbox.Repair, after a restore that has lost events.
type Restored struct {
	pseudonym func(t tenant.ID, reportID string) string
	reports   map[string]string // identifier by pseudonym: nobody can compute it
}

var _ outbox.Records = (*Restored)(nil)

// NewRestored returns the reports of one tenant. pseudonym is what events call a report.
func NewRestored(pseudonym func(t tenant.ID, reportID string) string) *Restored {
	return &Restored{pseudonym: pseudonym}
}

const (
	selectReportIDs = `select report_id::text from report where tenant = $1`
	lockRestored    = `select from report where tenant = $1 and report_id = $2 for no key update`
	continueEvents  = `update report set event_seq = greatest(event_seq, $3) where tenant = $1 and report_id = $2`
)

// Lock implements outbox.Records. The centre counts the report already, so a count that waits for its day to close is
// deleted. A day that closes meanwhile is waited for: its event is pending then.
func (r *Restored) Lock(ctx context.Context, tx pgx.Tx, t tenant.ID, aggregate string) (known bool, err error) {
	if r.reports == nil {
		if r.reports, err = pseudonyms(ctx, tx, t, r.pseudonym); err != nil {
			return false, err
		}
	}
	id, known := r.reports[aggregate]
	if !known {
		return false, nil
	}
	if _, err = tx.Exec(ctx, lockRestored, t, id); err == nil {
		_, err = tx.Exec(ctx, deleteAnonymousCount, t, aggregate)
	}
	if err != nil {
		return false, fmt.Errorf("lock report: %w", err)
	}
	return true, nil
}

// Continue implements outbox.Records.
func (r *Restored) Continue(ctx context.Context, tx pgx.Tx, t tenant.ID, aggregate string, seq int64) error {
	if _, err := tx.Exec(ctx, continueEvents, t, r.reports[aggregate], seq); err != nil {
		return fmt.Errorf("continue events of a report: %w", err)
	}
	return nil
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
