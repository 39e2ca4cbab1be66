package api_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/retepari/pari/dev/testkit/rpctest"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/identity"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
)

// Ensure two nodes of one name, in two regions, do not exist for each other on a server of both.
func TestHomonyms_AreApart(t *testing.T) {
	t.Parallel()
	e := setupFor(t, livo, otherLivo)
	operator, other := e.person(t, livo, "operator"), e.person(t, otherLivo, "operator")
	for range 2 {
		submit(t, operator, newContent())
	}
	page, err := operator.ListReports(t.Context(), &intakev1.ListReportsRequest{PageSize: 1})
	if err != nil || page.GetNextPageToken() == "" {
		t.Fatalf("%v, %v", page, err)
	}
	r := page.GetReports()[0]
	if r.GetRegion() != "lombardia" || r.GetNode() != "livo" {
		t.Errorf("the report is of %s/%s", r.GetRegion(), r.GetNode())
	}
	before := dump(t, e.pool, livo)

	for _, view := range []intakev1.ReportView{0, full} {
		_, err = other.GetReport(t.Context(), &intakev1.GetReportRequest{ReportId: r.GetReportId(), View: view})
		checkRefused(t, err, fault.NotFound)
	}
	_, err = other.TakeInCharge(t.Context(), &intakev1.TakeInChargeRequest{
		RequestId: uuid.NewString(), ReportId: r.GetReportId(), Version: 1,
	})
	checkRefused(t, err, fault.NotFound)
	empty, err := other.ListReports(t.Context(), &intakev1.ListReportsRequest{})
	if err != nil || len(empty.GetReports()) != 0 {
		t.Errorf("%v, %v", empty, err)
	}
	_, err = other.ListReports(t.Context(), &intakev1.ListReportsRequest{PageToken: page.GetNextPageToken()})
	checkRefused(t, err, fault.InvalidRequest, "page_token BAD_PAGE_TOKEN")
	if diff := cmp.Diff(before, dump(t, e.pool, livo)); diff != "" {
		t.Error(diff)
	}
}

// Ensure a request id that one of two homonyms used is new at the other.
func TestHomonyms_ReplayNothing(t *testing.T) {
	t.Parallel()
	e := setupFor(t, livo, otherLivo)
	operator, other := e.person(t, livo, "operator"), e.person(t, otherLivo, "operator")
	req := submitRequest(newContent())
	first, err := operator.SubmitReport(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	second, err := other.SubmitReport(t.Context(), req)
	if err != nil || second.GetReplayed() || second.GetReportId() == first.GetReportId() ||
		second.GetReceiptCode() == first.GetReceiptCode() {
		t.Errorf("got %v after %v, %v", second, first, err)
	}

	takeInCharge := &intakev1.TakeInChargeRequest{
		RequestId: uuid.NewString(), ReportId: first.GetReportId(), Version: 1,
	}
	if _, err := operator.TakeInCharge(t.Context(), takeInCharge); err != nil {
		t.Fatal(err)
	}
	_, err = other.TakeInCharge(t.Context(), takeInCharge)
	checkRefused(t, err, fault.NotFound)
	takeInCharge.ReportId = second.GetReportId() // at its own tenant, the request id is free for any body
	resp, err := other.TakeInCharge(t.Context(), takeInCharge)
	if err != nil || resp.GetReport().GetReportId() != second.GetReportId() {
		t.Errorf("got %v, %v", resp, err)
	}
	got, err := other.GetReport(t.Context(), &intakev1.GetReportRequest{ReportId: second.GetReportId()})
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range got.GetReport().GetHistory() {
		if by := h.GetBy(); by.GetRegion() != "trentino-alto-adige" || by.GetPerson() != rpctest.Person("anna") {
			t.Errorf("%s by %v", h.GetWhat(), by)
		}
	}
}

// Ensure a grant at one of two homonyms is worth nothing at the other, neither a person's nor a system's.
func TestHomonyms_ShareNoGrant(t *testing.T) {
	t.Parallel()
	e := setupFor(t, livo, otherLivo)
	submit(t, e.system(t, livo), newContent())
	_, err := e.system(t, otherLivo).SubmitReport(t.Context(), submitRequest(newContent()))
	checkRefused(t, err, fault.NotAllowed)

	console := rpctest.ID(otherLivo.Region, otherLivo.Node, identity.KindSystem, "console")
	for _, c := range []struct {
		grants []string
		reason fault.Reason
	}{
		{[]string{"lombardia/livo/operator"}, fault.WrongNode},
		{[]string{"lombardia/livo/operator", "trentino-alto-adige/livo/editor"}, fault.NotAllowed},
	} {
		token := e.Env.Token(t, "anna", c.grants...)
		client := intakev1.NewIntakeServiceClient(e.As(t, console, token))
		_, err := client.ListReports(t.Context(), &intakev1.ListReportsRequest{})
		checkRefused(t, err, c.reason)
	}
}
