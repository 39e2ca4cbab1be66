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
	"github.com/retepari/pari/services/casemanagement/internal/casefile"
)

const caseColumns = `c.seq, c.tenant, c.case_id, c.number, c.pseudonym, c.state, c.previous_state, c.version, c.episode,
	c.received_year, c.received_month, c.channel, c.reporter_role, c.opened_at, c.closed_at, c.event_seq,
	c.outcome, c.secondary_outcomes, c.person_informed, c.closing_note,
	array(select r.report_id::text from case_report r where r.tenant = c.tenant and r.case_id = c.case_id
		order by r.report_id) as report_ids,
	a.verdict, a.grounds, a.main_ground, a.type, a.flags, a.field, a.author_kinds, a.incident_year, a.incident_month,
	a.event_place, a.residence, a.sensitivity`

// caseTables joins each case to its current assessment.
const caseTables = `case_file c left join assessment a
	on a.tenant = c.tenant and a.case_id = c.case_id and a.version = c.assessment_version`

// caseRow has the fields of caseColumns.
type caseRow struct {
	Seq               int64
	Tenant            tenant.ID
	CaseID            uuid.UUID
	Number            string
	Pseudonym         uuid.UUID
	State             string
	PreviousState     string
	Version           int64
	Episode           int32
	ReceivedYear      int32
	ReceivedMonth     int32
	Channel           string
	ReporterRole      string
	OpenedAt          time.Time
	ClosedAt          *time.Time
	EventSeq          int64
	Outcome           *string
	SecondaryOutcomes []string
	PersonInformed    *bool
	ClosingNote       []byte
	ReportIDs         []string

	Verdict       *string
	Grounds       []string
	MainGround    *string
	Type          *string
	Flags         []string
	Field         *string
	AuthorKinds   []string
	IncidentYear  *int32
	IncidentMonth *int32
	EventPlace    *string
	Residence     *string
	Sensitivity   *string
}

func (r caseRow) toCase() *casefile.Case {
	c := &casefile.Case{
		ID: r.CaseID.String(), Number: r.Number, Tenant: r.Tenant, Pseudonym: r.Pseudonym.String(),
		State: casefile.State(r.State), PreviousState: casefile.State(r.PreviousState),
		Version: r.Version, Episode: r.Episode, ReportIDs: r.ReportIDs,
		Received: casefile.Month{Year: r.ReceivedYear, Month: r.ReceivedMonth},
		Channel:  r.Channel, ReporterRole: r.ReporterRole, OpenedAt: r.OpenedAt.UTC(), EventSeq: r.EventSeq,
	}
	if r.Verdict != nil {
		c.Assessment = &casefile.Assessment{
			Verdict: *r.Verdict, Grounds: r.Grounds, MainGround: *r.MainGround, Type: *r.Type, Flags: r.Flags,
			Field: *r.Field, AuthorKinds: r.AuthorKinds, EventPlace: *r.EventPlace, Residence: *r.Residence,
			Sensitivity: *r.Sensitivity,
		}
		if r.IncidentMonth != nil {
			c.Assessment.IncidentMonth = &casefile.Month{Year: *r.IncidentYear, Month: *r.IncidentMonth}
		}
	}
	if r.ClosedAt != nil {
		at := r.ClosedAt.UTC()
		c.ClosedAt = &at
		c.Closing = &casefile.Closing{
			Outcome: *r.Outcome, SecondaryOutcomes: r.SecondaryOutcomes, PersonInformed: *r.PersonInformed,
			SealedNote: r.ClosingNote,
		}
	}
	return c
}

const (
	selectCase         = `select ` + caseColumns + ` from ` + caseTables + ` where c.tenant = $1 and c.case_id = $2`
	selectCaseByReport = `select ` + caseColumns + ` from ` + caseTables + ` where c.tenant = $1 and c.case_id =
		(select r.case_id from case_report r where r.tenant = $1 and r.report_id = $2)`
	selectCaseByNumber = `select ` + caseColumns + ` from ` + caseTables + ` where c.tenant = $1 and c.number = $2`
)

// queryCase reads one case with selectCase, selectCaseByReport or selectCaseByNumber.
func queryCase(
	ctx context.Context, tx pgx.Tx, statement string, t tenant.ID, id string,
) (*casefile.Case, error) {
	rows, err := tx.Query(ctx, statement, t, id)
	if err != nil {
		return nil, fmt.Errorf("get case: %w", err)
	}
	row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[caseRow])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fault.New(fault.NotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("get case: %w", err)
	}
	return row.toCase(), nil
}

// CaseFile is a case with its actions and its history.
type CaseFile struct {
	Case    *casefile.Case
	Actions []casefile.Action
	History []casefile.HistoryEntry
}

// Get returns one case with its actions and history, or the fault NOT_FOUND.
func (s *Cases) Get(ctx context.Context, t tenant.ID, id string) (f CaseFile, err error) {
	err = pg.InTenant(ctx, s.pool, t, func(ctx context.Context, tx pgx.Tx) error {
		if f.Case, err = queryCase(ctx, tx, selectCase, t, id); err != nil {
			return err
		}
		if f.Actions, err = queryActions(ctx, tx, t, id); err != nil {
			return err
		}
		f.History, err = queryHistory(ctx, tx, t, id)
		return err
	})
	return f, err
}

// GetByReport returns the case of a report, or the fault NOT_FOUND.
func (s *Cases) GetByReport(ctx context.Context, t tenant.ID, reportID string) (c *casefile.Case, err error) {
	err = pg.InTenant(ctx, s.pool, t, func(ctx context.Context, tx pgx.Tx) error {
		c, err = queryCase(ctx, tx, selectCaseByReport, t, reportID)
		return err
	})
	return c, err
}

// GetByNumber returns the case with a number, or the fault NOT_FOUND.
func (s *Cases) GetByNumber(ctx context.Context, t tenant.ID, number string) (c *casefile.Case, err error) {
	err = pg.InTenant(ctx, s.pool, t, func(ctx context.Context, tx pgx.Tx) error {
		c, err = queryCase(ctx, tx, selectCaseByNumber, t, number)
		return err
	})
	return c, err
}

const selectCases = `select ` + caseColumns + ` from ` + caseTables + `
	where c.tenant = $1 and ($2::text = '' or c.state = $2) and ($3::bigint = 0 or c.seq < $3)
	order by c.seq desc limit $4`

// List returns up to limit cases of a tenant, newest first, that come after position; next is the position of the
// next page, or 0. State "" stands for every state, position 0 for the first page.
func (s *Cases) List(
	ctx context.Context, t tenant.ID, state casefile.State, position int64, limit int,
) (page []*casefile.Case, next int64, err error) {
	err = pg.InTenant(ctx, s.pool, t, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectCases, t, string(state), position, limit+1)
		if err != nil {
			return err
		}
		found, err := pgx.CollectRows(rows, pgx.RowToStructByName[caseRow])
		if err != nil {
			return fmt.Errorf("list cases: %w", err)
		}
		if len(found) > limit {
			next = found[limit-1].Seq
			found = found[:limit]
		}
		for _, row := range found {
			page = append(page, row.toCase())
		}
		return nil
	})
	return page, next, err
}
