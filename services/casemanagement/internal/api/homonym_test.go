package api_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/dev/testkit/rpctest"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
)

// openAt opens a case at a tenant and returns it.
func (e *env) openAt(t *testing.T, at tenant.ID, req *casemanagementv1.OpenCaseRequest) *casemanagementv1.Case {
	t.Helper()
	resp, err := e.service(t, at, "intake").OpenCase(t.Context(), req)
	if err != nil || resp.GetReplayed() {
		t.Fatalf("%v, %v", resp, err)
	}
	return resp.GetCase()
}

// Ensure two nodes of one name, in two regions, do not exist for each other on a server of both.
func TestHomonyms_AreApart(t *testing.T) {
	t.Parallel()
	e := setupFor(t, livo, otherLivo)
	worker, other := e.person(t, livo, "case_worker"), e.person(t, otherLivo, "case_worker")
	otherCoordinator := e.person(t, otherLivo, "coordinator")
	fresh, inCharge := e.openAt(t, livo, openRequest(livo)), e.openAt(t, livo, openRequest(livo)).GetCaseId()
	if fresh.GetRegion() != "lombardia" || fresh.GetNode() != "livo" {
		t.Errorf("the case is of %s/%s", fresh.GetRegion(), fresh.GetNode())
	}
	if _, err := worker.Assess(t.Context(), assessRequest(inCharge, 1)); err != nil {
		t.Fatal(err)
	}
	_, token := list(t, worker, &casemanagementv1.ListCasesRequest{PageSize: 1})
	before := dump(t, e.pool, livo)

	for _, view := range []casemanagementv1.CaseView{basic, full} {
		_, err := other.GetCase(t.Context(), &casemanagementv1.GetCaseRequest{CaseId: inCharge, View: view})
		checkRefused(t, err, fault.NotFound)
	}
	for name, c := range map[string]call{
		"assess": assess(other, fresh.GetCaseId(), 1), "act": recordAction(other, inCharge, 2),
		"close": closeCase(otherCoordinator, inCharge, 2),
	} {
		for _, validateOnly := range []bool{false, true} {
			if err := c(t, validateOnly); !fault.Is(fault.FromStatus(err), fault.NotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if ids, _ := list(t, other, &casemanagementv1.ListCasesRequest{}); len(ids) != 0 {
		t.Errorf("the homonym lists %v", ids)
	}
	_, err := other.ListCases(t.Context(), &casemanagementv1.ListCasesRequest{PageToken: token})
	checkRefused(t, err, fault.InvalidRequest, "page_token BAD_PAGE_TOKEN")
	if diff := cmp.Diff(before, dump(t, e.pool, livo)); diff != "" {
		t.Error(diff)
	}
}

// Ensure a report id and a request id that one of two homonyms used are new at the other.
func TestHomonyms_ReplayNothing(t *testing.T) {
	t.Parallel()
	e := setupFor(t, livo, otherLivo)
	open := openRequest(livo)
	first := e.openAt(t, livo, open)
	open.OnBehalfOf.Region = otherLivo.Region
	second := e.openAt(t, otherLivo, open)
	if second.GetCaseId() == first.GetCaseId() || second.GetRegion() != otherLivo.Region {
		t.Errorf("the homonym opened %v after %v", second, first)
	}

	req := assessRequest(first.GetCaseId(), 1)
	if _, err := e.person(t, livo, "case_worker").Assess(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	other := e.person(t, otherLivo, "case_worker")
	_, err := other.Assess(t.Context(), req)
	checkRefused(t, err, fault.NotFound)
	req.CaseId = second.GetCaseId() // at its own tenant, the request id is free for any body
	resp, err := other.Assess(t.Context(), req)
	if err != nil || resp.GetReplayed() || resp.GetCase().GetCaseId() != second.GetCaseId() {
		t.Errorf("got %v, %v", resp, err)
	}
	history := get(t, other, second.GetCaseId(), basic).GetHistory()
	for _, h := range history {
		if by := h.GetBy(); by.GetRegion() != otherLivo.Region || by.GetNode() != otherLivo.Node {
			t.Errorf("%s by %v", h.GetWhat(), by)
		}
	}
	if n := len(history); n != 2 {
		t.Errorf("%d history entries, want 2", n)
	}
}

// Ensure intake of a node opens cases for actors of that very node, and not for those of a homonym.
func TestHomonyms_OpenCase_OnBehalfOf(t *testing.T) {
	t.Parallel()
	e := setupFor(t, livo, otherLivo)
	for own, other := range map[tenant.ID]tenant.ID{livo: otherLivo, otherLivo: livo} {
		intake := e.service(t, own, "intake")
		_, err := intake.OpenCase(t.Context(), openRequest(other))
		checkRefused(t, err, fault.WrongNode)
		bare := openRequest(own)
		bare.OnBehalfOf.Region = ""
		_, err = intake.OpenCase(t.Context(), bare)
		checkRefused(t, err, fault.WrongNode)
		for _, at := range []tenant.ID{own, other} {
			if ids, _ := list(t, e.person(t, at, "operator"), &casemanagementv1.ListCasesRequest{}); len(ids) != 0 {
				t.Errorf("%s has the cases %v", at, ids)
			}
		}
	}
}

// Ensure a grant at one of two homonyms is worth nothing at the other.
func TestHomonyms_ShareNoGrant(t *testing.T) {
	t.Parallel()
	e := setupFor(t, livo, otherLivo)
	id := e.openAt(t, otherLivo, openRequest(otherLivo)).GetCaseId()
	console := rpctest.ID(otherLivo.Region, otherLivo.Node, identity.KindSystem, "console")
	connect := func(grants ...string) client {
		return casemanagementv1.NewCaseManagementServiceClient(e.As(t, console, e.Env.Token(t, "anna", grants...)))
	}
	coordinatorThere := "lombardia/livo/coordinator"
	checkRefused(t, assess(connect(coordinatorThere), id, 1)(t, false), fault.WrongNode)
	// An operator here, who reads cases but does not assess them, is no coordinator either.
	both := connect(coordinatorThere, "trentino-alto-adige/livo/operator")
	checkRefused(t, assess(both, id, 1)(t, false), fault.NotAllowed)
	req := &casemanagementv1.GetCaseRequest{CaseId: id, View: full}
	_, err := both.GetCase(t.Context(), req)
	checkRefused(t, err, fault.ViewNotAllowed)
	checkRefused(t, closeCase(both, id, 1)(t, false), fault.NotAllowed)
}
