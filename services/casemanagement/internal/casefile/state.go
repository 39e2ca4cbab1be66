// Package casefile is what a case is and what may happen to it. It is pure: values in, a fault or recorded changes out; it
// knows no database, no transport, no clock and no code list. The states and the moves between them are the network's case
// procedure, the whole of it, in one table; docs/case-states.md is written from it.
package casefile

import "slices"

// State is where a case stands.
type State string

// The states of the procedure.
const (
	Received         State = "RECEIVED"
	Acknowledged     State = "ACKNOWLEDGED"
	Intake           State = "INTAKE"
	Oriented         State = "ORIENTED"
	Interview        State = "INTERVIEW"
	InAssessment     State = "ASSESSMENT"
	NotPertinent     State = "NOT_PERTINENT"
	OutOfCompetence  State = "OUT_OF_COMPETENCE"
	TakenInCharge    State = "TAKEN_IN_CHARGE"
	InAction         State = "IN_ACTION"
	TransferProposed State = "TRANSFER_PROPOSED"
	Transferred      State = "TRANSFERRED"
	Escalated        State = "ESCALATED"
	Suspended        State = "SUSPENDED"
	Monitoring       State = "MONITORING"
	Closed           State = "CLOSED"
	Reopened         State = "REOPENED"
	Archived         State = "ARCHIVED"
	Anonymised       State = "ANONYMISED"
)

// States lists them in the order of the procedure.
func States() []State {
	return []State{Received, Acknowledged, Intake, Oriented, Interview, InAssessment, NotPertinent, OutOfCompetence, TakenInCharge,
		InAction, TransferProposed, Transferred, Escalated, Suspended, Monitoring, Closed, Reopened, Archived, Anonymised}
}

// moves are the moves that are particular to a state. Two more hold for every open state: to TRANSFER_PROPOSED, from where
// a refusal leads back, and to CLOSED.
var moves = map[State][]State{
	Received:        {Acknowledged, InAssessment /* anonymous, nobody to answer */, TakenInCharge /* emergency */},
	Acknowledged:    {Intake},
	Intake:          {Oriented, Interview, InAssessment},
	Oriented:        {},
	Interview:       {InAssessment},
	InAssessment:    {Interview, NotPertinent, OutOfCompetence, TakenInCharge},
	NotPertinent:    {},
	OutOfCompetence: {},
	TakenInCharge:   {InAction},
	InAction:        {Suspended, Escalated, Monitoring},
	Suspended:       {InAction},
	Escalated:       {InAction},
	Monitoring:      {InAction},
	Reopened:        {InAssessment, InAction},
	Closed:          {Reopened, Archived},
	Archived:        {Anonymised},
}

// Open tells whether a case in this state is still being worked by the node.
func (s State) Open() bool {
	switch s {
	case Transferred, Closed, Archived, Anonymised:
		return false
	default:
		return slices.Contains(States(), s)
	}
}

// May tells whether a case may move from one state to another. From TRANSFER_PROPOSED a refusal leads back to the state
// that it was proposed from; before is that state.
func May(from, to, before State) bool {
	if from == TransferProposed {
		return to == Transferred || to == Closed || (to == before && before.Open() && before != TransferProposed)
	}
	if slices.Contains(moves[from], to) {
		return true
	}
	return from.Open() && (to == TransferProposed || to == Closed)
}
