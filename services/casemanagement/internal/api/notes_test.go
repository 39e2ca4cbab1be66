package api_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/pkg/fault"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
)

// Ensure workers and coordinators read notes, nobody else does, and every reading leaves a row.
func TestGetCase_Notes(t *testing.T) {
	t.Parallel()
	w := open(t)
	id := w.assessed(t)
	if _, err := w.worker(t).RecordAction(t.Context(), acting(id, 2)); err != nil {
		t.Fatal(err)
	}
	silent := acting(id, 3)
	silent.Note = ""
	if _, err := w.worker(t).RecordAction(t.Context(), silent); err != nil {
		t.Fatal(err)
	}
	if _, err := w.coordinator(t).CloseCase(t.Context(), closing(id, 4)); err != nil {
		t.Fatal(err)
	}
	openings := func() []string {
		return query[string](t, w.pool, `select concat_ws(' ', case_id, person, system) from opening order by person`)
	}
	_, err := w.person(t, "cremona", "operator").GetCase(t.Context(), &casemanagementv1.GetCaseRequest{CaseId: id, View: full})
	refused(t, err, fault.ViewNotAllowed)
	_, err = w.person(t, "mantova", "case_worker").GetCase(t.Context(), &casemanagementv1.GetCaseRequest{CaseId: id, View: full})
	refused(t, err, fault.NotFound)
	for _, view := range []casemanagementv1.CaseView{0, basic} {
		got := get(t, w.worker(t), id, view)
		if got.GetActions()[0].GetNote() != "" || got.GetClosing().GetNote() != "" {
			t.Errorf("%s shows notes", view)
		}
	}
	if left := openings(); len(left) != 0 {
		t.Errorf("openings %v of notes that were not opened", left)
	}
	for _, c := range []client{w.worker(t), w.coordinator(t)} {
		got := get(t, c, id, full)
		if a := got.GetActions(); a[0].GetNote() != actionNote || a[1].GetNote() != "" || got.GetClosing().GetNote() != closingNote {
			t.Errorf("got %v", got)
		}
	}
	if diff := cmp.Diff([]string{id + " case_worker console", id + " coordinator console"}, openings()); diff != "" {
		t.Error(diff)
	}
}

// Ensure no table of either database holds a word of a note.
func TestNotes_AreSealed(t *testing.T) {
	t.Parallel()
	w := open(t)
	id := w.assessed(t)
	if _, err := w.worker(t).RecordAction(t.Context(), acting(id, 2)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.coordinator(t).CloseCase(t.Context(), closing(id, 3)); err != nil {
		t.Fatal(err)
	}
	raw := dump(t, w.pool)
	if !holds(raw, id) || !holds(raw, "MEDIATION") || !holds(raw, "REMOVED") { // Ensure we look in the right place.
		t.Fatalf("the case is not in the dump:\n%s", raw)
	}
	for _, secret := range []string{actionNote, closingNote, "Zelinda", "riassunta", "datore"} {
		if holds(raw, secret) || holds(dump(t, w.keyPool), secret) {
			t.Errorf("%q lies in a table", secret)
		}
	}
	// Ensure that a note does not open in the place of another.
	query[int](t, w.pool, `with moved as (update action set note = (select closing_note from case_file) returning 1) select count(*)::int from moved`)
	_, err := w.worker(t).GetCase(t.Context(), &casemanagementv1.GetCaseRequest{CaseId: id, View: full})
	refused(t, err, fault.Internal)
}
