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
	"github.com/retepari/pari/services/intake/internal/report"
)

// row is a report as it lies in its table.
type row struct {
	Seq             int64
	Node            string
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

func (r row) report() *report.Report {
	out := &report.Report{
		ID: r.ReportID.String(), Number: r.Number, Node: r.Node, ReceivedAt: r.ReceivedAt.UTC(), State: report.State(r.State), Version: r.Version,
		Codes: report.Codes{
			Channel: r.Channel, ReporterRole: r.ReporterRole, Anonymous: r.Anonymous, Grounds: r.Grounds, Wish: r.Wish,
			IncidentPlace: r.IncidentPlace, Language: r.Language, Urgent: r.Urgent, NoticeVersion: r.NoticeVersion,
		},
	}
	for i, code := range r.ConsentCodes {
		out.Codes.Consents = append(out.Codes.Consents, report.Consent{Code: code, Status: r.ConsentStatuses[i]})
	}
	if r.CaseID != nil {
		out.CaseID, out.CaseNumber = r.CaseID.String(), *r.CaseNumber
	}
	return out
}

// get reads one report with the statement "get", or "lock" to hold it until the transaction ends.
func get(ctx context.Context, tx pgx.Tx, node, id, statement string) (*report.Report, Sealed, error) {
	rows, err := tx.Query(ctx, statements[statement], node, id)
	if err != nil {
		return nil, Sealed{}, fmt.Errorf("get report: %w", err)
	}
	found, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[row])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, Sealed{}, fault.New(fault.NotFound)
	}
	if err != nil {
		return nil, Sealed{}, fmt.Errorf("get report: %w", err)
	}
	return found.report(), Sealed{KeyID: found.KeyID, Narrative: found.SealedNarrative, Contact: found.SealedContact, Date: found.SealedDate}, nil
}

func collectChanges(rows pgx.Rows) ([]report.Change, error) {
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (report.Change, error) {
		var c report.Change
		err := r.Scan(&c.Version, &c.At, &c.By.Person, &c.By.Node, &c.By.System, &c.What, &c.From, &c.To)
		c.At = c.At.UTC()
		return c, err
	})
}

const columns = `seq, node, report_id, number, received_at, state, version, channel, reporter_role, anonymous, grounds, wish,
	incident_place, language, urgent, notice_version, consent_codes, consent_statuses, key_id, sealed_narrative, sealed_contact,
	sealed_date, case_id, case_number`

var (
	insertReport = pg.InsertInto("report", "node", "report_id", "number", "received_at", "state", "version", "channel", "reporter_role",
		"anonymous", "grounds", "wish", "incident_place", "language", "urgent", "notice_version", "consent_codes", "consent_statuses",
		"key_id", "sealed_narrative", "sealed_contact", "sealed_date", "receipt_lookup")
	insertChange = pg.InsertInto("report_history", "node", "report_id", "version", "at", "person", "acting_for", "system", "what", "from_state", "to_state")
)

// row is a new report as insertReport takes it.
func (s Submission) row() []any {
	r, c := s.Report, s.Report.Codes
	codes, statuses := make([]string, len(c.Consents)), make([]string, len(c.Consents))
	for i, consent := range c.Consents {
		codes[i], statuses[i] = consent.Code, consent.Status
	}
	return []any{
		r.Node, r.ID, r.Number, r.ReceivedAt, r.State, r.Version, c.Channel, c.ReporterRole, c.Anonymous, c.Grounds, c.Wish,
		c.IncidentPlace, c.Language, c.Urgent, c.NoticeVersion, codes, statuses, s.Sealed.KeyID, s.Sealed.Narrative, s.Sealed.Contact,
		s.Sealed.Date, s.ReceiptLookup,
	}
}

// changeRows are the changes of a report that are not stored yet, as insertChange takes them.
func changeRows(r *report.Report) (rows [][]any) {
	for _, c := range r.Changes() {
		rows = append(rows, []any{r.Node, r.ID, c.Version, c.At, c.By.Person, c.By.Node, c.By.System, c.What, c.From, c.To})
	}
	return rows
}

// statements are all that this package sends; a test prepares each against the migrated schema.
var statements = map[string]string{
	"submit":    insertReport.SQL(),
	"history":   insertChange.SQL(),
	"get":       `select ` + columns + ` from report where node = $1 and report_id = $2`,
	"lock":      `select ` + columns + ` from report where node = $1 and report_id = $2 for update`,
	"histories": `select version, at, person, acting_for, system, what, from_state, to_state from report_history where node = $1 and report_id = $2 order by version`,
	"opened":    `insert into opening (node, opening_id, report_id, at, person, system) values ($1, $2, $3, $4, $5, $6)`,
	"list": `select ` + columns + ` from report where node = $1 and ($2::text = '' or state = $2) and ($3::bigint = 0 or seq < $3)
		order by seq desc limit $4`,
	"update":        `update report set state = $3, version = $4, case_id = $5, case_number = $6 where node = $1 and report_id = $2`,
	"hand over":     `insert into handover (node, handover_id, report_id, person, system, decided_at) values ($1, $2, $3, $4, $5, $6)`,
	"handed over":   `update handover set done = true where node = $1 and handover_id = $2`,
	"handover":      `select ` + handoverColumns + ` from handover h join report r using (node, report_id) where h.node = $1 and h.report_id = $2`,
	"open handover": `select ` + handoverColumns + ` from handover h join report r using (node, report_id) where h.node = $1 and not h.done order by h.decided_at limit $2`,
}

const handoverColumns = `h.handover_id, h.report_id, h.node, h.person, h.system, h.done, r.received_at, r.channel, r.reporter_role`
