package api_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/pkg/fault"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
)

func TestListCases(t *testing.T) {
	t.Parallel()
	w := open(t)
	worker := w.worker(t)
	var want []string // newest first
	for range 5 {
		want = append([]string{w.opened(t)}, want...)
	}
	inCharge := w.assessed(t)
	list := func(t *testing.T, c client, req *casemanagementv1.ListCasesRequest) ([]string, string) {
		t.Helper()
		got, err := c.ListCases(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, c := range got.GetCases() {
			ids = append(ids, c.GetCaseId())
		}
		return ids, got.GetNextPageToken()
	}

	t.Run("lists all, newest first", func(t *testing.T) {
		t.Parallel()
		ids, next := list(t, worker, &casemanagementv1.ListCasesRequest{})
		if diff := cmp.Diff(append([]string{inCharge}, want...), ids); diff != "" || next != "" {
			t.Errorf("token %q, %s", next, diff)
		}
	})
	t.Run("lists those in a state, page by page", func(t *testing.T) {
		t.Parallel()
		var got []string
		req := &casemanagementv1.ListCasesRequest{PageSize: 2, State: casemanagementv1.CaseState_CASE_STATE_ASSESSMENT}
		for range 3 {
			ids, next := list(t, worker, req)
			got, req.PageToken = append(got, ids...), next
		}
		if diff := cmp.Diff(want, got); diff != "" || req.GetPageToken() != "" {
			t.Errorf("token %q, %s", req.GetPageToken(), diff)
		}
	})
	t.Run("lists none of another node", func(t *testing.T) {
		t.Parallel()
		if ids, _ := list(t, w.person(t, "mantova", "operator"), &casemanagementv1.ListCasesRequest{}); len(ids) != 0 {
			t.Errorf("got %v", ids)
		}
	})
	t.Run("refuses a token of another filter, of another node, and one that it did not make", func(t *testing.T) {
		t.Parallel()
		_, token := list(t, worker, &casemanagementv1.ListCasesRequest{PageSize: 1})
		for name, ask := range map[string]func() error{
			"filter": func() error {
				_, err := worker.ListCases(t.Context(), &casemanagementv1.ListCasesRequest{PageToken: token, State: casemanagementv1.CaseState_CASE_STATE_CLOSED})
				return err
			},
			"node": func() error {
				_, err := w.person(t, "mantova", "operator").ListCases(t.Context(), &casemanagementv1.ListCasesRequest{PageToken: token})
				return err
			},
			"made up": func() error {
				_, err := worker.ListCases(t.Context(), &casemanagementv1.ListCasesRequest{PageToken: "MTI"})
				return err
			},
		} {
			t.Run(name, func(t *testing.T) { refused(t, ask(), fault.InvalidRequest, "page_token BAD_PAGE_TOKEN") })
		}
	})
	t.Run("refuses a page that is too large and a state that does not exist", func(t *testing.T) {
		t.Parallel()
		_, err := worker.ListCases(t.Context(), &casemanagementv1.ListCasesRequest{PageSize: 201, State: 99})
		refused(t, err, fault.InvalidRequest, "page_size OUT_OF_RANGE", "state UNKNOWN_VALUE")
	})
}
