package api_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/fault"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	"github.com/retepari/pari/services/casemanagement/internal/api"
	"github.com/retepari/pari/services/casemanagement/internal/casefile"
)

func TestGetCase_OfAnotherNode(t *testing.T) {
	t.Parallel()
	e := setup(t)
	for _, id := range []string{e.caseInCharge(t), uuid.NewString()} {
		req := &casemanagementv1.GetCaseRequest{CaseId: id}
		_, err := e.person(t, mantova, "coordinator").GetCase(t.Context(), req)
		checkRefused(t, err, fault.NotFound)
	}
}

// Ensure only workers and coordinators of the node read notes, and that every access is logged.
func TestGetCase_Notes(t *testing.T) {
	t.Parallel()
	e := setup(t)
	id := e.caseInCharge(t)
	withoutNote := actionRequest(id, 3)
	withoutNote.Note = ""
	for _, req := range []*casemanagementv1.RecordActionRequest{actionRequest(id, 2), withoutNote} {
		if _, err := e.worker(t).RecordAction(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.coordinator(t).CloseCase(t.Context(), closeRequest(id, 4)); err != nil {
		t.Fatal(err)
	}
	accessLog := func() []string {
		return query[string](t, e.pool, cremona,
			`select concat_ws(' ', case_id, person, system) from access_log order by person`)
	}
	req := &casemanagementv1.GetCaseRequest{CaseId: id, View: full}
	_, err := e.person(t, cremona, "operator").GetCase(t.Context(), req)
	checkRefused(t, err, fault.ViewNotAllowed)
	_, err = e.person(t, mantova, "case_worker").GetCase(t.Context(), req)
	checkRefused(t, err, fault.NotFound)
	for _, view := range []casemanagementv1.CaseView{0, basic} {
		got := get(t, e.worker(t), id, view)
		if got.GetActions()[0].GetNote() != "" || got.GetClosing().GetNote() != "" {
			t.Errorf("%s has notes", view)
		}
	}
	if log := accessLog(); len(log) != 0 {
		t.Errorf("access log %v before notes were opened", log)
	}
	for _, c := range []client{e.worker(t), e.coordinator(t)} {
		got := get(t, c, id, full)
		notes := []string{got.GetActions()[0].GetNote(), got.GetActions()[1].GetNote(), got.GetClosing().GetNote()}
		if diff := cmp.Diff([]string{actionNote, "", closingNote}, notes); diff != "" {
			t.Error(diff)
		}
	}
	want := []string{id + " case_worker@test console", id + " coordinator@test console"}
	if diff := cmp.Diff(want, accessLog()); diff != "" {
		t.Error(diff)
	}
}

const moveNote = `with moved as (update action set note = (select closing_note from case_file) returning 1)
	select count(*)::int from moved`

// Ensure neither database contains notes in readable form, and that a note moved to another field does not open.
func TestNotes_AreSealed(t *testing.T) {
	t.Parallel()
	e := setup(t)
	id := e.caseInCharge(t)
	if _, err := e.worker(t).RecordAction(t.Context(), actionRequest(id, 2)); err != nil {
		t.Fatal(err)
	}
	if _, err := e.coordinator(t).CloseCase(t.Context(), closeRequest(id, 3)); err != nil {
		t.Fatal(err)
	}
	cases, keys := dump(t, e.pool, cremona), dump(t, e.keyPool, cremona)
	if !contains(cases, id) || !contains(cases, "MEDIATION") || !contains(cases, "REMOVED") {
		t.Fatalf("the dump lacks the case:\n%s", cases)
	}
	for _, text := range []string{actionNote, closingNote, "Zelinda", "riassunta", "datore"} {
		if contains(cases, text) || contains(keys, text) {
			t.Errorf("%q is readable", text)
		}
	}
	owner, err := pgxpool.New(t.Context(), e.ownerURL) // the service's role cannot change an action
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	query[int](t, owner, cremona, moveNote)
	_, err = e.worker(t).GetCase(t.Context(), &casemanagementv1.GetCaseRequest{CaseId: id, View: full})
	checkRefused(t, err, fault.Internal)
}

// Ensure the states of the procedure and those of the contract are the same.
func TestStates_ConvertBothWays(t *testing.T) {
	t.Parallel()
	seen := map[casemanagementv1.CaseState]bool{casemanagementv1.CaseState_CASE_STATE_UNSPECIFIED: true}
	for _, s := range casefile.States() {
		converted := api.StateToProto(s)
		if back := api.StateFromProto(converted); back != s || seen[converted] {
			t.Errorf("%s converts to %s and back to %s", s, converted, back)
		}
		seen[converted] = true
	}
	if len(seen) != 20 || len(casemanagementv1.CaseState_name) != 20 {
		t.Errorf("%d states in the procedure, %d in the contract", len(seen)-1, len(casemanagementv1.CaseState_name)-1)
	}
	if s := api.StateFromProto(casemanagementv1.CaseState_CASE_STATE_UNSPECIFIED); s != "" {
		t.Errorf("no state converts to %q", s)
	}
}
