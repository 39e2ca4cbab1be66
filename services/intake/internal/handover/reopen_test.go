package handover_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/services/intake/internal/handover"
	"github.com/retepari/pari/services/intake/internal/report"
	"github.com/retepari/pari/services/intake/internal/store"
)

// Ensure after a restore of case management the reports whose case it has lost, and only these, are handed over again
// and get a new case; a dry run changes nothing, and a list that lacks a case does no harm.
func TestReopen(t *testing.T) {
	t.Parallel()
	e := setup(t, 3)
	w := e.worker()
	lost, stays := e.pending[0], e.pending[1]
	e.cases.unavailable = func(id string) bool { return id == e.pending[2] } // is never handed over
	handover.RetryPending(w, cremona)
	handedOver, err := e.reports.ListHandedOver(t.Context(), cremona)
	if err != nil || len(handedOver) != 2 {
		t.Fatalf("handed over %+v, %v", handedOver, err)
	}
	had := map[string]store.HandedOver{}
	for _, h := range handedOver {
		had[h.ReportID] = h
	}
	delete(e.cases.opened, lost)
	known := map[string]string{stays: had[stays].CaseID}
	reopen := func(known map[string]string, dryRun bool, want ...store.HandedOver) {
		t.Helper()
		got, err := handover.Reopen(t.Context(), e.reports, cremona, known, dryRun, now)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	reopen(known, true, had[lost])
	reopen(known, false, had[lost])
	reopen(known, false) // once
	if r, _, _, err := e.reports.Get(t.Context(), cremona, lost); err != nil || r.State != report.HandingOver {
		t.Errorf("%+v, %v", r, err)
	}
	e.checkTakenInCharge(t, stays, 3)
	handover.RetryPending(w, cremona)
	e.checkTakenInCharge(t, lost, 5)
	known[lost] = e.cases.opened[lost].GetCaseId()
	if known[lost] == had[lost].CaseID {
		t.Error("the report has the case that was lost")
	}
	delete(known, stays)
	reopen(known, false, had[stays])
	handover.RetryPending(w, cremona)
	e.checkTakenInCharge(t, stays, 5)
	if n := len(e.cases.opened); n != 2 {
		t.Errorf("%d cases, want 2", n)
	}
}
