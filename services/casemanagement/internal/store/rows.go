package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/services/casemanagement/internal/casefile"
)

// row is a case as it lies in its tables.
type row struct {
	Seq               int64
	Node              string
	CaseID            uuid.UUID
	Number            string
	Pseudonym         uuid.UUID
	State             string
	BeforeState       string
	Version           int64
	Episode           int32
	ReceivedYear      int32
	ReceivedMonth     int32
	Channel           string
	ReporterRole      string
	OpenedAt          time.Time
	ClosedAt          *time.Time
	EventSeq          int64
	KeyID             uuid.UUID
	Outcome           *string
	SecondaryOutcomes []string
	PersonInformed    *bool
	ClosingNote       []byte
	Reports           []string

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

func (r row) file() *casefile.Case {
	c := &casefile.Case{
		ID: r.CaseID.String(), Number: r.Number, Node: r.Node, Pseudonym: r.Pseudonym.String(), State: casefile.State(r.State), Before: casefile.State(r.BeforeState),
		Version: r.Version, Episode: r.Episode, ReportIDs: r.Reports, Received: casefile.Month{Year: r.ReceivedYear, Month: r.ReceivedMonth},
		Channel: r.Channel, ReporterRole: r.ReporterRole, OpenedAt: r.OpenedAt.UTC(), EventSeq: r.EventSeq,
	}
	if r.Verdict != nil {
		c.Assessment = &casefile.Assessment{
			Verdict: *r.Verdict, Grounds: r.Grounds, MainGround: *r.MainGround, Type: *r.Type, Flags: r.Flags, Field: *r.Field,
			AuthorKinds: r.AuthorKinds, EventPlace: *r.EventPlace, Residence: *r.Residence, Sensitivity: *r.Sensitivity,
		}
		if r.IncidentMonth != nil {
			c.Assessment.IncidentMonth = &casefile.Month{Year: *r.IncidentYear, Month: *r.IncidentMonth}
		}
	}
	if r.ClosedAt != nil {
		at := r.ClosedAt.UTC()
		c.ClosedAt = &at
		c.Closing = &casefile.Closing{Outcome: *r.Outcome, Secondary: r.SecondaryOutcomes, PersonInformed: *r.PersonInformed, SealedNote: r.ClosingNote}
	}
	return c
}

// one reads one case with a statement that finds at most one.
func one(ctx context.Context, tx pgx.Tx, statement, node, id string) (*casefile.Case, uuid.UUID, error) {
	rows, err := tx.Query(ctx, statements[statement], node, id)
	if err != nil {
		return nil, uuid.Nil, fmt.Errorf("get case: %w", err)
	}
	found, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[row])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, uuid.Nil, fault.New(fault.NotFound)
	}
	if err != nil {
		return nil, uuid.Nil, fmt.Errorf("get case: %w", err)
	}
	return found.file(), found.KeyID, nil
}

func scanAction(r pgx.CollectableRow) (casefile.Action, error) {
	var a casefile.Action
	var id uuid.UUID
	err := r.Scan(&id, &a.Code, &a.Result, &a.ReferralTarget, &a.Minutes, &a.SealedNote, &a.At, &a.By.Person, &a.By.Node, &a.By.System)
	a.ID, a.At = id.String(), a.At.UTC()
	return a, err
}

func scanChange(r pgx.CollectableRow) (casefile.Change, error) {
	var c casefile.Change
	err := r.Scan(&c.Version, &c.At, &c.By.Person, &c.By.Node, &c.By.System, &c.What, &c.From, &c.To)
	c.At = c.At.UTC()
	return c, err
}

const columns = `c.seq, c.node, c.case_id, c.number, c.pseudonym, c.state, c.before_state, c.version, c.episode, c.received_year,
	c.received_month, c.channel, c.reporter_role, c.opened_at, c.closed_at, c.event_seq, c.key_id, c.outcome, c.secondary_outcomes,
	c.person_informed, c.closing_note,
	array(select r.report_id::text from case_report r where r.node = c.node and r.case_id = c.case_id order by r.report_id) as reports,
	a.verdict, a.grounds, a.main_ground, a.type, a.flags, a.field, a.author_kinds, a.incident_year, a.incident_month, a.event_place,
	a.residence, a.sensitivity`

const from = ` from case_file c left join assessment a on a.node = c.node and a.case_id = c.case_id and a.version = c.assessed `

// statements are all that this package sends; a test prepares each against the migrated schema.
var statements = map[string]string{
	"open": `insert into case_file (node, case_id, number, pseudonym, state, version, episode, received_year, received_month, channel,
		reporter_role, opened_at, event_seq, key_id) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
	"from report": `insert into case_report (node, report_id, case_id) values ($1, $2, $3)`,
	"for report": `select ` + columns + from + `where c.node = $1 and c.case_id =
		(select r.case_id from case_report r where r.node = $1 and r.report_id = $2)`,
	"get":  `select ` + columns + from + `where c.node = $1 and c.case_id = $2`,
	"lock": `select from case_file where node = $1 and case_id = $2 for update`,
	"list": `select ` + columns + from + `where c.node = $1 and ($2::text = '' or c.state = $2) and ($3::bigint = 0 or c.seq < $3)
		order by c.seq desc limit $4`,
	"assess": `insert into assessment (node, case_id, version, verdict, grounds, main_ground, type, flags, field, author_kinds, incident_year,
		incident_month, event_place, residence, sensitivity) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
	"act": `insert into action (node, case_id, action_id, version, code, result, referral_target, minutes, note, at, person, acting_for, system)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
	"update": `update case_file set state = $3, before_state = $4, version = $5, episode = $6, closed_at = $7,
		assessed = case when $8::bigint = 0 then assessed else $8 end, event_seq = $9, outcome = $10, secondary_outcomes = $11,
		person_informed = $12, closing_note = $13 where node = $1 and case_id = $2`,
	"history": `insert into case_history (node, case_id, version, at, person, acting_for, system, what, from_state, to_state)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
	"actions": `select action_id, code, result, referral_target, minutes, note, at, person, acting_for, system from action
		where node = $1 and case_id = $2 order by version`,
	"histories": `select version, at, person, acting_for, system, what, from_state, to_state from case_history where node = $1 and case_id = $2 order by version`,
	"opened":    `insert into opening (node, opening_id, case_id, at, person, system) values ($1, $2, $3, $4, $5, $6)`,
}
