package fact

import (
	"fmt"
	"slices"
)

// Case is the fact of one case.
type Case struct {
	Seq          int64 // number of the last event applied; 0: none
	Opened       Month
	Received     Month // of its first report; the month of opening when there was none
	Channel      string
	ReporterRole string
	Actions      int

	// Restricted cases (sensitivity S4) are counted without details: Channel, ReporterRole, Actions and all fields
	// below but Closed are empty.
	Restricted bool

	Verdict            string // empty until assessed
	Pertinent          bool
	Grounds            []string
	MainGround         string
	GroundGroup        string // of the main ground
	Type               string
	Flags              []string
	Field              string
	FieldGroup         string
	AuthorKinds        []string
	Incident           Month
	EventTerritory     string
	ResidenceTerritory string

	Closed            Month
	Outcome           string
	OutcomeGroup      string
	SecondaryOutcomes []string
}

// PertinentGroup is the group of verdicts under which a case counts as pertinent.
const PertinentGroup = "PERTINENT"

// CaseEvent is one of CaseOpened, CaseClassified, ActionRecorded, CaseClosed and CaseWithdrawn.
type CaseEvent interface {
	apply(Case, Codes) (Case, error)
}

// CaseOpened is the event of a node that opened a case.
type CaseOpened struct {
	Month        Month
	Received     Month // unknown for a case opened without a report
	Channel      string
	ReporterRole string
}

// CaseClassified is the event of a node that classified a case. A later one replaces it.
type CaseClassified struct {
	Restricted         bool
	Verdict            string
	Grounds            []string
	MainGround         string
	Type               string
	Flags              []string
	Field              string
	AuthorKinds        []string
	Incident           Month
	EventTerritory     string
	ResidenceTerritory string
}

// ActionRecorded is the event of a node that recorded an action for a case.
type ActionRecorded struct {
	Month  Month
	Code   string
	Result string
}

// CaseClosed is the event of a node that closed a case. A later one replaces it, because a case may be reopened.
type CaseClosed struct {
	Month             Month
	Outcome           string
	SecondaryOutcomes []string
}

// CaseWithdrawn is the event of a node that has lost a case in a restore: it counts no more. It is the last one.
type CaseWithdrawn struct{}

// Counted reports whether the case counts: it was opened and not withdrawn.
func (c Case) Counted() bool { return c.Opened.Known() }

// Apply returns the fact after event number seq. The zero Case is the state before the first event. It returns
// ErrOrder, ErrInvalid or ErrCode, and then the fact unchanged. The result shares no slice with the event.
func (c Case) Apply(seq int64, e CaseEvent, codes Codes) (Case, error) {
	if seq != c.Seq+1 {
		return c, ErrOrder
	}
	if _, ok := e.(CaseOpened); ok != (c.Seq == 0) || !ok && !c.Counted() {
		return c, ErrOrder
	}
	next, err := e.apply(c, codes)
	if err != nil {
		return c, err
	}
	next.Seq = seq
	return next, nil
}

func (e CaseOpened) apply(_ Case, codes Codes) (Case, error) {
	received := e.Received
	if !received.Known() {
		received = e.Month
	}
	if !e.Month.valid() || !received.valid() {
		return Case{}, fmt.Errorf("month: %w", ErrInvalid)
	}
	if err := codes.require("channel", e.Channel); err != nil {
		return Case{}, err
	}
	if err := codes.require("reporter_role", e.ReporterRole); err != nil {
		return Case{}, err
	}
	return Case{Opened: e.Month, Received: received, Channel: e.Channel, ReporterRole: e.ReporterRole}, nil
}

func (e CaseClassified) apply(c Case, codes Codes) (Case, error) {
	if e.Restricted { // drop all details, of the case and of the event
		return Case{Opened: c.Opened, Received: c.Received, Closed: c.Closed, Restricted: true}, nil
	}
	if e.Verdict == "" {
		return c, fmt.Errorf("verdict: %w", ErrInvalid)
	}
	if e.Incident.Known() && !e.Incident.valid() {
		return c, fmt.Errorf("incident month: %w", ErrInvalid)
	}
	if e.MainGround != "" && !slices.Contains(e.Grounds, e.MainGround) {
		return c, fmt.Errorf("main ground: %w", ErrInvalid)
	}
	for _, check := range []struct {
		list  string
		codes []string
	}{
		{"ground", e.Grounds},
		{"type", []string{e.Type}},
		{"type_flag", e.Flags},
		{"author_kind", e.AuthorKinds},
		{"territory", []string{e.EventTerritory, e.ResidenceTerritory}},
	} {
		if err := codes.require(check.list, check.codes...); err != nil {
			return c, err
		}
	}
	verdict, err := codes.group("assessment", "assessment_group", e.Verdict)
	if err != nil {
		return c, err
	}
	ground, err := codes.group("ground", "ground_group", e.MainGround)
	if err != nil {
		return c, err
	}
	field, err := codes.group("field", "field_group", e.Field)
	if err != nil {
		return c, err
	}
	c.Restricted, c.Verdict, c.Pertinent = false, e.Verdict, verdict == PertinentGroup
	c.Grounds, c.MainGround, c.GroundGroup = slices.Clone(e.Grounds), e.MainGround, ground
	c.Type, c.Flags = e.Type, slices.Clone(e.Flags)
	c.Field, c.FieldGroup = e.Field, field
	c.AuthorKinds, c.Incident = slices.Clone(e.AuthorKinds), e.Incident
	c.EventTerritory, c.ResidenceTerritory = e.EventTerritory, e.ResidenceTerritory
	return c, nil
}

func (e ActionRecorded) apply(c Case, codes Codes) (Case, error) {
	if c.Restricted {
		return c, nil // nodes do not send actions of restricted cases; if one does, the action is not counted
	}
	if !e.Month.valid() || e.Code == "" {
		return c, fmt.Errorf("action: %w", ErrInvalid)
	}
	if err := codes.require("action", e.Code); err != nil {
		return c, err
	}
	if err := codes.require("action_result", e.Result); err != nil {
		return c, err
	}
	c.Actions++
	return c, nil
}

func (CaseWithdrawn) apply(Case, Codes) (Case, error) { return Case{}, nil }

func (e CaseClosed) apply(c Case, codes Codes) (Case, error) {
	if !e.Month.valid() {
		return c, fmt.Errorf("month: %w", ErrInvalid)
	}
	c.Closed = e.Month
	if c.Restricted {
		return c, nil
	}
	if e.Outcome == "" {
		return c, fmt.Errorf("outcome: %w", ErrInvalid)
	}
	group, err := codes.group("outcome", "outcome_group", e.Outcome)
	if err != nil {
		return c, err
	}
	if err := codes.require("outcome", e.SecondaryOutcomes...); err != nil {
		return c, err
	}
	c.Outcome, c.OutcomeGroup, c.SecondaryOutcomes = e.Outcome, group, slices.Clone(e.SecondaryOutcomes)
	return c, nil
}
