package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/batcher"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/pkg/tz"
	"github.com/retepari/pari/services/intake/internal/report"
)

// SealedContent is the personal content of a report, encrypted with the data key KeyID. Absent fields are nil.
type SealedContent struct {
	KeyID                          uuid.UUID
	Narrative, Contact, Date, Time []byte
}

// Submission is a new report and all that is stored with it.
type Submission struct {
	// DrawNumber draws another number for the report when its number is taken. Without it, that is an error.
	DrawNumber    func() string
	Report        *report.Report
	Sealed        SealedContent
	ReceiptLookup []byte
	Request       idempotency.Request
	// Event counts the report. That of an anonymous report waits until the day has closed.
	Event outbox.Event
}

// Submit stores a report with its history, the hash of its request id, and its event, all or nothing. Concurrent
// submissions share a transaction. When the request id is stored already, idempotency.IsDuplicate is true of the
// error.
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
	"notice_version", "consent_codes", "consent_statuses", "key_id", "sealed_narrative", "sealed_contact",
	"sealed_date", "sealed_time", "receipt_lookup")

// insertAll stores submissions in one round trip. When request ids among them are stored already, it rejects these and
// stores the others together, so that one repeated id does not make the group fall apart.
func (s *Reports) insertAll(ctx context.Context, subs []preparedSubmission) error {
	err := s.insert(ctx, subs)
	if !idempotency.IsDuplicate(err) || len(subs) == 1 {
		return err
	}
	duplicates, findErr := s.findDuplicates(ctx, subs)
	if findErr != nil {
		return findErr
	}
	rejected, others := batcher.Rejected{}, []preparedSubmission{}
	for i, sub := range subs {
		if duplicates[i] {
			rejected[i] = err
		} else {
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

// findDuplicates returns the indexes of submissions whose request id is stored already, or is that of one before.
func (s *Reports) findDuplicates(ctx context.Context, subs []preparedSubmission) (map[int]bool, error) {
	byTenant := map[tenant.ID][][]byte{}
	for _, sub := range subs {
		byTenant[sub.Report.Tenant] = append(byTenant[sub.Report.Tenant], sub.Request.Key)
	}
	type request struct {
		t   tenant.ID
		key string
	}
	seen := map[request]bool{}
	for t, keys := range byTenant {
		stored, err := idempotency.Stored(ctx, s.pool, t, keys...)
		if err != nil {
			return nil, err
		}
		for _, key := range stored {
			seen[request{t, string(key)}] = true
		}
	}
	found := map[int]bool{}
	for i, sub := range subs {
		r := request{sub.Report.Tenant, string(sub.Request.Key)}
		found[i] = seen[r]
		seen[r] = true
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
		s.Sealed.KeyID, s.Sealed.Narrative, s.Sealed.Contact, s.Sealed.Date, s.Sealed.Time, s.ReceiptLookup,
	}
}

// IsStored reports whether a request is stored.
func (s *Reports) IsStored(ctx context.Context, t tenant.ID, requestKey []byte) (bool, error) {
	found, err := idempotency.Stored(ctx, s.pool, t, requestKey)
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
