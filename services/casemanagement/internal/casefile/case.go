package casefile

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/services/casemanagement/internal/reason"
)

// Actor is who did something: a person, for a node, through a system.
type Actor struct{ Person, Node, System string }

// Month is a month of the calendar.
type Month struct{ Year, Month int32 }

// Course is where an assessment leads a case.
type Course string

// The courses; the code list of verdicts says which verdict takes which.
const (
	CourseInCharge        Course = "IN_CHARGE"
	CourseNotPertinent    Course = "NOT_PERTINENT"
	CourseOutOfCompetence Course = "OUT_OF_COMPETENCE"
)

// CourseOf is the course of a group of verdicts; of an unknown one there is none. A case that is not discrimination but is
// helped is worked like one that is.
func CourseOf(group string) Course {
	switch group {
	case "PERTINENT", "NOT_PERTINENT_HELPED":
		return CourseInCharge
	case "NOT_PERTINENT":
		return CourseNotPertinent
	case "OUT_OF_COMPETENCE":
		return CourseOutOfCompetence
	default:
		return ""
	}
}

// Sealed is the sensitivity of which the centre learns that a case exists, and nothing else.
const Sealed = "S4"

// Assessment is what the node finds.
type Assessment struct {
	Verdict               string
	Grounds               []string
	MainGround, Type      string
	Flags                 []string
	Field                 string
	AuthorKinds           []string
	IncidentMonth         *Month
	EventPlace, Residence string
	Sensitivity           string
}

// Check returns everything about an assessment that its fields alone cannot tell.
func (a Assessment) Check() []fault.Field {
	if a.MainGround != "" && !slices.Contains(a.Grounds, a.MainGround) {
		return []fault.Field{{Path: "assessment.main_ground", Reason: reason.MainGroundNotListed}}
	}
	return nil
}

// Action is one thing done for a case. Its note is sealed before it comes here.
type Action struct {
	ID, Code, Result, ReferralTarget string
	Minutes                          int32
	SealedNote                       []byte
	At                               time.Time
	By                               Actor
}

// Closing is how a case ended. Its note is sealed before it comes here.
type Closing struct {
	Outcome        string
	Secondary      []string
	PersonInformed bool
	SealedNote     []byte
}

// Assessed is what the history says of an assessment; its version names the assessment.
const Assessed = "ASSESSED"

// Change is one line of a case's history.
type Change struct {
	Version  int64
	At       time.Time
	By       Actor
	What     string
	From, To State
}

// Case is one case. Its fields are for reading; the methods change them.
type Case struct {
	ID, Number, Node, Pseudonym string
	State, Before               State
	Version                     int64
	Episode                     int32
	ReportIDs                   []string
	Received                    Month
	Channel, ReporterRole       string
	OpenedAt                    time.Time
	ClosedAt                    *time.Time
	Assessment                  *Assessment
	Closing                     *Closing
	// EventSeq is the number of the last event that was recorded for the centre.
	EventSeq int64

	changes []Change
	events  []Event
	actions []Action
}

// Opening is what a case begins with.
type Opening struct {
	ID, Number, Node, Pseudonym, ReportID string
	Received                              Month
	Channel, ReporterRole                 string
}

// Open begins a case for a report that the desk took in charge: it is to be assessed.
func Open(o Opening, by Actor, now time.Time) *Case {
	c := &Case{
		ID: o.ID, Number: o.Number, Node: o.Node, Pseudonym: o.Pseudonym, State: InAssessment, Episode: 1, ReportIDs: []string{o.ReportID},
		Received: o.Received, Channel: o.Channel, ReporterRole: o.ReporterRole, OpenedAt: now.UTC(),
	}
	c.record("OPENED", "", by, now)
	c.tell(Event{Kind: EventOpened, At: now})
	return c
}

// Assess records what the node finds. During assessment the verdict moves the case; later it corrects the classification.
func (c *Case) Assess(version int64, a Assessment, course Course, by Actor, now time.Time) error {
	if err := c.at(version); err != nil {
		return err
	}
	if err := fault.Invalid(a.Check()...); err != nil {
		return err
	}
	from := c.State
	switch {
	case c.State == InAssessment:
		to := map[Course]State{CourseInCharge: TakenInCharge, CourseNotPertinent: NotPertinent, CourseOutOfCompetence: OutOfCompetence}[course]
		if err := c.move(to); err != nil {
			return err
		}
	case !c.assessed():
		return c.forbidden()
	}
	c.Assessment = &a
	c.record(Assessed, from, by, now)
	c.tell(Event{Kind: EventClassified, At: now})
	return nil
}

// assessed tells whether the case has come so far that an assessment can be corrected.
func (c *Case) assessed() bool {
	switch c.State {
	case TakenInCharge, InAction, Suspended, Escalated, Monitoring, Reopened, NotPertinent, OutOfCompetence:
		return true
	default:
		return false
	}
}

// Act records what was done. The first action moves a case in charge into action.
func (c *Case) Act(version int64, a Action, by Actor, now time.Time) error {
	if err := c.at(version); err != nil {
		return err
	}
	from := c.State
	switch c.State {
	case TakenInCharge, Reopened:
		if err := c.move(InAction); err != nil {
			return err
		}
	case InAction, Suspended, Escalated, Monitoring:
	default:
		return c.forbidden()
	}
	a.At, a.By = now.UTC(), by
	c.actions = append(c.actions, a)
	c.record("ACTION_RECORDED", from, by, now)
	if !c.sealed() {
		c.tell(Event{Kind: EventActed, At: now, Action: a})
	}
	return nil
}

// Close ends the case with its outcome.
func (c *Case) Close(version int64, closing Closing, by Actor, now time.Time) error {
	if err := c.at(version); err != nil {
		return err
	}
	from := c.State
	if !c.State.Open() {
		return c.forbidden()
	}
	if c.Assessment == nil {
		return fault.New(reason.NotAssessed)
	}
	if err := c.move(Closed); err != nil {
		return err
	}
	at := now.UTC()
	c.ClosedAt, c.Closing = &at, &closing
	c.record("CLOSED", from, by, now)
	c.tell(Event{Kind: EventClosed, At: now})
	return nil
}

func (c *Case) sealed() bool { return c.Assessment != nil && c.Assessment.Sensitivity == Sealed }

func (c *Case) move(to State) error {
	if !May(c.State, to, c.Before) {
		return c.forbidden()
	}
	if to == TransferProposed {
		c.Before = c.State
	}
	c.State = to
	return nil
}

func (c *Case) at(version int64) error {
	if version != c.Version {
		return fault.New(fault.WrongVersion).WithMeta("current_version", strconv.FormatInt(c.Version, 10))
	}
	return nil
}

func (c *Case) forbidden() error {
	return fault.New(fault.ForbiddenMove).WithMeta("state", string(c.State))
}

func (c *Case) record(what string, from State, by Actor, now time.Time) {
	c.Version++
	c.changes = append(c.changes, Change{Version: c.Version, At: now.UTC(), By: by, What: what, From: from, To: c.State})
}

// Changes, Events and NewActions are those since the case was opened or loaded; the store writes them with it.
func (c *Case) Changes() []Change { return c.changes }

// NewActions are the actions recorded since the case was loaded.
func (c *Case) NewActions() []Action { return c.actions }

// Number writes a case number: sign of the node, year, and a number of at least six digits.
func Number(sign string, year int, n int64) string { return fmt.Sprintf("%s-C-%d-%06d", sign, year, n) }
