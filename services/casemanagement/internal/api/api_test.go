package api_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/pkg/fault"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	"github.com/retepari/pari/services/casemanagement/internal/api"
	"github.com/retepari/pari/services/casemanagement/internal/casefile"
	"github.com/retepari/pari/services/casemanagement/internal/reason"
)

const (
	basic = casemanagementv1.CaseView_CASE_VIEW_BASIC
	full  = casemanagementv1.CaseView_CASE_VIEW_FULL
)

func TestOpenCase(t *testing.T) {
	t.Parallel()
	w := open(t)
	intake := w.service(t, "cremona", "intake")

	t.Run("opens one case for a report", func(t *testing.T) {
		t.Parallel()
		req := opening("cremona")
		first, err := intake.OpenCase(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		c := first.GetCase()
		want := &casemanagementv1.Case{
			CaseId: c.GetCaseId(), Number: c.GetNumber(), Node: "cremona", State: casemanagementv1.CaseState_CASE_STATE_ASSESSMENT, Version: 1,
			ReportIds: []string{req.GetReportId()}, OpenedAt: timestamppb.New(morning), Episode: 1,
		}
		if diff := cmp.Diff(want, c, protocmp.Transform()); diff != "" || first.GetReplayed() || !strings.HasPrefix(c.GetNumber(), "CR-C-2026-") {
			t.Errorf("number %s, replayed %t, %s", c.GetNumber(), first.GetReplayed(), diff)
		}
		for _, id := range []string{req.GetRequestId(), uuid.NewString()} { // Ensure another hand-over of the same report finds the same case.
			req.RequestId = id
			again, err := intake.OpenCase(t.Context(), req)
			if err != nil || !again.GetReplayed() || again.GetCase().GetCaseId() != c.GetCaseId() {
				t.Errorf("got %v, %v", again, err)
			}
		}
		history := get(t, w.worker(t), c.GetCaseId(), basic).GetHistory()
		if by := history[0].GetBy(); len(history) != 1 || !proto.Equal(by, req.GetOnBehalfOf()) {
			t.Errorf("history %v", history)
		}
	})
	t.Run("is for intake of the same node", func(t *testing.T) {
		t.Parallel()
		for _, c := range []struct {
			name   string
			client client
			actor  string
			reason fault.Reason
		}{
			{"an actor of another node", intake, "mantova", fault.WrongNode},
			{"an actor of a node that it does not serve", intake, "cuneo", fault.WrongNode},
			{"intake of a node that it does not serve", w.service(t, "cuneo", "intake"), "cuneo", fault.WrongNode},
			{"another service", w.service(t, "cremona", "reporting"), "cremona", fault.NotAllowed},
			{"a person", w.coordinator(t), "cremona", fault.NotAllowed},
		} {
			_, err := c.client.OpenCase(t.Context(), opening(c.actor))
			if !fault.Is(fault.FromStatus(err), c.reason) {
				t.Errorf("%s: %v", c.name, err)
			}
		}
	})
	t.Run("names everything that is wrong", func(t *testing.T) {
		t.Parallel()
		req := opening("cremona")
		req.RequestId, req.OnBehalfOf, req.ReceivedMonth, req.Channel = "x", nil, &recordv1.Month{Year: 2026}, "PIGEON"
		_, err := intake.OpenCase(t.Context(), req)
		refused(t, err, fault.InvalidRequest, "request_id BAD_UUID", "on_behalf_of REQUIRED", "received_month.month OUT_OF_RANGE", "channel UNKNOWN_CODE")
	})
}

// Ensure a case goes from its assessment through actions to its end, and shows it.
func TestCase_FromAssessmentToClosing(t *testing.T) {
	t.Parallel()
	w := open(t)
	id, worker, coordinator := w.opened(t), w.worker(t), w.coordinator(t)
	check := func(c *casemanagementv1.Case, replayed bool, err error, state casemanagementv1.CaseState, version int64) {
		t.Helper()
		if err != nil || replayed || c.GetState() != state || c.GetVersion() != version || len(c.GetActions()) != 0 || len(c.GetHistory()) != 0 {
			t.Fatalf("got %v, replayed %t, %v", c, replayed, err)
		}
	}
	assessment := assessing(id, 1)
	assessed, err := worker.Assess(t.Context(), assessment)
	check(assessed.GetCase(), assessed.GetReplayed(), err, casemanagementv1.CaseState_CASE_STATE_TAKEN_IN_CHARGE, 2)
	for i := range int64(2) {
		acted, err := worker.RecordAction(t.Context(), acting(id, 2+i))
		check(acted.GetCase(), acted.GetReplayed(), err, casemanagementv1.CaseState_CASE_STATE_IN_ACTION, 3+i)
	}
	closed, err := coordinator.CloseCase(t.Context(), closing(id, 4))
	check(closed.GetCase(), closed.GetReplayed(), err, casemanagementv1.CaseState_CASE_STATE_CLOSED, 5)
	if n := w.stored.Load(); n != 5 {
		t.Errorf("the relay was woken %d times", n)
	}

	got := get(t, w.person(t, "cremona", "operator"), id, basic)
	by, at := &recordv1.Actor{Person: "case_worker", Node: "cremona", System: "console"}, timestamppb.New(morning)
	action := &casemanagementv1.Action{Code: "MEDIATION", Result: "POSITIVE", ReferralTarget: "LAWYER", Minutes: 45, RecordedAt: at, RecordedBy: by}
	want := &casemanagementv1.Case{
		CaseId: id, Number: got.GetNumber(), Node: "cremona", State: casemanagementv1.CaseState_CASE_STATE_CLOSED, Version: 5, ReportIds: got.GetReportIds(),
		OpenedAt: at, ClosedAt: at, Assessment: assessment.GetAssessment(), Episode: 1, Actions: []*casemanagementv1.Action{action, action},
		Closing: &casemanagementv1.Closing{Outcome: "REMOVED", SecondaryOutcomes: []string{"INFORMED"}, PersonInformed: true},
		History: []*recordv1.HistoryEntry{
			{Version: 1, At: at, What: "OPENED", ToState: "ASSESSMENT", By: &recordv1.Actor{Person: "anna", Node: "cremona", System: "console"}},
			{Version: 2, At: at, What: "ASSESSED", FromState: "ASSESSMENT", ToState: "TAKEN_IN_CHARGE", By: by},
			{Version: 3, At: at, What: "ACTION_RECORDED", FromState: "TAKEN_IN_CHARGE", ToState: "IN_ACTION", By: by},
			{Version: 4, At: at, What: "ACTION_RECORDED", FromState: "IN_ACTION", ToState: "IN_ACTION", By: by},
			{Version: 5, At: at, What: "CLOSED", FromState: "IN_ACTION", ToState: "CLOSED", By: &recordv1.Actor{Person: "coordinator", Node: "cremona", System: "console"}},
		},
	}
	if diff := cmp.Diff(want, got, protocmp.Transform(), protocmp.IgnoreFields(&casemanagementv1.Action{}, "action_id")); diff != "" {
		t.Error(diff)
	}
}

// Ensure each verdict takes the course of its group.
func TestAssess_Courses(t *testing.T) {
	t.Parallel()
	w := open(t)
	for verdict, want := range map[string]casemanagementv1.CaseState{
		"PERTINENT_LEGAL":  casemanagementv1.CaseState_CASE_STATE_TAKEN_IN_CHARGE,
		"CRIME":            casemanagementv1.CaseState_CASE_STATE_TAKEN_IN_CHARGE,
		"INFO_REQUEST":     casemanagementv1.CaseState_CASE_STATE_NOT_PERTINENT,
		"OUT_OF_TERRITORY": casemanagementv1.CaseState_CASE_STATE_OUT_OF_COMPETENCE,
	} {
		req := assessing(w.opened(t), 1)
		req.Assessment.Verdict = verdict
		got, err := w.worker(t).Assess(t.Context(), req)
		if err != nil || got.GetCase().GetState() != want {
			t.Errorf("%s: got %v, %v", verdict, got, err)
		}
	}
}

// Ensure a change that may not be is refused by name, leaves nothing, and says the same to who only checks.
func TestChanges_Refusals(t *testing.T) {
	t.Parallel()
	w := open(t)
	worker, coordinator, operator := w.worker(t), w.coordinator(t), w.person(t, "cremona", "operator")
	fresh, closed := w.opened(t), w.assessed(t)
	if _, err := coordinator.CloseCase(t.Context(), closing(closed, 2)); err != nil {
		t.Fatal(err)
	}
	assess := func(c client, id string, version int64, spoil func(*casemanagementv1.Assessment)) func(bool) error {
		return func(check bool) error {
			req := assessing(id, version)
			req.ValidateOnly = check
			if spoil != nil {
				spoil(req.GetAssessment())
			}
			_, err := c.Assess(t.Context(), req)
			return err
		}
	}
	act := func(c client, id string, version int64, spoil func(*casemanagementv1.RecordActionRequest)) func(bool) error {
		return func(check bool) error {
			req := acting(id, version)
			req.ValidateOnly = check
			if spoil != nil {
				spoil(req)
			}
			_, err := c.RecordAction(t.Context(), req)
			return err
		}
	}
	end := func(c client, id string, version int64) func(bool) error {
		return func(check bool) error {
			req := closing(id, version)
			req.ValidateOnly = check
			_, err := c.CloseCase(t.Context(), req)
			return err
		}
	}
	before := dump(t, w.pool)
	for _, c := range []struct {
		name   string
		change func(check bool) error
		reason fault.Reason
		fields []string
	}{
		{"assess another version", assess(worker, fresh, 2, nil), fault.WrongVersion, nil},
		{"act on another version", act(worker, fresh, 2, nil), fault.WrongVersion, nil},
		{"close another version", end(coordinator, fresh, 2), fault.WrongVersion, nil},
		{"act before it is assessed", act(worker, fresh, 1, nil), fault.ForbiddenMove, nil},
		{"close before it is assessed", end(coordinator, fresh, 1), reason.NotAssessed, nil},
		{"assess after it is closed", assess(worker, closed, 3, nil), fault.ForbiddenMove, nil},
		{"act after it is closed", act(worker, closed, 3, nil), fault.ForbiddenMove, nil},
		{"close after it is closed", end(coordinator, closed, 3), fault.ForbiddenMove, nil},
		{"close as a worker", end(worker, closed, 3), fault.NotAllowed, nil},
		{"assess as an operator", assess(operator, fresh, 1, nil), fault.NotAllowed, nil},
		{"act as an operator", act(operator, fresh, 1, nil), fault.NotAllowed, nil},
		{"assess as intake", assess(w.service(t, "cremona", "intake"), fresh, 1, nil), fault.NotAllowed, nil},
		{"assess at another node", assess(w.person(t, "mantova", "case_worker"), fresh, 1, nil), fault.NotFound, nil},
		{"act at another node", act(w.person(t, "mantova", "case_worker"), closed, 3, nil), fault.NotFound, nil},
		{"close at another node", end(w.person(t, "mantova", "coordinator"), closed, 3), fault.NotFound, nil},
		{"act on a case that does not exist", act(worker, uuid.NewString(), 1, nil), fault.NotFound, nil},
		{"a main ground that is not listed", assess(worker, fresh, 1, func(a *casemanagementv1.Assessment) { a.Grounds = []string{"DISABILITY"} }),
			fault.InvalidRequest, []string{"assessment.main_ground MAIN_GROUND_NOT_LISTED"}},
		{"an unknown code", assess(worker, fresh, 1, func(a *casemanagementv1.Assessment) { a.Grounds[1] = "HEIGHT" }),
			fault.InvalidRequest, []string{"assessment.grounds[1] UNKNOWN_CODE"}},
		{"a code that has expired", assess(worker, fresh, 1, func(a *casemanagementv1.Assessment) { a.Verdict = "OLD" }),
			fault.InvalidRequest, []string{"assessment.verdict EXPIRED_CODE"}},
		{"a month to come", assess(worker, fresh, 1, func(a *casemanagementv1.Assessment) { a.IncidentMonth = &recordv1.Month{Year: 2199, Month: 1} }),
			fault.InvalidRequest, []string{"assessment.incident_month FUTURE_DATE"}},
		{"all that is wrong with an assessment, at once", assess(worker, "x", 0, func(a *casemanagementv1.Assessment) {
			a.Verdict, a.Grounds, a.MainGround, a.Flags, a.AuthorKinds, a.EventPlace = "", []string{"SEX", "SEX"}, "HEIGHT", []string{"LOUD"}, nil, "999"
		}), fault.InvalidRequest, []string{
			"case_id BAD_UUID", "version OUT_OF_RANGE", "assessment.verdict REQUIRED", "assessment.grounds NOT_UNIQUE", "assessment.author_kinds TOO_FEW",
			"assessment.main_ground UNKNOWN_CODE", "assessment.flags[0] UNKNOWN_CODE", "assessment.event_place UNKNOWN_CODE",
		}},
		{"all that is wrong with an action, at once", act(worker, fresh, 1, func(r *casemanagementv1.RecordActionRequest) {
			r.Code, r.Result, r.ReferralTarget, r.Minutes, r.Note = "", "MAYBE", "NOBODY", 1441, strings.Repeat("è", 10001)
		}), fault.InvalidRequest, []string{
			"code REQUIRED", "minutes OUT_OF_RANGE", "note TOO_LONG", "result UNKNOWN_CODE", "referral_target UNKNOWN_CODE",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, check := range []bool{false, true} {
				refused(t, c.change(check), c.reason, c.fields...)
			}
		})
	}
	if diff := cmp.Diff(before, dump(t, w.pool)); diff != "" {
		t.Error(diff)
	}
}

// Ensure who decided on another version is told the current one.
func TestAssess_TellsTheCurrentVersion(t *testing.T) {
	t.Parallel()
	w := open(t)
	_, err := w.worker(t).Assess(t.Context(), assessing(w.assessed(t), 1))
	var f *fault.Error
	if !errors.As(fault.FromStatus(err), &f) || f.Reason != fault.WrongVersion || f.Meta["current_version"] != "2" {
		t.Errorf("got %v", err)
	}
}

func TestChanges_ValidateOnly(t *testing.T) {
	t.Parallel()
	w := open(t)
	id := w.assessed(t)
	before := dump(t, w.pool)
	act, end := acting(id, 2), closing(id, 2)
	act.ValidateOnly, end.ValidateOnly = true, true
	acted, err := w.worker(t).RecordAction(t.Context(), act)
	if err != nil || acted.GetCase().GetState() != casemanagementv1.CaseState_CASE_STATE_IN_ACTION {
		t.Errorf("got %v, %v", acted, err)
	}
	closed, err := w.coordinator(t).CloseCase(t.Context(), end)
	if err != nil || closed.GetCase().GetState() != casemanagementv1.CaseState_CASE_STATE_CLOSED {
		t.Errorf("got %v, %v", closed, err)
	}
	if diff := cmp.Diff(before, dump(t, w.pool)); diff != "" {
		t.Error(diff)
	}
}

// Ensure a repeated request changes nothing and is answered with the case as it is now, and its id serves nothing else.
func TestChanges_Replayed(t *testing.T) {
	t.Parallel()
	w := open(t)
	id, worker := w.assessed(t), w.worker(t)
	req := acting(id, 2)
	if _, err := worker.RecordAction(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	end := closing(id, 3)
	if _, err := w.coordinator(t).CloseCase(t.Context(), end); err != nil {
		t.Fatal(err)
	}
	acted, err := worker.RecordAction(t.Context(), req)
	if err != nil || !acted.GetReplayed() || acted.GetCase().GetState() != casemanagementv1.CaseState_CASE_STATE_CLOSED {
		t.Errorf("got %v, %v", acted, err)
	}
	closed, err := w.coordinator(t).CloseCase(t.Context(), end)
	if err != nil || !closed.GetReplayed() || closed.GetCase().GetVersion() != 4 {
		t.Errorf("got %v, %v", closed, err)
	}
	if n := len(get(t, worker, id, basic).GetActions()); n != 1 {
		t.Errorf("%d actions", n)
	}
	req.Note = "anders"
	_, err = worker.RecordAction(t.Context(), req)
	refused(t, err, fault.RequestIDReused)
	other := assessing(id, 4)
	other.RequestId = req.GetRequestId()
	_, err = worker.Assess(t.Context(), other)
	refused(t, err, fault.RequestIDReused)
}

func TestGetCase_OfAnotherNode(t *testing.T) {
	t.Parallel()
	w := open(t)
	id := w.assessed(t)
	for _, asked := range []string{id, uuid.NewString()} {
		_, err := w.person(t, "mantova", "coordinator").GetCase(t.Context(), &casemanagementv1.GetCaseRequest{CaseId: asked})
		refused(t, err, fault.NotFound)
	}
}

// Ensure every state of the procedure stands in the contract, and every one of the contract in the procedure.
func TestStates_GoThereAndBack(t *testing.T) {
	t.Parallel()
	seen := map[casemanagementv1.CaseState]bool{casemanagementv1.CaseState_CASE_STATE_UNSPECIFIED: true}
	for _, s := range casefile.States() {
		there := api.StateToProto(s)
		if back := api.StateFromProto(there); back != s || seen[there] {
			t.Errorf("%s goes to %s and comes back as %s", s, there, back)
		}
		seen[there] = true
	}
	if len(seen) != 20 || len(casemanagementv1.CaseState_name) != 20 {
		t.Errorf("%d states in the procedure, %d in the contract", len(seen)-1, len(casemanagementv1.CaseState_name)-1)
	}
	if s := api.StateFromProto(casemanagementv1.CaseState_CASE_STATE_UNSPECIFIED); s != "" {
		t.Errorf("no state is %q", s)
	}
}
