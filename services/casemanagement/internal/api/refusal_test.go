package api_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/retepari/pari/pkg/fault"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	"github.com/retepari/pari/services/casemanagement/internal/reason"
)

// call sends a request, with or without validate_only.
type call func(t *testing.T, validateOnly bool) error

func assess(c client, id string, version int64, modify ...func(*casemanagementv1.Assessment)) call {
	return func(t *testing.T, validateOnly bool) error {
		t.Helper()
		req := assessRequest(id, version)
		req.ValidateOnly = validateOnly
		for _, m := range modify {
			m(req.GetAssessment())
		}
		_, err := c.Assess(t.Context(), req)
		return err
	}
}

func recordAction(
	c client, id string, version int64, modify ...func(*casemanagementv1.RecordActionRequest),
) call {
	return func(t *testing.T, validateOnly bool) error {
		t.Helper()
		req := actionRequest(id, version)
		req.ValidateOnly = validateOnly
		for _, m := range modify {
			m(req)
		}
		_, err := c.RecordAction(t.Context(), req)
		return err
	}
}

func closeCase(c client, id string, version int64) call {
	return func(t *testing.T, validateOnly bool) error {
		t.Helper()
		req := closeRequest(id, version)
		req.ValidateOnly = validateOnly
		_, err := c.CloseCase(t.Context(), req)
		return err
	}
}

// checkRefusals checks that calls are refused, with the same error under validate_only, and leave no trace.
func checkRefusals(t *testing.T, e *env, refusals []refusal) {
	t.Helper()
	before := dump(t, e.pool, cremona)
	for _, r := range refusals {
		t.Run(r.name, func(t *testing.T) {
			for _, validateOnly := range []bool{false, true} {
				checkRefused(t, r.call(t, validateOnly), r.reason, r.fields...)
			}
		})
	}
	if diff := cmp.Diff(before, dump(t, e.pool, cremona)); diff != "" {
		t.Error(diff)
	}
}

type refusal struct {
	name   string
	call   call
	reason fault.Reason
	fields []string
}

func TestUpdates_ForbiddenTransitions(t *testing.T) {
	t.Parallel()
	e := setup(t)
	worker, coordinator := e.worker(t), e.coordinator(t)
	fresh, closed := e.openCase(t), e.caseInCharge(t)
	if _, err := coordinator.CloseCase(t.Context(), closeRequest(closed, 2)); err != nil {
		t.Fatal(err)
	}
	checkRefusals(t, e, []refusal{
		{"assess another version", assess(worker, fresh, 2), fault.WrongVersion, nil},
		{"act on another version", recordAction(worker, fresh, 2), fault.WrongVersion, nil},
		{"close another version", closeCase(coordinator, fresh, 2), fault.WrongVersion, nil},
		{"act before assessment", recordAction(worker, fresh, 1), fault.ForbiddenMove, nil},
		{"close before assessment", closeCase(coordinator, fresh, 1), reason.NotAssessed, nil},
		{"assess after closing", assess(worker, closed, 3), fault.ForbiddenMove, nil},
		{"act after closing", recordAction(worker, closed, 3), fault.ForbiddenMove, nil},
		{"close after closing", closeCase(coordinator, closed, 3), fault.ForbiddenMove, nil},
	})
}

func TestUpdates_AccessDenied(t *testing.T) {
	t.Parallel()
	e := setup(t)
	fresh, inCharge := e.openCase(t), e.caseInCharge(t)
	worker, operator := e.worker(t), e.person(t, cremona, "operator")
	intake := e.service(t, cremona, "intake")
	otherWorker := e.person(t, mantova, "case_worker")
	otherCoordinator := e.person(t, mantova, "coordinator")
	checkRefusals(t, e, []refusal{
		{"close as a worker", closeCase(worker, inCharge, 2), fault.NotAllowed, nil},
		{"assess as an operator", assess(operator, fresh, 1), fault.NotAllowed, nil},
		{"act as an operator", recordAction(operator, fresh, 1), fault.NotAllowed, nil},
		{"assess as intake", assess(intake, fresh, 1), fault.NotAllowed, nil},
		{"assess at another node", assess(otherWorker, fresh, 1), fault.NotFound, nil},
		{"act at another node", recordAction(otherWorker, inCharge, 2), fault.NotFound, nil},
		{"close at another node", closeCase(otherCoordinator, inCharge, 2), fault.NotFound, nil},
		{"act on an unknown case", recordAction(worker, uuid.NewString(), 1), fault.NotFound, nil},
	})
}

// Ensure all violations are returned at once, each with the path of its field.
func TestUpdates_Invalid(t *testing.T) {
	t.Parallel()
	e := setup(t)
	id, worker := e.openCase(t), e.worker(t)
	checkRefusals(t, e, []refusal{
		{"main ground not listed", assess(worker, id, 1, func(a *casemanagementv1.Assessment) {
			a.Grounds = []string{"DISABILITY"}
		}), fault.InvalidRequest, []string{"assessment.main_ground MAIN_GROUND_NOT_LISTED"}},
		{"main ground not listed and an unknown code", assess(worker, id, 1, func(a *casemanagementv1.Assessment) {
			a.Grounds, a.Flags = []string{"DISABILITY"}, []string{"LOUD"}
		}), fault.InvalidRequest, []string{
			"assessment.flags[0] UNKNOWN_CODE", "assessment.main_ground MAIN_GROUND_NOT_LISTED",
		}},
		{"unknown code", assess(worker, id, 1, func(a *casemanagementv1.Assessment) {
			a.Grounds[1] = "HEIGHT"
		}), fault.InvalidRequest, []string{"assessment.grounds[1] UNKNOWN_CODE"}},
		{"expired code", assess(worker, id, 1, func(a *casemanagementv1.Assessment) {
			a.Verdict = "OLD"
		}), fault.InvalidRequest, []string{"assessment.verdict EXPIRED_CODE"}},
		{"future month", assess(worker, id, 1, func(a *casemanagementv1.Assessment) {
			a.IncidentMonth = &recordv1.Month{Year: 2199, Month: 1}
		}), fault.InvalidRequest, []string{"assessment.incident_month FUTURE_DATE"}},
		{"all violations of an assessment", assess(worker, "x", 0, func(a *casemanagementv1.Assessment) {
			a.Verdict, a.Grounds, a.MainGround = "", []string{"SEX", "SEX"}, "HEIGHT"
			a.Flags, a.AuthorKinds, a.EventPlace = []string{"LOUD"}, nil, "999"
		}), fault.InvalidRequest, []string{
			"case_id BAD_UUID", "version OUT_OF_RANGE", "assessment.verdict REQUIRED", "assessment.grounds NOT_UNIQUE",
			"assessment.author_kinds TOO_FEW", "assessment.main_ground UNKNOWN_CODE",
			"assessment.flags[0] UNKNOWN_CODE", "assessment.event_place UNKNOWN_CODE",
		}},
		{"all violations of an action", recordAction(worker, id, 1, func(r *casemanagementv1.RecordActionRequest) {
			r.Code, r.Result, r.ReferralTarget, r.Minutes = "", "MAYBE", "NOBODY", 1441
			r.Note = strings.Repeat("è", 10001)
		}), fault.InvalidRequest, []string{
			"code REQUIRED", "minutes OUT_OF_RANGE", "note TOO_LONG", "result UNKNOWN_CODE",
			"referral_target UNKNOWN_CODE",
		}},
	})
}
