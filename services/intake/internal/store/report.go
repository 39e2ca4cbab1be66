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
	"github.com/retepari/pari/pkg/tz"
	"github.com/retepari/pari/services/intake/internal/report"
)

const reportColumns = `tenant, report_id, number, received_on, state, version, channel, reporter_role, anonymous,
	grounds, wish, incident_place, language, urgent, notice_version, consent_codes, consent_statuses,
	sealed_content, event_seq, withdrawn, case_id, case_number`

// reportRow has the fields of reportColumns.
type reportRow struct {
	Tenant          tenant.ID
	ReportID        uuid.UUID
	Number          string
	ReceivedOn      time.Time
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
	SealedContent   []byte
	EventSeq        int64
	Withdrawn       bool
	CaseID          *uuid.UUID
	CaseNumber      *string
}

func (r reportRow) report() *report.Report {
	out := &report.Report{
		ID: r.ReportID.String(), Number: r.Number, Tenant: r.Tenant, ReceivedAt: dayInRome(r.ReceivedOn),
		State: report.State(r.State), Version: r.Version, EventSeq: r.EventSeq, Withdrawn: r.Withdrawn,
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

// dayInRome returns the begin of a date in Italy.
func dayInRome(date time.Time) time.Time {
	year, month, day := date.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, tz.Rome).UTC()
}

const (
	selectReport = `select ` + reportColumns + ` from report where tenant = $1 and report_id = $2`
	lockReport   = selectReport + ` for update`

	selectReportByNumber = `select ` + reportColumns + ` from report where tenant = $1 and number = $2`
)

// queryReport reads one report with selectReport or lockReport, or by its number with selectReportByNumber.
func queryReport(
	ctx context.Context, tx pgx.Tx, statement string, t tenant.ID, id string,
) (r *report.Report, sealed []byte, err error) {
	rows, err := tx.Query(ctx, statement, t, id)
	if err != nil {
		return nil, nil, fmt.Errorf("get report: %w", err)
	}
	row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[reportRow])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil, fault.New(fault.NotFound)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("get report: %w", err)
	}
	return row.report(), row.SealedContent, nil
}

// Get returns one report with its sealed content and history, or the fault NOT_FOUND.
func (s *Reports) Get(
	ctx context.Context, t tenant.ID, id string,
) (r *report.Report, sealed []byte, history []report.HistoryEntry, err error) {
	err = pg.InTenant(ctx, s.pool, t, func(ctx context.Context, tx pgx.Tx) error {
		if r, sealed, err = queryReport(ctx, tx, selectReport, t, id); err != nil {
			return err
		}
		history, err = queryHistory(ctx, tx, t, id)
		return err
	})
	return r, sealed, history, err
}

// GetByNumber returns the report with a number, or the fault NOT_FOUND.
func (s *Reports) GetByNumber(ctx context.Context, t tenant.ID, number string) (r *report.Report, err error) {
	err = pg.InTenant(ctx, s.pool, t, func(ctx context.Context, tx pgx.Tx) error {
		r, _, err = queryReport(ctx, tx, selectReportByNumber, t, number)
		return err
	})
	return r, err
}

const updateReport = `update report set state = $3, version = $4, case_id = $5, case_number = $6
	where tenant = $1 and report_id = $2`

// selectReports reads the reports of each state in their order, so that one index serves every list.
const selectReports = `select r.* from unnest($2::text[]) as asked (in_state) cross join lateral (
		select ` + reportColumns + ` from report
		where tenant = $1 and state = in_state
		      and (received_on, urgent, report_id) < ($3::date, $4::boolean, $5::uuid)
		order by received_on desc, urgent desc, report_id desc limit $6) r
	order by received_on desc, urgent desc, report_id desc limit $6`

// List returns up to limit reports of a tenant that come after position; next is the position of the next page, or
// zero. The last day comes first, within a day what is urgent; the rest of the order is random. State "" stands for
// every state, the zero position for the first page.
func (s *Reports) List(
	ctx context.Context, t tenant.ID, state report.State, position Position, limit int,
) (page []*report.Report, next Position, err error) {
	if position == (Position{}) {
		position = beforeFirst
	}
	states := []report.State{state}
	if state == "" {
		states = report.States
	}
	err = pg.InTenant(ctx, s.pool, t, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectReports, t, states, position.day, position.urgent, position.reportID,
			limit+1)
		if err != nil {
			return err
		}
		found, err := pgx.CollectRows(rows, pgx.RowToStructByName[reportRow])
		if err != nil {
			return err
		}
		if len(found) > limit {
			next = found[limit-1].position()
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
	Asked  int // index of the request key that was asked for
	State  report.State
	Number string
}

const selectSubmissionStates = `select asked.position::int - 1, r.state, r.number
	from unnest($2::bytea[]) with ordinality asked (request_key, position)
	join idempotency_key k on k.tenant = $1 and k.request_key = asked.request_key and k.method = 'SubmitReport'
	join report r on r.tenant = $1 and r.report_id = k.record_id
	join report_history h on h.tenant = $1 and h.report_id = r.report_id and h.version = 1 and h.system = $3
	order by asked.position`

// ListSubmissionStates returns the states of those submissions that a program has made, in the order of the
// request keys.
func (s *Reports) ListSubmissionStates(
	ctx context.Context, t tenant.ID, system string, requestKeys [][]byte,
) (found []SubmissionState, err error) {
	err = pg.InTenant(ctx, s.pool, t, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectSubmissionStates, t, requestKeys, system)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[SubmissionState])
		return err
	})
	return found, err
}
