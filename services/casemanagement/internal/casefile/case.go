// Package casefile holds the case aggregate: its states and the rules for changing them. It is pure: it knows no
// database, transport or clock, and of the code lists only the groups of verdicts and the sensitivity of restricted
// cases. A method returns a fault and changes nothing, or changes the case and adds to its history, actions and events.
//
// The transitions are the complete case procedure of the network; docs/case-states.md is generated from them.
package casefile

import (
	"strconv"
	"time"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/services/casemanagement/internal/reason"
)

// Actor is the author of a change: a person, for a tenant, through a system.
type Actor struct {
	Person string
	Tenant tenant.ID
	System string
}

// Action is a step taken in a case. Its note is sealed by the caller.
type Action struct {
	ID, Code, Result, ReferralTarget string
	Minutes                          int32
	SealedNote                       []byte
	At                               time.Time
	By                               Actor
}

// Closing is the outcome of a case. Its note is sealed by the caller.
type Closing struct {
	Outcome           string
	SecondaryOutcomes []string
	PersonInformed    bool
	SealedNote        []byte
}

// HistoryAssessed is the What of a history entry that adds an assessment. The assessment has the version of the entry.
const HistoryAssessed = "ASSESSED"

// HistoryEntry is one change of a case.
type HistoryEntry struct {
	Version  int64
	At       time.Time
	By       Actor
	What     string
	From, To State
}

// Case is one case. Its fields are for reading; the methods change them.
type Case struct {
	ID, Number, Pseudonym string
	Tenant                tenant.ID
	State                 State
	// PreviousState is the state in which a transfer was proposed.
	PreviousState         State
	Version               int64
	Episode               int32
	ReportIDs             []string
	Received              Month
	Channel, ReporterRole string
	OpenedAt              time.Time
	ClosedAt              *time.Time
	Assessment            *Assessment
	Closing               *Closing
	// EventSeq is the number of the last event.
	EventSeq int64

	unsavedHistory []HistoryEntry
	unsavedEvents  []Event
	unsavedActions []Action
}

// OpenParams are the parameters of Open.
type OpenParams struct {
	ID, Number, Pseudonym, ReportID string
	Tenant                          tenant.ID
	Received                        Month
	Channel, ReporterRole           string
}

// Open returns a new case for a report that was taken in charge. It awaits its assessment.
func Open(p OpenParams, by Actor, now time.Time) *Case {
	c := &Case{
		ID: p.ID, Number: p.Number, Tenant: p.Tenant, Pseudonym: p.Pseudonym, State: InAssessment, Episode: 1,
		ReportIDs: []string{p.ReportID}, Received: p.Received, Channel: p.Channel, ReporterRole: p.ReporterRole,
		OpenedAt: now.UTC(),
	}
	c.appendHistory("OPENED", "", by, now)
	c.emit(Event{Kind: EventOpened, At: now})
	return c
}

// Assess records an assessment. In the state ASSESSMENT the disposition moves the case; later an assessment only
// corrects the one before.
func (c *Case) Assess(version int64, a Assessment, d Disposition, by Actor, now time.Time) error {
	if err := c.checkVersion(version); err != nil {
		return err
	}
	if err := fault.Invalid(a.Validate()...); err != nil {
		return err
	}
	from := c.State
	switch {
	case c.State == InAssessment:
		if err := c.transition(d.state()); err != nil {
			return err
		}
	case !c.canReassess():
		return c.forbiddenTransition()
	}
	c.Assessment = &a
	c.appendHistory(HistoryAssessed, from, by, now)
	c.emit(Event{Kind: EventAssessed, At: now})
	return nil
}

// canReassess reports whether an assessment may be corrected in the case's state.
func (c *Case) canReassess() bool {
	switch c.State {
	case TakenInCharge, InAction, Suspended, Escalated, Monitoring, Reopened, NotPertinent, OutOfCompetence:
		return true
	default:
		return false
	}
}

// RecordAction records an action. The first one moves a case from TAKEN_IN_CHARGE or REOPENED to IN_ACTION.
func (c *Case) RecordAction(version int64, a Action, by Actor, now time.Time) error {
	if err := c.checkVersion(version); err != nil {
		return err
	}
	from := c.State
	switch c.State {
	case TakenInCharge, Reopened:
		if err := c.transition(InAction); err != nil {
			return err
		}
	case InAction, Suspended, Escalated, Monitoring:
	default:
		return c.forbiddenTransition()
	}
	a.At, a.By = now.UTC(), by
	c.unsavedActions = append(c.unsavedActions, a)
	c.appendHistory("ACTION_RECORDED", from, by, now)
	if !c.isRestricted() {
		c.emit(Event{Kind: EventActionRecorded, At: now, Action: a})
	}
	return nil
}

// Close ends the case with its outcome.
func (c *Case) Close(version int64, closing Closing, by Actor, now time.Time) error {
	if err := c.checkVersion(version); err != nil {
		return err
	}
	from := c.State
	if !c.State.IsOpen() {
		return c.forbiddenTransition()
	}
	if c.Assessment == nil {
		return fault.New(reason.NotAssessed)
	}
	if err := c.transition(Closed); err != nil {
		return err
	}
	at := now.UTC()
	c.ClosedAt, c.Closing = &at, &closing
	c.appendHistory("CLOSED", from, by, now)
	c.emit(Event{Kind: EventClosed, At: now})
	return nil
}

// UnsavedHistory returns the history since the case was opened or loaded; the store saves it with the case.
func (c *Case) UnsavedHistory() []HistoryEntry { return c.unsavedHistory }

// UnsavedActions returns the actions recorded since the case was opened or loaded; the store saves them with the case.
func (c *Case) UnsavedActions() []Action { return c.unsavedActions }

// UnsavedEvents returns the events since the case was opened or loaded; the store saves them with the case.
func (c *Case) UnsavedEvents() []Event { return c.unsavedEvents }

func (c *Case) isRestricted() bool {
	return c.Assessment != nil && c.Assessment.Sensitivity == SensitivityRestricted
}

func (c *Case) transition(to State) error {
	if !CanTransition(c.State, to, c.PreviousState) {
		return c.forbiddenTransition()
	}
	if to == TransferProposed {
		c.PreviousState = c.State
	}
	c.State = to
	return nil
}

func (c *Case) checkVersion(version int64) error {
	if version != c.Version {
		return fault.New(fault.WrongVersion).WithMeta("current_version", strconv.FormatInt(c.Version, 10))
	}
	return nil
}

func (c *Case) forbiddenTransition() error {
	return fault.New(fault.ForbiddenMove).WithMeta("state", string(c.State))
}

func (c *Case) appendHistory(what string, from State, by Actor, now time.Time) {
	c.Version++
	c.unsavedHistory = append(c.unsavedHistory, HistoryEntry{
		Version: c.Version, At: now.UTC(), By: by, What: what, From: from, To: c.State,
	})
}
