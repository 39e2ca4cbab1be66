package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/services/intake/internal/report"
)

// Handover is the hand-over of one report to case management. Its ID is the request id of OpenCase.
type Handover struct {
	ID, ReportID          string
	By                    report.Actor
	ReceivedAt            time.Time
	Channel, ReporterRole string
	RetryAt               time.Time // the next attempt is due
	Attempts              int       // that have failed
	Refusals              int       // by case management; the other attempts failed for a temporary cause
	Reason                string    // of the last failure
}

// StartHandover takes a report in charge and stores its hand-over, in one transaction. A request that was answered
// before returns the report as it is now, and replayed.
func (s *Reports) StartHandover(
	ctx context.Context, t tenant.ID, id string, version int64, requestKey idempotency.Request, by report.Actor,
	now time.Time,
) (r *report.Report, replayed bool, err error) {
	err = pg.InTenant(ctx, s.pool, t, func(ctx context.Context, tx pgx.Tx) error {
		// Lock the report before the request id is looked up: a concurrent request with the same id then waits here for
		// the first one, and finds it.
		var lockErr error
		r, _, lockErr = queryReport(ctx, tx, lockReport, t, id)
		if lockErr != nil && !fault.Is(lockErr, fault.NotFound) {
			return lockErr
		}
		stored, found, err := queryReportByRequest(ctx, tx, t, requestKey)
		if found || err != nil {
			r, replayed = stored, found
			return err
		}
		if lockErr != nil {
			return lockErr
		}
		if err := r.StartHandover(version, by, now); err != nil {
			return err
		}
		return storeHandover(ctx, tx, r, requestKey, by, now)
	})
	return r, replayed, err
}

const insertHandover = `insert into handover (tenant, handover_id, report_id, person, system, decided_at, retry_at)
	values ($1, $2, $3, $4, $5, $6, $6)`

// storeHandover stores a new hand-over with its report, and the request that started it.
func storeHandover(
	ctx context.Context, tx pgx.Tx, r *report.Report, requestKey idempotency.Request, by report.Actor, now time.Time,
) error {
	b := &pgx.Batch{}
	requestKey.Queue(b, r.Tenant, r.ID, now)
	b.Queue(updateReport, r.Tenant, r.ID, r.State, r.Version, nil, nil)
	insertHistory.Queue(b, historyRows(r)...)
	b.Queue(insertHandover, r.Tenant, uuid.New(), r.ID, by.Person, by.System, now.UTC())
	err := tx.SendBatch(ctx, b).Close()
	if idempotency.IsDuplicate(err) { // a concurrent request for another report: one for this report waits for the lock
		return fault.New(fault.RequestIDReused)
	}
	if err != nil {
		return fmt.Errorf("store hand-over: %w", err)
	}
	return nil
}

const markHandoverCompleted = `update handover set completed = true, dead_lettered = false
	where tenant = $1 and handover_id = $2`

// CompleteHandover records the case that was opened for a hand-over. Completing again with the same case changes
// nothing.
func (s *Reports) CompleteHandover(
	ctx context.Context, t tenant.ID, h Handover, caseID, caseNumber string, now time.Time,
) (r *report.Report, err error) {
	err = pg.InTenant(ctx, s.pool, t, func(ctx context.Context, tx pgx.Tx) error {
		if r, _, err = queryReport(ctx, tx, lockReport, t, h.ReportID); err != nil {
			return err
		}
		if err := r.CompleteHandover(caseID, caseNumber, h.By, now); err != nil {
			return err
		}
		b := &pgx.Batch{}
		b.Queue(updateReport, t, r.ID, r.State, r.Version, r.CaseID, r.CaseNumber)
		insertHistory.Queue(b, historyRows(r)...)
		b.Queue(markHandoverCompleted, t, h.ID)
		return tx.SendBatch(ctx, b).Close()
	})
	return r, err
}

const handoverColumns = `h.handover_id, h.report_id, h.tenant, h.person, h.system, r.received_on, r.channel,
	r.reporter_role, h.retry_at, h.attempts, h.refusals, h.reason`

const selectHandover = `select ` + handoverColumns + ` from handover h join report r using (tenant, report_id)
	where h.tenant = $1 and h.report_id = $2`

// GetHandover returns the hand-over of a report, or the fault NOT_FOUND.
func (s *Reports) GetHandover(ctx context.Context, t tenant.ID, reportID string) (Handover, error) {
	found, err := s.queryHandovers(ctx, selectHandover, t, reportID)
	if err == nil && len(found) == 0 {
		err = fault.New(fault.NotFound)
	}
	if err != nil {
		return Handover{}, err
	}
	return found[0], nil
}

const selectPendingHandovers = `select ` + handoverColumns + ` from handover h join report r using (tenant, report_id)
	where h.tenant = $1 and not h.completed and not h.dead_lettered order by h.retry_at limit $2`

// ListPendingHandovers returns up to limit hand-overs that are neither completed nor dead-lettered, the one whose next
// attempt is due first.
func (s *Reports) ListPendingHandovers(ctx context.Context, t tenant.ID, limit int) ([]Handover, error) {
	return s.queryHandovers(ctx, selectPendingHandovers, t, limit)
}

// HandoverFailure is a failed attempt to complete a hand-over.
type HandoverFailure struct {
	Reason  string
	Refused bool      // by case management
	RetryAt time.Time // the next attempt is due
	// DeadLetter lets the hand-over wait for an operator.
	DeadLetter bool
}

const recordHandoverFailure = `update handover set attempts = attempts + 1, refusals = refusals + $3::boolean::int,
	reason = $4, retry_at = $5, dead_lettered = $6 where tenant = $1 and handover_id = $2 and not completed`

// RecordHandoverFailure records a failed attempt.
func (s *Reports) RecordHandoverFailure(
	ctx context.Context, t tenant.ID, handoverID string, f HandoverFailure,
) error {
	return pg.InTenant(ctx, s.pool, t, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, recordHandoverFailure, t, handoverID, f.Refused, f.Reason, f.RetryAt.UTC(), f.DeadLetter)
		return err
	})
}

const selectDeadLetteredHandovers = `select ` + handoverColumns + `
	from handover h join report r using (tenant, report_id)
	where h.tenant = $1 and not h.completed and h.dead_lettered order by h.decided_at limit $2`

// ListDeadLetteredHandovers returns up to limit dead-lettered hand-overs, the oldest first.
func (s *Reports) ListDeadLetteredHandovers(ctx context.Context, t tenant.ID, limit int) ([]Handover, error) {
	return s.queryHandovers(ctx, selectDeadLetteredHandovers, t, limit)
}

const retryHandovers = `update handover set dead_lettered = false, attempts = 0, refusals = 0, retry_at = $2
	where tenant = $1 and not completed and dead_lettered`

// RetryHandovers makes all dead-lettered hand-overs of a tenant pending again, and returns how many there were.
func (s *Reports) RetryHandovers(ctx context.Context, t tenant.ID, now time.Time) (n int64, err error) {
	err = pg.InTenant(ctx, s.pool, t, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, retryHandovers, t, now.UTC())
		n = tag.RowsAffected()
		return err
	})
	return n, err
}

const countHandovers = `select count(*) filter (where not dead_lettered), count(*) filter (where dead_lettered)
	from handover where tenant = $1 and not completed`

// CountHandovers counts the hand-overs of a tenant that are not completed.
func (s *Reports) CountHandovers(ctx context.Context, t tenant.ID) (pending, deadLettered int64, err error) {
	err = pg.InTenant(ctx, s.pool, t, func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, countHandovers, t).Scan(&pending, &deadLettered)
	})
	return pending, deadLettered, err
}

func (s *Reports) queryHandovers(
	ctx context.Context, statement string, t tenant.ID, arg any,
) (found []Handover, err error) {
	err = pg.InTenant(ctx, s.pool, t, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, statement, t, arg)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, scanHandover)
		return err
	})
	return found, err
}

func scanHandover(row pgx.CollectableRow) (Handover, error) {
	var h Handover
	var id, reportID uuid.UUID
	err := row.Scan(&id, &reportID, &h.By.Tenant, &h.By.Person, &h.By.System, &h.ReceivedAt, &h.Channel,
		&h.ReporterRole, &h.RetryAt, &h.Attempts, &h.Refusals, &h.Reason)
	h.ReceivedAt = dayInRome(h.ReceivedAt)
	h.ID, h.ReportID = id.String(), reportID.String()
	return h, err
}
