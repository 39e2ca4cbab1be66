package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/services/intake/internal/report"
)

const reportColumns = `seq, tenant, report_id, number, received_at, state, version, channel, reporter_role, anonymous,
	grounds, wish, incident_place, language, urgent, notice_version, consent_codes, consent_statuses, key_id,
	sealed_narrative, sealed_contact, sealed_date, case_id, case_number`

// reportRow has the fields of reportColumns.
type reportRow struct {
	Seq             int64
	Tenant          tenant.ID
	ReportID        uuid.UUID
	Number          string
	ReceivedAt      time.Time
	State           string
	Version         int64
	Channel         string
	ReporterRole    string
	Anonymous       bool
	Grounds         []string
	Wish            string
	IncidentPlace   string
	Language        string
	Urgent          bool
	NoticeVersion   string
	ConsentCodes    []string
	ConsentStatuses []string
	KeyID           uuid.UUID
	SealedNarrative []byte
	SealedContact   []byte
	SealedDate      []byte
	CaseID          *uuid.UUID
	CaseNumber      *string
}

func (r reportRow) report() *report.Report {
	out := &report.Report{
		ID: r.ReportID.String(), Number: r.Number, Tenant: r.Tenant, ReceivedAt: r.ReceivedAt.UTC(),
		State: report.State(r.State), Version: r.Version,
		CodedContent: report.CodedContent{
			Channel: r.Channel, ReporterRole: r.ReporterRole, Anonymous: r.Anonymous, Grounds: r.Grounds, Wish: r.Wish,
			IncidentPlace: r.IncidentPlace, Language: r.Language, Urgent: r.Urgent, NoticeVersion: r.NoticeVersion,
		},
	}
	consents := &out.CodedContent.Consents
	for i, code := range r.ConsentCodes {
		*consents = append(*consents, report.Consent{Code: code, Status: r.ConsentStatuses[i]})
	}
	if r.CaseID != nil {
		out.CaseID, out.CaseNumber = r.CaseID.String(), *r.CaseNumber
	}
	return out
}

func (r reportRow) sealed() SealedContent {
	return SealedContent{KeyID: r.KeyID, Narrative: r.SealedNarrative, Contact: r.SealedContact, Date: r.SealedDate}
}

const (
	selectReport = `select ` + reportColumns + ` from report where tenant = $1 and report_id = $2`
	lockReport   = selectReport + ` for update`
)

// queryReport reads one report with selectReport or lockReport.
func queryReport(
	ctx context.Context, tx pgx.Tx, statement string, t tenant.ID, id string,
) (*report.Report, SealedContent, error) {
	rows, err := tx.Query(ctx, statement, t, id)
	if err != nil {
		return nil, SealedContent{}, fmt.Errorf("get report: %w", err)
	}
	row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[reportRow])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, SealedContent{}, fault.New(fault.NotFound)
	}
	if err != nil {
		return nil, SealedContent{}, fmt.Errorf("get report: %w", err)
	}
	return row.report(), row.sealed(), nil
}

// Get returns one report with its sealed content and history, or the fault NOT_FOUND.
func (s *Reports) Get(
	ctx context.Context, t tenant.ID, id string,
) (r *report.Report, sealed SealedContent, history []report.HistoryEntry, err error) {
	err = pg.InTenant(ctx, s.pool, t, func(ctx context.Context, tx pgx.Tx) error {
		if r, sealed, err = queryReport(ctx, tx, selectReport, t, id); err != nil {
			return err
		}
		history, err = queryHistory(ctx, tx, t, id)
		return err
	})
	return r, sealed, history, err
}

const updateReport = `update report set state = $3, version = $4, case_id = $5, case_number = $6
	where tenant = $1 and report_id = $2`

const selectReports = `select ` + reportColumns + ` from report
	where tenant = $1 and ($2::text = '' or state = $2) and ($3::bigint = 0 or seq < $3)
	order by seq desc limit $4`

// List returns up to limit reports of a tenant, newest first, that come after position; next is the position of the
// next page, or 0. State "" stands for every state, position 0 for the first page.
func (s *Reports) List(
	ctx context.Context, t tenant.ID, state report.State, position int64, limit int,
) (page []*report.Report, next int64, err error) {
	err = pg.InTenant(ctx, s.pool, t, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectReports, t, string(state), position, limit+1)
		if err != nil {
			return err
		}
		found, err := pgx.CollectRows(rows, pgx.RowToStructByName[reportRow])
		if err != nil {
			return err
		}
		if len(found) > limit {
			next = found[limit-1].Seq
			found = found[:limit]
		}
		for _, row := range found {
			page = append(page, row.report())
		}
		return nil
	})
	return page, next, err
}

// SubmissionState is what has become of one submission.
type SubmissionState struct {
	RequestID string
	State     report.State
	Number    string
}

const selectSubmissionStates = `select k.request_id::text, r.state, r.number
	from unnest($2::uuid[]) with ordinality asked (request_id, position)
	join idempotency_key k on k.tenant = $1 and k.request_id = asked.request_id and k.method = 'SubmitReport'
	join report r on r.tenant = $1 and r.report_id = k.record_id
	join report_history h on h.tenant = $1 and h.report_id = r.report_id and h.version = 1 and h.system = $3
	order by asked.position`

// ListSubmissionStates returns the states of those submissions that a program has made, in the order of the ids.
func (s *Reports) ListSubmissionStates(
	ctx context.Context, t tenant.ID, system string, requestIDs []string,
) (found []SubmissionState, err error) {
	err = pg.InTenant(ctx, s.pool, t, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectSubmissionStates, t, requestIDs, system)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[SubmissionState])
		return err
	})
	return found, err
}
