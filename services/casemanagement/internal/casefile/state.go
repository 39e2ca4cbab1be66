package casefile

import "slices"

// State is the state of a case.
type State string

// The states of the case procedure.
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

// States returns all states in the order of the procedure.
func States() []State {
	return []State{
		Received, Acknowledged, Intake, Oriented, Interview, InAssessment, NotPertinent, OutOfCompetence,
		TakenInCharge, InAction, TransferProposed, Transferred, Escalated, Suspended, Monitoring,
		Closed, Reopened, Archived, Anonymised,
	}
}

// transitions are those particular to a state. In addition, every open state has a transition to TRANSFER_PROPOSED,
// from which a refusal leads back, and one to CLOSED.
var transitions = map[State][]State{
	Received:        {Acknowledged, InAssessment /* anonymous: no reply possible */, TakenInCharge /* emergency */},
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

// IsOpen reports whether the node still works on a case in this state.
func (s State) IsOpen() bool {
	switch s {
	case Transferred, Closed, Archived, Anonymised:
		return false
	default:
		return slices.Contains(States(), s)
	}
}

// CanTransition reports whether a case may move from one state to another. A refused transfer leads from
// TRANSFER_PROPOSED back to previous, the state in which the transfer was proposed.
func CanTransition(from, to, previous State) bool {
	if from == TransferProposed {
		return to == Transferred || to == Closed ||
			(to == previous && previous.IsOpen() && previous != TransferProposed)
	}
	if slices.Contains(transitions[from], to) {
		return true
	}
	return from.IsOpen() && (to == TransferProposed || to == Closed)
}
