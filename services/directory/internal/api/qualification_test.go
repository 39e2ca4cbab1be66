package api_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/fault"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// Ensure qualifications are listed by node, by office, on a date and page by page.
func TestServer_ListQualifications(t *testing.T) {
	t.Parallel()
	attended := func(office string, persons int32) *directoryv1.Attendance {
		return &directoryv1.Attendance{Participant: "DESK_OPERATORS", Persons: persons, Office: "office/" + office}
	}
	course := &directoryv1.Course{
		CourseId: "base", Kinds: []string{"BASIC_OPERATOR"}, ValidMonths: 24,
		Modules: []*directoryv1.Module{{Code: "uno"}},
		Editions: []*directoryv1.Edition{
			{Code: "prima", To: "2024-11-23", Attendance: []*directoryv1.Attendance{attended("alfa", 3)}},
			{Code: "seconda", To: "2025-06-30", Attendance: []*directoryv1.Attendance{
				attended("alfa", 2), attended("beta", 5), attended("chiusa", 1),
			}},
		},
	}
	permanent := &directoryv1.Course{
		CourseId: "permanente", Kinds: []string{"UPDATE"},
		Editions: []*directoryv1.Edition{
			{Code: "unica", To: "2025-06-30", Attendance: []*directoryv1.Attendance{attended("gamma", 4)}},
		},
	}
	client, _ := newClient[proto.Message](t, newDesk("alfa", "cremona"), newDesk("beta", "cuneo"),
		newDesk("gamma", "milano"), course, permanent)
	list := func(req *directoryv1.ListQualificationsRequest) *directoryv1.ListQualificationsResponse {
		t.Helper()
		got, err := client.ListQualifications(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	type row struct {
		office             string
		qualified, expired int64
		next               string
		nextExpiring       int64
	}
	rows := func(resp *directoryv1.ListQualificationsResponse) (out []row) {
		for _, q := range resp.GetQualifications() {
			out = append(out, row{
				q.GetOffice(), q.GetQualified(), q.GetExpired(), q.GetNextExpiry(), q.GetNextExpiring(),
			})
		}
		return out
	}
	alfa, beta := row{"office/alfa", 2, 3, "2027-06-30", 2}, row{"office/beta", 5, 0, "2027-06-30", 5}
	gamma := row{"office/gamma", 4, 0, "", 0} // its qualifications never expire
	alfaIn2025 := row{"office/alfa", 3, 0, "2026-11-23", 3}
	for name, c := range map[string]struct {
		req  *directoryv1.ListQualificationsRequest
		want []row
	}{
		"today, of existing offices": {&directoryv1.ListQualificationsRequest{}, []row{alfa, beta, gamma}},
		"of a node":                  {&directoryv1.ListQualificationsRequest{Node: "cuneo"}, []row{beta}},
		"of an office":               {&directoryv1.ListQualificationsRequest{OfficeId: "alfa"}, []row{alfa}},
		"on a date":                  {&directoryv1.ListQualificationsRequest{Date: "2025-01-01"}, []row{alfaIn2025}},
		"before the first course":    {&directoryv1.ListQualificationsRequest{Date: "2020-01-01"}, nil},
	} {
		if diff := cmp.Diff(c.want, rows(list(c.req)), cmp.AllowUnexported(row{})); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
	first := list(&directoryv1.ListQualificationsRequest{PageSize: 1})
	second := list(&directoryv1.ListQualificationsRequest{PageSize: 1, PageToken: first.GetNextPageToken()})
	third := list(&directoryv1.ListQualificationsRequest{PageSize: 1, PageToken: second.GetNextPageToken()})
	paged := slices.Concat(rows(first), rows(second), rows(third))
	if diff := cmp.Diff([]row{alfa, beta, gamma}, paged, cmp.AllowUnexported(row{})); diff != "" ||
		third.GetNextPageToken() != "" || first.GetDate() != "2026-11-24" {
		t.Errorf("page by page: %s\n%v", diff, third)
	}
	if e := first.GetQualifications()[0].GetEditions(); len(e) != 1 || e[0].GetCourse() != "course/base" ||
		e[0].GetEdition() != "seconda" || e[0].GetFrom() != "2025-06-30" {
		t.Errorf("editions: %v", e)
	}
	if e := third.GetQualifications()[0].GetEditions(); len(e) != 1 || e[0].GetTo() != "" {
		t.Errorf("editions that never expire: %v", e)
	}
	_, err := client.ListQualifications(t.Context(), &directoryv1.ListQualificationsRequest{Date: "2026-02-30"})
	assertFault(t, err, fault.InvalidRequest, "date IMPOSSIBLE_DATE")
	_, err = client.ListQualifications(t.Context(),
		&directoryv1.ListQualificationsRequest{Node: "cuneo", PageToken: first.GetNextPageToken()})
	assertFault(t, err, fault.InvalidRequest, "page_token BAD_PAGE_TOKEN")
}
