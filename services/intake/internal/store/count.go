package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/trace"

	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/pkg/tz"
	"github.com/retepari/pari/services/intake/internal/report"
)

// closeBatch is how many counts one transaction of CloseDays moves.
const closeBatch = 500

var insertAnonymousCount = pg.InsertInto("anonymous_count", "tenant", "pseudonym", "day", "type", "data")

// anonymousCountRow is the row of an event that waits until the day of its report has closed.
func anonymousCountRow(r *report.Report, e outbox.Event) []any {
	return []any{r.Tenant, e.Aggregate, r.ReceivedAt.In(tz.Rome), e.Type, e.Data}
}

// The rows are selected in the order of their pseudonyms, which is random, and locked, so that replicas share the work.
const deleteClosedCounts = `with closed as materialized (
		select tenant, pseudonym from anonymous_count where tenant = $1 and day < $2
		order by pseudonym limit $3 for update skip locked)
	delete from anonymous_count using closed
	where (anonymous_count.tenant, anonymous_count.pseudonym) = (closed.tenant, closed.pseudonym)
	returning anonymous_count.pseudonym::text as aggregate, type, data`

// CloseDays moves the counts of anonymous reports of days before today, in Italy, to the outbox: shuffled and without
// trace context, each exactly once. It returns how many it moved.
func (s *Reports) CloseDays(ctx context.Context, t tenant.ID, today time.Time) (total int, err error) {
	ctx = trace.ContextWithSpanContext(ctx, trace.SpanContext{})
	for moved := closeBatch; moved == closeBatch && err == nil; total += moved {
		moved, err = s.closeDays(ctx, t, today)
	}
	return total, err
}

func (s *Reports) closeDays(ctx context.Context, t tenant.ID, today time.Time) (moved int, err error) {
	err = pg.InTenant(ctx, s.pool, t, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, deleteClosedCounts, t, today.In(tz.Rome), closeBatch)
		if err != nil {
			return err
		}
		events, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (outbox.Event, error) {
			e := outbox.Event{Tenant: t, AggregateSeq: 1}
			err := row.Scan(&e.Aggregate, &e.Type, &e.Data)
			return e, err
		})
		if err != nil || len(events) == 0 {
			return err
		}
		//nolint:gosec // G404: the generator is ChaCha8, seeded by the system
		rand.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		b := &pgx.Batch{}
		for _, e := range events {
			if err := outbox.Queue(ctx, b, e); err != nil {
				return err
			}
		}
		moved = len(events)
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return 0, fmt.Errorf("close day: %w", err)
	}
	return moved, nil
}

// EncodeCount encodes event number seq about the count of a report.
type EncodeCount func(r *report.Report, seq int64) (outbox.Event, error)

const updateCount = `update report set version = $3, channel = $4, reporter_role = $5, event_seq = $6, withdrawn = $7
	where tenant = $1 and report_id = $2`

// ChangeCount corrects or withdraws the count of a report, and sends what changed: an event of its own, or, for a
// count that still waits for its day to close, another count or none. A request that was answered before returns the
// report as it is now, and replayed.
func (s *Reports) ChangeCount(
	ctx context.Context, t tenant.ID, id string, requestKey idempotency.Request, now time.Time, encode EncodeCount,
	change func(*report.Report) error,
) (r *report.Report, replayed bool, err error) {
	// A trace would join the count at the centre to the call at the node, and its caller.
	ctx = trace.ContextWithSpanContext(ctx, trace.SpanContext{})
	err = pg.InTenant(ctx, s.pool, t, func(ctx context.Context, tx pgx.Tx) error {
		if r, _, err = queryReport(ctx, tx, lockReport, t, id); err != nil {
			return err
		}
		stored, found, err := queryReportByRequest(ctx, tx, t, requestKey)
		if found || err != nil {
			r, replayed = stored, found
			return err
		}
		if err := change(r); err != nil {
			return err
		}
		waiting, err := changeWaitingCount(ctx, tx, r, encode)
		if err != nil {
			return err
		}
		if !waiting {
			r.EventSeq++
		}
		b := &pgx.Batch{}
		requestKey.Queue(b, t, r.ID, now)
		b.Queue(updateCount, t, r.ID, r.Version, r.CodedContent.Channel, r.CodedContent.ReporterRole, r.EventSeq,
			r.Withdrawn)
		insertHistory.Queue(b, historyRows(r)...)
		if !waiting {
			event, err := encode(r, r.EventSeq)
			if err != nil {
				return err
			}
			if err := outbox.Queue(ctx, b, event); err != nil {
				return err
			}
		}
		return tx.SendBatch(ctx, b).Close()
	})
	return r, replayed, err
}

const (
	updateAnonymousCount = `update anonymous_count set data = $3 where tenant = $1 and pseudonym = $2`
	deleteAnonymousCount = `delete from anonymous_count where tenant = $1 and pseudonym = $2`
)

// changeWaitingCount changes or removes the count of a report that waits for its day to close. It returns false when
// none waits.
func changeWaitingCount(ctx context.Context, tx pgx.Tx, r *report.Report, encode EncodeCount) (bool, error) {
	event, err := encode(r, 1)
	if err != nil {
		return false, err
	}
	statement, args := updateAnonymousCount, []any{r.Tenant, event.Aggregate, event.Data}
	if r.Withdrawn {
		statement, args = deleteAnonymousCount, args[:2]
	}
	tag, err := tx.Exec(ctx, statement, args...)
	return tag.RowsAffected() > 0, err
}
