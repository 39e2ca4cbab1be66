package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/batcher"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/pkg/tz"
	"github.com/retepari/pari/services/intake/internal/reason"
	"github.com/retepari/pari/services/intake/internal/report"
)

// Submission is a new report and all that is stored with it.
type Submission struct {
	// DrawNumber draws another number for the report when its number is taken. Without it, that is an error.
	DrawNumber func() string
	Report     *report.Report
	// Sealed is the personal content, encrypted with the data key that has the identifier of the report.
	Sealed        []byte
	ReceiptLookup []byte
	Request       idempotency.Request
	// Event counts the report. That of an anonymous report waits until the day has closed.
	Event outbox.Event
}

// Submit stores a report with its history, the hash of its request id, and its event, all or nothing. Concurrent
// submissions share a transaction. When the request id is stored already, idempotency.IsDuplicate is true of the
// error. When it was stored once and is forgotten, so that only its receipt is known, the error is the fault
// REQUEST_ID_EXPIRED.
func (s *Reports) Submit(ctx context.Context, sub Submission) error {
	event, err := outbox.Prepare(ctx, sub.Event) // also of an anonymous report: an invalid event would never leave
	if err != nil {
		return err
	}
	for {
		err = s.batcherOf(sub.Report.Tenant).Do(ctx, preparedSubmission{sub, event})
		if !pg.ViolatesConstraint(err, "report_number") || sub.DrawNumber == nil {
			return err
		}
		sub.Report.Number = sub.DrawNumber()
	}
}

// preparedSubmission is a submission whose event has the trace context of its call. Another call may insert it.
type preparedSubmission struct {
	Submission
	event outbox.Prepared
}

var insertReport = pg.InsertInto("report", "tenant", "report_id", "number", "received_on", "state", "version",
	"channel", "reporter_role", "anonymous", "grounds", "wish", "incident_place", "language", "urgent",
	"notice_version", "consent_codes", "consent_statuses", "sealed_content", "receipt_lookup")

// insertAll stores submissions in one round trip. When some of them were submitted before, it rejects these and stores
// the others together, so that one repeated request does not make the group fall apart.
func (s *Reports) insertAll(ctx context.Context, subs []preparedSubmission) error {
	err := s.insert(ctx, subs)
	expired := pg.ViolatesConstraint(err, "report_receipt")
	if !idempotency.IsDuplicate(err) && !expired {
		return err
	}
	if len(subs) == 1 {
		if expired {
			return fault.New(reason.RequestIDExpired).WithCause(err)
		}
		return err
	}
	rejected, findErr := s.findRepeated(ctx, subs, err)
	if findErr != nil {
		return findErr
	}
	var others []preparedSubmission
	for i, sub := range subs {
		if rejected[i] == nil {
			others = append(others, sub)
		}
	}
	if len(others) > 0 {
		if err := s.insert(ctx, others); err != nil {
			return err
		}
	}
	return rejected
}

// findRepeated returns the submissions whose request id or receipt is stored already, or is that of one before, each
// with its error. cause is the error of the group.
func (s *Reports) findRepeated(
	ctx context.Context, subs []preparedSubmission, cause error,
) (batcher.Rejected, error) {
	byTenant := map[tenant.ID][]preparedSubmission{}
	for _, sub := range subs {
		byTenant[sub.Report.Tenant] = append(byTenant[sub.Report.Tenant], sub)
	}
	type hash struct {
		t     tenant.ID
		value string
	}
	requests, receipts := map[hash]bool{}, map[hash]bool{}
	for t, subs := range byTenant {
		var requestKeys, lookups [][]byte
		for _, sub := range subs {
			requestKeys, lookups = append(requestKeys, sub.Request.Key), append(lookups, sub.ReceiptLookup)
		}
		storedRequests, err := idempotency.Stored(ctx, s.pool, t, requestKeys...)
		if err != nil {
			return nil, err
		}
		storedReceipts, err := s.storedReceipts(ctx, t, lookups)
		if err != nil {
			return nil, err
		}
		for _, key := range storedRequests {
			requests[hash{t, string(key)}] = true
		}
		for _, lookup := range storedReceipts {
			receipts[hash{t, string(lookup)}] = true
		}
	}
	rejected := batcher.Rejected{}
	for i, sub := range subs {
		request := hash{sub.Report.Tenant, string(sub.Request.Key)}
		receipt := hash{sub.Report.Tenant, string(sub.ReceiptLookup)}
		switch {
		case requests[request] && !idempotency.IsDuplicate(cause): // stored just now: each finds out alone
			return nil, cause
		case requests[request]:
			rejected[i] = cause
		case receipts[receipt]:
			rejected[i] = fault.New(reason.RequestIDExpired)
		}
		requests[request], receipts[receipt] = true, true
	}
	return rejected, nil
}

// selectReceipt takes one receipt at a time: with a list, Postgres may read all reports while it has no statistics.
const selectReceipt = `select receipt_lookup from report where tenant = $1 and receipt_lookup = $2`

// storedReceipts returns those of the receipts that a report has.
func (s *Reports) storedReceipts(ctx context.Context, t tenant.ID, lookups [][]byte) (found [][]byte, err error) {
	b := &pgx.Batch{}
	b.Queue(pg.SetTenant, t)
	for _, lookup := range lookups {
		b.Queue(selectReceipt, t, lookup).Query(func(rows pgx.Rows) error {
			stored, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
			found = append(found, stored...)
			return err
		})
	}
	if err := s.pool.SendBatch(ctx, b).Close(); err != nil {
		return nil, pg.ToFault(fmt.Errorf("look up receipts: %w", err))
	}
	return found, nil
}

// insert stores submissions in one round trip. The statements of a pgx batch are one transaction.
func (s *Reports) insert(ctx context.Context, subs []preparedSubmission) error {
	byTenant := map[tenant.ID][]preparedSubmission{}
	for _, sub := range subs {
		byTenant[sub.Report.Tenant] = append(byTenant[sub.Report.Tenant], sub)
	}
	b := &pgx.Batch{}
	for t, subs := range byTenant {
		b.Queue(pg.SetTenant, t)
		var requests, reports, history, waiting [][]any
		var events []outbox.Prepared
		for _, sub := range subs {
			requests = append(requests, sub.Request.Row(t, sub.Report.ID, sub.Report.ReceivedAt))
			reports = append(reports, sub.reportRow())
			history = append(history, historyRows(sub.Report)...)
			if sub.Report.CodedContent.Anonymous {
				waiting = append(waiting, anonymousCountRow(sub.Report, sub.Event))
			} else {
				events = append(events, sub.event)
			}
		}
		idempotency.Insert.Queue(b, requests...)
		insertReport.Queue(b, reports...)
		insertHistory.Queue(b, history...)
		insertAnonymousCount.Queue(b, waiting...)
		outbox.QueueAll(b, events...)
	}
	if err := s.pool.SendBatch(ctx, b).Close(); err != nil {
		return pg.ToFault(fmt.Errorf("insert reports: %w", err))
	}
	return nil
}

// reportRow returns the row for insertReport.
func (s Submission) reportRow() []any {
	r, c := s.Report, s.Report.CodedContent
	codes, statuses := make([]string, len(c.Consents)), make([]string, len(c.Consents))
	for i, consent := range c.Consents {
		codes[i], statuses[i] = consent.Code, consent.Status
	}
	return []any{
		r.Tenant, r.ID, r.Number, r.ReceivedAt.In(tz.Rome), r.State, r.Version, c.Channel, c.ReporterRole, c.Anonymous,
		c.Grounds, c.Wish, c.IncidentPlace, c.Language, c.Urgent, c.NoticeVersion, codes, statuses,
		s.Sealed, s.ReceiptLookup,
	}
}

// HasReceipt reports whether a report has the receipt: its request may be forgotten.
func (s *Reports) HasReceipt(ctx context.Context, t tenant.ID, lookup []byte) (bool, error) {
	found, err := s.storedReceipts(ctx, t, [][]byte{lookup})
	return len(found) > 0, err
}

// GetByRequest returns the report that a request submitted or changed; found is false when the request id is new.
// Another method or body under the same id is the fault REQUEST_ID_REUSED.
func (s *Reports) GetByRequest(
	ctx context.Context, t tenant.ID, requestKey idempotency.Request,
) (r *report.Report, found bool, err error) {
	err = pg.InTenant(ctx, s.pool, t, func(ctx context.Context, tx pgx.Tx) error {
		r, found, err = queryReportByRequest(ctx, tx, t, requestKey)
		return err
	})
	return r, found, err
}

func queryReportByRequest(
	ctx context.Context, tx pgx.Tx, t tenant.ID, requestKey idempotency.Request,
) (*report.Report, bool, error) {
	reportID, found, err := requestKey.Lookup(ctx, tx, t)
	if !found || err != nil {
		return nil, false, err
	}
	r, _, err := queryReport(ctx, tx, selectReport, t, reportID)
	return r, err == nil, err
}
