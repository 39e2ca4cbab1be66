package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/services/intake/internal/report"
)

// Handover is a report on its way to case management.
type Handover struct {
	ID, ReportID          string
	By                    report.Actor
	Done                  bool
	ReceivedAt            time.Time
	Channel, ReporterRole string
}

// HandOver stores the decision to take a report in charge, with the hand-over that follows from it. A request that was
// answered before returns the report as it is now, and replayed.
func (s *Reports) HandOver(ctx context.Context, node, id string, version int64, req idempotency.Request, by report.Actor, now time.Time) (r *report.Report, replayed bool, err error) {
	err = pg.InTenant(ctx, s.pool, node, func(ctx context.Context, tx pgx.Tx) error {
		// The report's lock comes first, so that a repeated request waits for the first one and then finds its answer.
		if r, _, err = get(ctx, tx, node, id, "lock"); err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		before, known, repeatErr := answered(ctx, tx, node, req)
		if known || repeatErr != nil {
			r, replayed = before, known
			return repeatErr
		}
		if err != nil {
			return err
		}
		if err := r.HandOver(version, by, now); err != nil {
			return err
		}
		b := &pgx.Batch{}
		req.Queue(b, node, id, now)
		b.Queue(statements["update"], node, id, r.State, r.Version, nil, nil)
		insertChange.Queue(b, changeRows(r)...)
		b.Queue(statements["hand over"], node, uuid.New(), id, by.Person, by.System, now.UTC())
		err := tx.SendBatch(ctx, b).Close()
		if idempotency.IsDuplicate(err) { // used a moment ago for something else: for this report it would have waited for the lock
			return fault.New(fault.RequestIDReused)
		}
		if err != nil {
			return fmt.Errorf("store hand-over: %w", err)
		}
		return nil
	})
	return r, replayed, err
}

// Finish records the case that a hand-over has led to. It may be called again.
func (s *Reports) Finish(ctx context.Context, node string, h Handover, caseID, caseNumber string, now time.Time) (r *report.Report, err error) {
	err = pg.InTenant(ctx, s.pool, node, func(ctx context.Context, tx pgx.Tx) error {
		if r, _, err = get(ctx, tx, node, h.ReportID, "lock"); err != nil {
			return err
		}
		if err := r.HandedOver(caseID, caseNumber, h.By, now); err != nil {
			return err
		}
		b := &pgx.Batch{}
		b.Queue(statements["update"], node, r.ID, r.State, r.Version, r.CaseID, r.CaseNumber)
		insertChange.Queue(b, changeRows(r)...)
		b.Queue(statements["handed over"], node, h.ID)
		return tx.SendBatch(ctx, b).Close()
	})
	return r, err
}

// HandoverOf returns the hand-over of a report, or NOT_FOUND.
func (s *Reports) HandoverOf(ctx context.Context, node, reportID string) (Handover, error) {
	found, err := s.handovers(ctx, node, "handover", reportID)
	if err == nil && len(found) == 0 {
		err = fault.New(fault.NotFound)
	}
	if err != nil {
		return Handover{}, err
	}
	return found[0], nil
}

// OpenHandovers returns hand-overs that are not finished, the oldest first.
func (s *Reports) OpenHandovers(ctx context.Context, node string, limit int) ([]Handover, error) {
	return s.handovers(ctx, node, "open handover", limit)
}

func (s *Reports) handovers(ctx context.Context, node, statement string, arg any) (found []Handover, err error) {
	err = pg.InTenant(ctx, s.pool, node, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, statements[statement], node, arg)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (Handover, error) {
			var h Handover
			var id, reportID uuid.UUID
			err := row.Scan(&id, &reportID, &h.By.Node, &h.By.Person, &h.By.System, &h.Done, &h.ReceivedAt, &h.Channel, &h.ReporterRole)
			h.ID, h.ReportID = id.String(), reportID.String()
			return h, err
		})
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return found, err
}
