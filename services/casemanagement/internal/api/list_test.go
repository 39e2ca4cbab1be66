package api_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/pkg/fault"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
)

func list(t *testing.T, c client, req *casemanagementv1.ListCasesRequest) (ids []string, next string) {
	t.Helper()
	resp, err := c.ListCases(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range resp.GetCases() {
		ids = append(ids, c.GetCaseId())
	}
	return ids, resp.GetNextPageToken()
}

func TestListCases(t *testing.T) {
	t.Parallel()
	e := setup(t)
	worker, otherOperator := e.worker(t), e.person(t, mantova, "operator")
	var inAssessment []string // newest first
	for range 5 {
		inAssessment = append([]string{e.openCase(t)}, inAssessment...)
	}
	inCharge := e.caseInCharge(t)

	t.Run("all, newest first", func(t *testing.T) {
		t.Parallel()
		ids, next := list(t, worker, &casemanagementv1.ListCasesRequest{})
		if diff := cmp.Diff(append([]string{inCharge}, inAssessment...), ids); diff != "" || next != "" {
			t.Errorf("token %q, %s", next, diff)
		}
	})
	t.Run("one state, page by page", func(t *testing.T) {
		t.Parallel()
		var got []string
		req := &casemanagementv1.ListCasesRequest{
			PageSize: 2, State: casemanagementv1.CaseState_CASE_STATE_ASSESSMENT,
		}
		for range 3 {
			ids, next := list(t, worker, req)
			got, req.PageToken = append(got, ids...), next
		}
		if diff := cmp.Diff(inAssessment, got); diff != "" || req.GetPageToken() != "" {
			t.Errorf("token %q, %s", req.GetPageToken(), diff)
		}
	})
	t.Run("by number", func(t *testing.T) {
		t.Parallel()
		one, err := worker.GetCase(t.Context(), &casemanagementv1.GetCaseRequest{CaseId: inCharge})
		if err != nil {
			t.Fatal(err)
		}
		number, closed := one.GetCase().GetNumber(), casemanagementv1.CaseState_CASE_STATE_CLOSED
		for name, tc := range map[string]struct {
			client client
			req    *casemanagementv1.ListCasesRequest
			want   []string
		}{
			"of a case":       {worker, &casemanagementv1.ListCasesRequest{Number: number}, []string{inCharge}},
			"of no case":      {worker, &casemanagementv1.ListCasesRequest{Number: number + "0"}, nil},
			"a part":          {worker, &casemanagementv1.ListCasesRequest{Number: number[:5]}, nil},
			"another state":   {worker, &casemanagementv1.ListCasesRequest{Number: number, State: closed}, nil},
			"of another node": {otherOperator, &casemanagementv1.ListCasesRequest{Number: number}, nil},
		} {
			ids, next := list(t, tc.client, tc.req)
			if diff := cmp.Diff(tc.want, ids); diff != "" || next != "" {
				t.Errorf("%s: token %q, %s", name, next, diff)
			}
		}
	})
	t.Run("none of another node", func(t *testing.T) {
		t.Parallel()
		if ids, _ := list(t, otherOperator, &casemanagementv1.ListCasesRequest{}); len(ids) != 0 {
			t.Errorf("got %v", ids)
		}
	})
	t.Run("refuses invalid page tokens", func(t *testing.T) {
		t.Parallel()
		_, token := list(t, worker, &casemanagementv1.ListCasesRequest{PageSize: 1})
		closed := casemanagementv1.CaseState_CASE_STATE_CLOSED
		for name, tc := range map[string]struct {
			client client
			req    *casemanagementv1.ListCasesRequest
		}{
			"of another filter": {worker, &casemanagementv1.ListCasesRequest{PageToken: token, State: closed}},
			"of another node":   {otherOperator, &casemanagementv1.ListCasesRequest{PageToken: token}},
			"of a number":       {worker, &casemanagementv1.ListCasesRequest{PageToken: token, Number: "CR-C-1"}},
			"forged":            {worker, &casemanagementv1.ListCasesRequest{PageToken: "MTI"}},
		} {
			t.Run(name, func(t *testing.T) {
				_, err := tc.client.ListCases(t.Context(), tc.req)
				checkRefused(t, err, fault.InvalidRequest, "page_token BAD_PAGE_TOKEN")
			})
		}
	})
	t.Run("refuses an invalid page size and state", func(t *testing.T) {
		t.Parallel()
		_, err := worker.ListCases(t.Context(), &casemanagementv1.ListCasesRequest{PageSize: 201, State: 99})
		checkRefused(t, err, fault.InvalidRequest, "page_size OUT_OF_RANGE", "state UNKNOWN_VALUE")
	})
}
