package api_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/tenant"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
)

// Ensure one case is opened for a report, also by another request for the same report.
func TestOpenCase(t *testing.T) {
	t.Parallel()
	e := setup(t)
	intake := e.service(t, cremona, "intake")
	req := openRequest(cremona)
	first, err := intake.OpenCase(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	c := first.GetCase()
	want := &casemanagementv1.Case{
		CaseId: c.GetCaseId(), Number: c.GetNumber(), Region: "lombardia", Node: "cremona",
		State: casemanagementv1.CaseState_CASE_STATE_ASSESSMENT, Version: 1,
		ReportIds: []string{req.GetReportId()}, OpenedAt: timestamppb.New(now), Episode: 1,
	}
	if diff := cmp.Diff(want, c, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	if first.GetReplayed() || !strings.HasPrefix(c.GetNumber(), "CR-C-2026-") {
		t.Errorf("number %s, replayed %t", c.GetNumber(), first.GetReplayed())
	}
	for _, requestID := range []string{req.GetRequestId(), uuid.NewString()} {
		req.RequestId = requestID
		again, err := intake.OpenCase(t.Context(), req)
		if err != nil || !again.GetReplayed() || again.GetCase().GetCaseId() != c.GetCaseId() {
			t.Errorf("got %v, %v", again, err)
		}
	}
	history := get(t, e.worker(t), c.GetCaseId(), basic).GetHistory()
	if by := history[0].GetBy(); len(history) != 1 || !proto.Equal(by, req.GetOnBehalfOf()) {
		t.Errorf("history %v", history)
	}
}

// Ensure only intake of the same node opens cases.
func TestOpenCase_Refused(t *testing.T) {
	t.Parallel()
	e := setup(t)
	intake := e.service(t, cremona, "intake")
	for _, tc := range []struct {
		name   string
		client client
		actor  tenant.ID
		reason fault.Reason
	}{
		{"actor of another node", intake, mantova, fault.WrongNode},
		{"actor of a node that is not served", intake, milano, fault.WrongNode},
		{"intake of a node that is not served", e.service(t, milano, "intake"), milano, fault.WrongNode},
		{"another service", e.service(t, cremona, "reporting"), cremona, fault.NotAllowed},
		{"person", e.coordinator(t), cremona, fault.NotAllowed},
	} {
		_, err := tc.client.OpenCase(t.Context(), openRequest(tc.actor))
		if !fault.Is(fault.FromStatus(err), tc.reason) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

// Ensure all violations are returned at once.
func TestOpenCase_Invalid(t *testing.T) {
	t.Parallel()
	e := setup(t)
	req := openRequest(cremona)
	req.RequestId, req.OnBehalfOf, req.Channel = "x", nil, "PIGEON"
	req.ReceivedMonth = &recordv1.Month{Year: 2026}
	_, err := e.service(t, cremona, "intake").OpenCase(t.Context(), req)
	checkRefused(t, err, fault.InvalidRequest, "request_id BAD_UUID", "on_behalf_of REQUIRED",
		"received_month.month OUT_OF_RANGE", "channel UNKNOWN_CODE")
}
