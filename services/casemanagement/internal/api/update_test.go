package api_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/pkg/fault"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
)

const (
	basic = casemanagementv1.CaseView_CASE_VIEW_BASIC
	full  = casemanagementv1.CaseView_CASE_VIEW_FULL
)

// Ensure a case goes from assessment through actions to closing, and that GetCase returns all of it.
func TestCase_FromAssessmentToClosing(t *testing.T) {
	t.Parallel()
	e := setup(t)
	id, worker, coordinator := e.openCase(t), e.worker(t), e.coordinator(t)
	check := func(
		c *casemanagementv1.Case, replayed bool, err error, state casemanagementv1.CaseState, version int64,
	) {
		t.Helper()
		if err != nil || replayed || c.GetState() != state || c.GetVersion() != version || len(c.GetActions()) != 0 ||
			len(c.GetHistory()) != 0 {
			t.Fatalf("got %v, replayed %t, %v", c, replayed, err)
		}
	}
	assess := assessRequest(id, 1)
	assessed, err := worker.Assess(t.Context(), assess)
	check(assessed.GetCase(), assessed.GetReplayed(), err, casemanagementv1.CaseState_CASE_STATE_TAKEN_IN_CHARGE, 2)
	for i := range int64(2) {
		acted, err := worker.RecordAction(t.Context(), actionRequest(id, 2+i))
		check(acted.GetCase(), acted.GetReplayed(), err, casemanagementv1.CaseState_CASE_STATE_IN_ACTION, 3+i)
	}
	closed, err := coordinator.CloseCase(t.Context(), closeRequest(id, 4))
	check(closed.GetCase(), closed.GetReplayed(), err, casemanagementv1.CaseState_CASE_STATE_CLOSED, 5)
	if n := e.wakeups.Load(); n != 5 {
		t.Errorf("the relay was woken %d times", n)
	}

	got := get(t, e.person(t, cremona, "operator"), id, basic)
	by := func(person string) *recordv1.Actor {
		return &recordv1.Actor{Person: person, Region: "lombardia", Node: "cremona", System: "console"}
	}
	byDesk, byWorker, byCoordinator := by("anna"), by("case_worker@test"), by("coordinator@test")
	at := timestamppb.New(now)
	action := &casemanagementv1.Action{
		Code: "MEDIATION", Result: "POSITIVE", ReferralTarget: "LAWYER", Minutes: 45,
		RecordedAt: at, RecordedBy: byWorker,
	}
	want := &casemanagementv1.Case{
		CaseId: id, Number: got.GetNumber(), Region: "lombardia", Node: "cremona",
		State: casemanagementv1.CaseState_CASE_STATE_CLOSED, Version: 5,
		ReportIds: got.GetReportIds(), OpenedAt: at, ClosedAt: at, Assessment: assess.GetAssessment(),
		Episode: 1, Actions: []*casemanagementv1.Action{action, action},
		Closing: &casemanagementv1.Closing{
			Outcome: "REMOVED", SecondaryOutcomes: []string{"INFORMED"}, PersonInformed: true,
		},
		History: []*recordv1.HistoryEntry{
			{Version: 1, At: at, By: byDesk, What: "OPENED", ToState: "ASSESSMENT"},
			{Version: 2, At: at, By: byWorker, What: "ASSESSED", FromState: "ASSESSMENT", ToState: "TAKEN_IN_CHARGE"},
			{Version: 3, At: at, By: byWorker, What: "ACTION_RECORDED",
				FromState: "TAKEN_IN_CHARGE", ToState: "IN_ACTION"},
			{Version: 4, At: at, By: byWorker, What: "ACTION_RECORDED", FromState: "IN_ACTION", ToState: "IN_ACTION"},
			{Version: 5, At: at, By: byCoordinator, What: "CLOSED", FromState: "IN_ACTION", ToState: "CLOSED"},
		},
	}
	ignoreID := protocmp.IgnoreFields(&casemanagementv1.Action{}, "action_id")
	if diff := cmp.Diff(want, got, protocmp.Transform(), ignoreID); diff != "" {
		t.Error(diff)
	}
}

// Ensure the group of a verdict decides the state that an assessment leads to.
func TestAssess_Dispositions(t *testing.T) {
	t.Parallel()
	e := setup(t)
	for verdict, want := range map[string]casemanagementv1.CaseState{
		"PERTINENT_LEGAL":  casemanagementv1.CaseState_CASE_STATE_TAKEN_IN_CHARGE,
		"CRIME":            casemanagementv1.CaseState_CASE_STATE_TAKEN_IN_CHARGE,
		"INFO_REQUEST":     casemanagementv1.CaseState_CASE_STATE_NOT_PERTINENT,
		"OUT_OF_TERRITORY": casemanagementv1.CaseState_CASE_STATE_OUT_OF_COMPETENCE,
	} {
		req := assessRequest(e.openCase(t), 1)
		req.Assessment.Verdict = verdict
		resp, err := e.worker(t).Assess(t.Context(), req)
		if err != nil || resp.GetCase().GetState() != want {
			t.Errorf("%s: got %v, %v", verdict, resp, err)
		}
	}
}

// Ensure WRONG_VERSION names the current version.
func TestAssess_WrongVersion(t *testing.T) {
	t.Parallel()
	e := setup(t)
	_, err := e.worker(t).Assess(t.Context(), assessRequest(e.caseInCharge(t), 1))
	var f *fault.Error
	if !errors.As(fault.FromStatus(err), &f) || f.Reason != fault.WrongVersion || f.Meta["current_version"] != "2" {
		t.Errorf("got %v", err)
	}
}

func TestUpdates_ValidateOnly(t *testing.T) {
	t.Parallel()
	e := setup(t)
	id := e.caseInCharge(t)
	before := dump(t, e.pool, cremona)
	act, end := actionRequest(id, 2), closeRequest(id, 2)
	act.ValidateOnly, end.ValidateOnly = true, true
	acted, err := e.worker(t).RecordAction(t.Context(), act)
	if err != nil || acted.GetCase().GetState() != casemanagementv1.CaseState_CASE_STATE_IN_ACTION {
		t.Errorf("got %v, %v", acted, err)
	}
	closed, err := e.coordinator(t).CloseCase(t.Context(), end)
	if err != nil || closed.GetCase().GetState() != casemanagementv1.CaseState_CASE_STATE_CLOSED {
		t.Errorf("got %v, %v", closed, err)
	}
	if diff := cmp.Diff(before, dump(t, e.pool, cremona)); diff != "" {
		t.Error(diff)
	}
	// Ensure a check of an answered request is a repetition, and that of another with its id is refused.
	act.ValidateOnly = false
	if _, err := e.worker(t).RecordAction(t.Context(), act); err != nil {
		t.Fatal(err)
	}
	act.ValidateOnly = true
	if again, err := e.worker(t).RecordAction(t.Context(), act); err != nil || !again.GetReplayed() {
		t.Errorf("the answered request: %v, %v", again, err)
	}
	act.Minutes++
	_, err = e.worker(t).RecordAction(t.Context(), act)
	checkRefused(t, err, fault.RequestIDReused)
}

// Ensure a repeated request changes nothing and returns the case as it is now, and that its id is refused for anything
// else.
func TestUpdates_Replayed(t *testing.T) {
	t.Parallel()
	e := setup(t)
	id, worker := e.caseInCharge(t), e.worker(t)
	act := actionRequest(id, 2)
	if _, err := worker.RecordAction(t.Context(), act); err != nil {
		t.Fatal(err)
	}
	end := closeRequest(id, 3)
	if _, err := e.coordinator(t).CloseCase(t.Context(), end); err != nil {
		t.Fatal(err)
	}
	acted, err := worker.RecordAction(t.Context(), act)
	if err != nil || !acted.GetReplayed() ||
		acted.GetCase().GetState() != casemanagementv1.CaseState_CASE_STATE_CLOSED {
		t.Errorf("got %v, %v", acted, err)
	}
	closed, err := e.coordinator(t).CloseCase(t.Context(), end)
	if err != nil || !closed.GetReplayed() || closed.GetCase().GetVersion() != 4 {
		t.Errorf("got %v, %v", closed, err)
	}
	if n := len(get(t, worker, id, basic).GetActions()); n != 1 {
		t.Errorf("%d actions", n)
	}
	act.Note = "altro"
	_, err = worker.RecordAction(t.Context(), act)
	checkRefused(t, err, fault.RequestIDReused)
	otherMethod := assessRequest(id, 4)
	otherMethod.RequestId = act.GetRequestId()
	_, err = worker.Assess(t.Context(), otherMethod)
	checkRefused(t, err, fault.RequestIDReused)
}
