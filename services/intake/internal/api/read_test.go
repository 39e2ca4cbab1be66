package api_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/retepari/pari/pkg/fault"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
)

const full = intakev1.ReportView_REPORT_VIEW_FULL

// Ensure the basic view has codes only, and that the full view has all content and logs the access.
func TestGetReport_Views(t *testing.T) {
	t.Parallel()
	e := setup(t)
	id := submit(t, e.system(t, cremona), newContent()).GetReportId()
	operator := e.person(t, cremona, "operator")

	basic, err := operator.GetReport(t.Context(), &intakev1.GetReportRequest{ReportId: id})
	if err != nil {
		t.Fatal(err)
	}
	want := newContent()
	want.Narrative, want.Contact, want.IncidentDate = "", nil, nil
	if diff := cmp.Diff(want, basic.GetReport().GetContent(), protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	if n := e.count(t, "access_log"); n != 0 {
		t.Errorf("the basic view logged %d accesses", n)
	}

	got, err := operator.GetReport(t.Context(), &intakev1.GetReportRequest{ReportId: id, View: full})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(newContent(), got.GetReport().GetContent(), protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	minute, exact := now.Truncate(time.Minute), got.GetReport().GetExactReceivedAt()
	if !exact.AsTime().Equal(minute) || basic.GetReport().GetExactReceivedAt() != nil {
		t.Errorf("the full view has the minute %s, the basic one %s", exact, basic.GetReport().GetExactReceivedAt())
	}
	access := id + `,"2026-11-23 09:41:27`
	if n := e.count(t, "access_log"); n != 1 || !strings.Contains(dump(t, e.pool, cremona), access) {
		t.Errorf("%d accesses logged, want 1, with the time", n)
	}
	history := got.GetReport().GetHistory()
	if by := history[0].GetBy(); len(history) != 1 || history[0].GetWhat() != "SUBMITTED" ||
		by.GetSystem() != "portal" || by.GetPerson() != "" {
		t.Errorf("history %v", history)
	}
}

// Ensure only people who work on reports of the node open content, that a refused call logs no access, and that the
// basic view is for all callers of the node.
func TestGetReport_FullViewRefused(t *testing.T) {
	t.Parallel()
	e := setup(t)
	id := submit(t, e.system(t, cremona), newContent()).GetReportId()
	for _, c := range []struct {
		name   string
		client intakev1.IntakeServiceClient
		reason fault.Reason
	}{
		{"system", e.system(t, cremona), fault.NotAllowed},
		{"system as operator", intakev1.NewIntakeServiceClient(e.As(t, robot, "")), fault.ViewNotAllowed},
		{"submitter", e.person(t, cremona, "submitter"), fault.NotAllowed},
		{"operator of another node", e.person(t, mantova, "operator"), fault.NotFound},
	} {
		_, err := c.client.GetReport(t.Context(), &intakev1.GetReportRequest{ReportId: id, View: full})
		if got := fault.ReasonOf(fault.FromStatus(err)); got != c.reason {
			t.Errorf("%s: %v, want %s", c.name, err, c.reason)
		}
		_, err = c.client.GetReport(t.Context(), &intakev1.GetReportRequest{ReportId: id})
		if got := fault.ReasonOf(fault.FromStatus(err)); (got == "") != (c.reason == fault.ViewNotAllowed) {
			t.Errorf("%s: basic view: %v", c.name, err)
		}
	}
	if n := e.count(t, "access_log"); n != 0 {
		t.Errorf("%d accesses logged", n)
	}
}

// Ensure a report does not exist for people of another node.
func TestReports_OfAnotherNode(t *testing.T) {
	t.Parallel()
	e := setup(t)
	id := submit(t, e.system(t, cremona), newContent()).GetReportId()
	other := e.person(t, mantova, "coordinator")
	_, err := other.GetReport(t.Context(), &intakev1.GetReportRequest{ReportId: id})
	checkRefused(t, err, fault.NotFound)
	takeInCharge := &intakev1.TakeInChargeRequest{RequestId: uuid.NewString(), ReportId: id, Version: 1}
	_, err = other.TakeInCharge(t.Context(), takeInCharge)
	checkRefused(t, err, fault.NotFound)
	page, err := other.ListReports(t.Context(), &intakev1.ListReportsRequest{})
	if err != nil || len(page.GetReports()) != 0 {
		t.Errorf("%v, %v", page, err)
	}
	// Ensure a node that this instance does not serve gets WRONG_NODE.
	_, err = e.person(t, milano, "operator").GetReport(t.Context(), &intakev1.GetReportRequest{ReportId: id})
	checkRefused(t, err, fault.WrongNode)
}

func TestListReports(t *testing.T) {
	t.Parallel()
	e := setup(t)
	system, operator := e.system(t, cremona), e.person(t, cremona, "operator")
	var want []string
	for range 5 {
		want = append(want, submit(t, system, newContent()).GetReportId())
	}
	slices.Sort(want)
	slices.Reverse(want) // the ids are random
	var got []string
	for req := (&intakev1.ListReportsRequest{PageSize: 2}); ; {
		page, err := operator.ListReports(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.GetReports() {
			got = append(got, r.GetReportId())
			if c := r.GetContent(); c.GetNarrative() != "" || c.GetContact() != nil || c.GetIncidentDate() != nil {
				t.Error("a list has personal content")
			}
		}
		if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Ensure a page token is refused with another filter and at another node.
func TestListReports_PageTokenScope(t *testing.T) {
	t.Parallel()
	e := setup(t)
	operator := e.person(t, cremona, "operator")
	for range 2 {
		submit(t, e.system(t, cremona), newContent())
	}
	page, err := operator.ListReports(t.Context(), &intakev1.ListReportsRequest{PageSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	token, received := page.GetNextPageToken(), intakev1.ReportState_REPORT_STATE_RECEIVED
	if token == "" {
		t.Fatal("the first page has no token")
	}
	_, err = operator.ListReports(t.Context(), &intakev1.ListReportsRequest{State: received, PageToken: token})
	checkRefused(t, err, fault.InvalidRequest, "page_token BAD_PAGE_TOKEN")
	other := e.person(t, mantova, "operator")
	_, err = other.ListReports(t.Context(), &intakev1.ListReportsRequest{PageToken: token})
	checkRefused(t, err, fault.InvalidRequest, "page_token BAD_PAGE_TOKEN")
}

// Ensure TakeInCharge returns UNAVAILABLE while case management is away, and that the same request then opens the case.
func TestTakeInCharge(t *testing.T) {
	t.Parallel()
	e := setup(t)
	id := submit(t, e.system(t, cremona), newContent()).GetReportId()
	operator := e.person(t, cremona, "operator")
	req := &intakev1.TakeInChargeRequest{RequestId: uuid.NewString(), ReportId: id, Version: 1}

	e.cases.unavailable.Store(true)
	_, err := operator.TakeInCharge(t.Context(), req)
	checkRefused(t, err, fault.Unavailable)
	list := &intakev1.ListReportsRequest{State: intakev1.ReportState_REPORT_STATE_HANDING_OVER}
	if page, err := operator.ListReports(t.Context(), list); err != nil || len(page.GetReports()) != 1 {
		t.Errorf("%v, %v", page, err)
	}

	e.cases.unavailable.Store(false)
	for range 2 {
		resp, err := operator.TakeInCharge(t.Context(), req)
		r := resp.GetReport()
		if err != nil || !resp.GetReplayed() || r.GetState() != intakev1.ReportState_REPORT_STATE_TAKEN_IN_CHARGE ||
			r.GetCaseId() != caseID || r.GetCaseNumber() != "CR-F-2026-000001" || r.GetVersion() != 3 {
			t.Errorf("%v, %v", resp, err)
		}
	}
	otherRequest := &intakev1.TakeInChargeRequest{RequestId: uuid.NewString(), ReportId: id, Version: 1}
	_, err = operator.TakeInCharge(t.Context(), otherRequest)
	checkRefused(t, err, fault.WrongVersion)
	_, err = e.system(t, cremona).TakeInCharge(t.Context(), req)
	checkRefused(t, err, fault.NoToken)
}

// Ensure the filter by number finds the report with exactly this number, of the caller's node and in the state.
func TestListReports_ByNumber(t *testing.T) {
	t.Parallel()
	e := setup(t)
	system, operator := e.system(t, cremona), e.person(t, cremona, "operator")
	submit(t, system, newContent())
	stored := submit(t, system, newContent())
	submit(t, system, newContent())
	number := stored.GetNumber()
	taken := intakev1.ReportState_REPORT_STATE_TAKEN_IN_CHARGE
	for name, c := range map[string]struct {
		client intakev1.IntakeServiceClient
		req    *intakev1.ListReportsRequest
		found  bool
	}{
		"of a report":     {operator, &intakev1.ListReportsRequest{Number: number}, true},
		"of no report":    {operator, &intakev1.ListReportsRequest{Number: number + "0"}, false},
		"a part":          {operator, &intakev1.ListReportsRequest{Number: number[:5]}, false},
		"another state":   {operator, &intakev1.ListReportsRequest{Number: number, State: taken}, false},
		"of another node": {e.person(t, mantova, "operator"), &intakev1.ListReportsRequest{Number: number}, false},
	} {
		page, err := c.client.ListReports(t.Context(), c.req)
		if err != nil || (len(page.GetReports()) == 1) != c.found || page.GetNextPageToken() != "" {
			t.Errorf("%s: %v, %v", name, page, err)
		}
		if c.found && page.GetReports()[0].GetReportId() != stored.GetReportId() {
			t.Errorf("%s: got %v", name, page)
		}
	}
	page, err := operator.ListReports(t.Context(), &intakev1.ListReportsRequest{PageSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, err = operator.ListReports(t.Context(), &intakev1.ListReportsRequest{
		PageToken: page.GetNextPageToken(), Number: number,
	})
	checkRefused(t, err, fault.InvalidRequest, "page_token BAD_PAGE_TOKEN")
}
