package api

import (
	"slices"
	"testing"

	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
	"github.com/retepari/pari/services/intake/internal/report"
)

// Ensure the contract has every state of a report, so that a list without a filter leaves none out.
func TestStates(t *testing.T) {
	t.Parallel()
	for number := range intakev1.ReportState_name {
		state := intakev1.ReportState(number)
		if known := slices.Contains(report.States, stateFromProto(state)); known != (number != 0) {
			t.Errorf("%s is one of the states: %t", state, known)
		}
	}
	for _, state := range report.States {
		if stateFromProto(stateToProto(state)) != state {
			t.Errorf("%s is not in the contract", state)
		}
	}
}
