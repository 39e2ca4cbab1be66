package casefile

import (
	"slices"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/services/casemanagement/internal/reason"
)

// Disposition is what an assessment decides about a case.
type Disposition string

// The dispositions. The code list of verdicts groups verdicts by disposition.
const (
	DispositionInCharge        Disposition = "IN_CHARGE"
	DispositionNotPertinent    Disposition = "NOT_PERTINENT"
	DispositionOutOfCompetence Disposition = "OUT_OF_COMPETENCE"
)

// DispositionOf returns the disposition of a group of verdicts, or "" for an unknown group. A case that is not
// discrimination, but in which the network helps, is taken in charge.
func DispositionOf(group string) Disposition {
	switch group {
	case "PERTINENT", "NOT_PERTINENT_HELPED":
		return DispositionInCharge
	case "NOT_PERTINENT":
		return DispositionNotPertinent
	case "OUT_OF_COMPETENCE":
		return DispositionOutOfCompetence
	default:
		return ""
	}
}

// state returns the state to which the disposition moves a case in assessment, or "" for an unknown disposition.
func (d Disposition) state() State {
	switch d {
	case DispositionInCharge:
		return TakenInCharge
	case DispositionNotPertinent:
		return NotPertinent
	case DispositionOutOfCompetence:
		return OutOfCompetence
	default:
		return ""
	}
}

// SensitivityRestricted is the sensitivity of a restricted case. From the assessment that restricts a case, the centre
// learns only that the case is restricted and the month in which it ended. What was sent before is not withdrawn: the
// opening, which every case sends (its month, the month received, channel and role of the reporter), and, after an
// earlier assessment with another sensitivity, that classification, the actions since then and an earlier outcome. A
// later assessment with another sensitivity is sent in full.
const SensitivityRestricted = "S4"

// Month is a calendar month.
type Month struct{ Year, Month int32 }

// Assessment is the node's finding about a case.
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

// Validate returns the violations of the rules between fields. The rules of single fields are in the contract.
func (a Assessment) Validate() []fault.Field {
	if a.MainGround != "" && !slices.Contains(a.Grounds, a.MainGround) {
		return []fault.Field{{Path: "assessment.main_ground", Reason: reason.MainGroundNotListed}}
	}
	return nil
}
