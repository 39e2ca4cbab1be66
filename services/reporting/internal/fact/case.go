package fact

import (
	"fmt"
	"slices"
)

// Case is what the centre knows of one case.
type Case struct {
	Seq          int64 // number of the last event applied, from 1
	Opened       Month
	Received     Month // of its first report; the month of opening when the node had none
	Channel      string
	ReporterRole string
	Actions      int

	// Sealed: the centre knows that the case exists, and nothing else. Everything below but Closed stays empty.
	Sealed bool

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

// CaseEvent is one of CaseOpened, CaseClassified, ActionRecorded and CaseClosed.
type CaseEvent interface {
	apply(Case, Codes) (Case, error)
}

// CaseOpened tells that a node opened a case.
type CaseOpened struct {
	Month        Month
	Received     Month // absent for a case opened without a report
	Channel      string
	ReporterRole string
}

// CaseClassified tells what a node found. A later one replaces it.
type CaseClassified struct {
	Sealed             bool
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

// ActionRecorded tells that a node did something for a case.
type ActionRecorded struct {
	Month  Month
	Code   string
	Result string
}

// CaseClosed tells that a node closed a case. A later one replaces it: a case may be opened again.
type CaseClosed struct {
	Month             Month
	Outcome           string
	SecondaryOutcomes []string
}

// Apply returns the fact after event number seq; the zero Case is one not heard of yet. It returns ErrOrder, ErrInvalid or
// ErrCode, and then the event has no effect. The result shares nothing with the event that a caller could change later.
func (c Case) Apply(seq int64, e CaseEvent, codes Codes) (Case, error) {
	if seq != c.Seq+1 {
		return c, ErrOrder
	}
	if _, opens := e.(CaseOpened); opens != (c.Seq == 0) {
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
	if err := codes.known("channel", e.Channel); err != nil {
		return Case{}, err
	}
	if err := codes.known("reporter_role", e.ReporterRole); err != nil {
		return Case{}, err
	}
	return Case{Opened: e.Month, Received: received, Channel: e.Channel, ReporterRole: e.ReporterRole}, nil
}

func (e CaseClassified) apply(c Case, codes Codes) (Case, error) {
	bare := Case{Opened: c.Opened, Received: c.Received, Closed: c.Closed}
	if e.Sealed {
		// Whatever the event says beside it, and whatever was known before, is let go.
		bare.Sealed = true
		return bare, nil
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
		if err := codes.known(check.list, check.codes...); err != nil {
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
	c.Sealed, c.Verdict, c.Pertinent = false, e.Verdict, verdict == PertinentGroup
	c.Grounds, c.MainGround, c.GroundGroup = slices.Clone(e.Grounds), e.MainGround, ground
	c.Type, c.Flags = e.Type, slices.Clone(e.Flags)
	c.Field, c.FieldGroup = e.Field, field
	c.AuthorKinds, c.Incident = slices.Clone(e.AuthorKinds), e.Incident
	c.EventTerritory, c.ResidenceTerritory = e.EventTerritory, e.ResidenceTerritory
	return c, nil
}

func (e ActionRecorded) apply(c Case, codes Codes) (Case, error) {
	if c.Sealed {
		return c, nil // nodes do not send it; should one do so, nothing of it is kept
	}
	if !e.Month.valid() || e.Code == "" {
		return c, fmt.Errorf("action: %w", ErrInvalid)
	}
	if err := codes.known("action", e.Code); err != nil {
		return c, err
	}
	if err := codes.known("action_result", e.Result); err != nil {
		return c, err
	}
	c.Actions++
	return c, nil
}

func (e CaseClosed) apply(c Case, codes Codes) (Case, error) {
	if !e.Month.valid() {
		return c, fmt.Errorf("month: %w", ErrInvalid)
	}
	c.Closed = e.Month
	if c.Sealed {
		return c, nil
	}
	if e.Outcome == "" {
		return c, fmt.Errorf("outcome: %w", ErrInvalid)
	}
	group, err := codes.group("outcome", "outcome_group", e.Outcome)
	if err != nil {
		return c, err
	}
	if err := codes.known("outcome", e.SecondaryOutcomes...); err != nil {
		return c, err
	}
	c.Outcome, c.OutcomeGroup, c.SecondaryOutcomes = e.Outcome, group, slices.Clone(e.SecondaryOutcomes)
	return c, nil
}
