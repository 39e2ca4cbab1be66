package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/services/intake/internal/report"
)

// HandedOver is a report whose hand-over is completed, with its case.
type HandedOver struct {
	ReportID, Number, CaseID, CaseNumber string
}

const selectHandedOver = `select report_id::text, number, case_id::text, case_number from report
	where tenant = $1 and case_id is not null order by number`

// ListHandedOver returns all reports of a tenant whose hand-over is completed.
func (s *Reports) ListHandedOver(ctx context.Context, t tenant.ID) (found []HandedOver, err error) {
	err = pg.InTenant(ctx, s.pool, t, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectHandedOver, t)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[HandedOver])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list reports with a case: %w", err)
	}
	return found, nil
}

const reopenHandover = `update handover set completed = false, attempts = 0, refusals = 0, reason = '', retry_at = $3
	where tenant = $1 and report_id = $2`

// ReopenHandover lets a report be handed over again. A report that has another case meanwhile, or none, stays as it is.
func (s *Reports) ReopenHandover(
	ctx context.Context, t tenant.ID, h HandedOver, by report.Actor, now time.Time,
) (reopened bool, err error) {
	err = pg.InTenant(ctx, s.pool, t, func(ctx context.Context, tx pgx.Tx) error {
		r, _, err := queryReport(ctx, tx, lockReport, t, h.ReportID)
		if err != nil || r.CaseID != h.CaseID {
			return err
		}
		if err := r.ReopenHandover(by, now); err != nil {
			return err
		}
		b := &pgx.Batch{}
		b.Queue(updateReport, t, r.ID, r.State, r.Version, nil, nil)
		insertHistory.Queue(b, historyRows(r)...)
		b.Queue(reopenHandover, t, r.ID, now.UTC())
		reopened = true
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return false, fmt.Errorf("reopen hand-over: %w", err)
	}
	return reopened, nil
}
