package store_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/batcher"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/pkg/tz"
	"github.com/retepari/pari/services/intake/internal/reason"
	"github.com/retepari/pari/services/intake/internal/report"
	"github.com/retepari/pari/services/intake/internal/store"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var (
	cremona  = tenant.ID{Region: "lombardia", Node: "cremona"}
	cuneo    = tenant.ID{Region: "piemonte", Node: "cuneo"}
	homonym  = tenant.ID{Region: "piemonte", Node: "cremona"} // another node of the same name
	now      = time.Date(2026, 11, 23, 9, 41, 27, 0, time.UTC)
	operator = report.Actor{Person: "anna", Tenant: cremona, System: "console"}
)

func setup(t *testing.T) (*store.Reports, *pgxpool.Pool) {
	t.Helper()
	pool := pgtest.New(t, "intake", store.Migrate).Pool(t)
	return store.New(pool), pool
}

// newSubmission returns a complete submission to a node, with ids of its own.
func newSubmission(at tenant.ID) store.Submission {
	coded := report.CodedContent{
		Channel: "PHONE", ReporterRole: "VICTIM", Grounds: []string{"SEX", "DISABILITY"}, Wish: "HELP",
		IncidentPlace: "019036", Language: "it", Urgent: true, NoticeVersion: "2026-01",
		Consents: []report.Consent{{Code: "C_WORK", Status: "GIVEN"}, {Code: "C_UNAR", Status: "REFUSED"}},
	}
	id, lookup := uuid.NewString(), uuid.New()
	by := report.Actor{Person: "anna", Tenant: at, System: "console"}
	return store.Submission{
		Report:        report.Receive(id, "N-"+id, at, coded, by, now),
		Sealed:        []byte("c"),
		ReceiptLookup: lookup[:],
		Request: idempotency.Request{
			Key: []byte(uuid.NewString()), Method: "SubmitReport", BodyHash: []byte("body"),
		},
		Event: outbox.Event{
			Tenant: at, Type: "it.pari.report.counted.v1", Aggregate: uuid.NewString(), AggregateSeq: 1,
			Data: []byte("x"),
		},
	}
}

func submit(t *testing.T, reports *store.Reports, at tenant.ID) *report.Report {
	t.Helper()
	sub := newSubmission(at)
	if err := reports.Submit(t.Context(), sub); err != nil {
		t.Fatal(err)
	}
	return sub.Report
}

// countRows counts a tenant's rows in each table that a submission writes to.
func countRows(t *testing.T, pool *pgxpool.Pool, at tenant.ID) map[string]int {
	t.Helper()
	counts := map[string]int{}
	err := pg.InTenant(t.Context(), pool, at, func(ctx context.Context, tx pgx.Tx) error {
		for _, table := range []string{"report", "report_history", "idempotency_key", "outbox", "anonymous_count"} {
			var n int
			if err := tx.QueryRow(ctx, `select count(*) from `+table).Scan(&n); err != nil {
				return err
			}
			counts[table] = n
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

func TestReports_Submit_StoresEverything(t *testing.T) {
	t.Parallel()
	reports, pool := setup(t)
	sub := newSubmission(cremona)
	if err := reports.Submit(t.Context(), sub); err != nil {
		t.Fatal(err)
	}
	got, sealed, history, err := reports.Get(t.Context(), cremona, sub.Report.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(sub.Report, got, cmpopts.IgnoreUnexported(report.Report{})); diff != "" {
		t.Error(diff)
	}
	if diff := gocmp.Diff(sub.Sealed, sealed); diff != "" {
		t.Error(diff)
	}
	if diff := gocmp.Diff(sub.Report.UnsavedHistory(), history); diff != "" {
		t.Error(diff)
	}
	want := map[string]int{"report": 1, "report_history": 1, "idempotency_key": 1, "outbox": 1, "anonymous_count": 0}
	if diff := gocmp.Diff(want, countRows(t, pool, cremona)); diff != "" {
		t.Error(diff)
	}
}

// Ensure one repeated request id, stored before or twice in the group, does not make a group commit fall apart.
func TestReports_Submit_RejectsDuplicatesOfAGroup(t *testing.T) {
	t.Parallel()
	reports, pool := setup(t)
	stored := newSubmission(cremona)
	if err := reports.Submit(t.Context(), stored); err != nil {
		t.Fatal(err)
	}
	for _, repeated := range []int{0, 31, 49} {
		subs := make([]store.Submission, 50)
		for i := range subs {
			subs[i] = newSubmission([]tenant.ID{cremona, cuneo}[i%2])
		}
		subs[10].Report.Tenant, subs[10].Event.Tenant = cremona, cremona
		subs[repeated] = newSubmission(cremona)
		subs[repeated].Request = stored.Request
		twice := (repeated + 2) / 2 * 2 % 50 // of Cremona
		subs[twice] = newSubmission(cremona)
		subs[twice].Request.Key = subs[10].Request.Key
		first, second := min(10, twice), max(10, twice)
		before := countRows(t, pool, cremona)["report"] + countRows(t, pool, cuneo)["report"]
		var rejected batcher.Rejected
		err := reports.SubmitAll(t.Context(), subs)
		if !errors.As(err, &rejected) || len(rejected) != 2 || !idempotency.IsDuplicate(rejected[repeated]) ||
			!idempotency.IsDuplicate(rejected[second]) || rejected[first] != nil {
			t.Fatalf("rejected %v, %v", rejected, err)
		}
		if n := countRows(t, pool, cremona)["report"] + countRows(t, pool, cuneo)["report"] - before; n != 48 {
			t.Errorf("%d reports were stored, want 48", n)
		}
	}
}

// Ensure retries whose request ids were purged are rejected as expired, and make no group commit fall apart, also
// beside a repeated request id.
func TestReports_Submit_RejectsExpiredRequests(t *testing.T) {
	t.Parallel()
	reports, pool := setup(t)
	expired, stored := newSubmission(cremona), newSubmission(cremona)
	if err := reports.Submit(t.Context(), expired); err != nil {
		t.Fatal(err)
	}
	if _, err := idempotency.Purge(t.Context(), pool, cremona, now.AddDate(1, 0, 0)); err != nil {
		t.Fatal(err)
	}
	if err := reports.Submit(t.Context(), stored); err != nil {
		t.Fatal(err)
	}
	retry := func() store.Submission {
		sub := newSubmission(cremona)
		sub.Request, sub.ReceiptLookup = expired.Request, expired.ReceiptLookup
		return sub
	}
	if err := reports.Submit(t.Context(), retry()); !fault.Is(err, reason.RequestIDExpired) {
		t.Errorf("alone: %v", err)
	}
	for _, withDuplicate := range []bool{false, true} {
		subs := make([]store.Submission, 20)
		for i := range subs {
			subs[i] = newSubmission([]tenant.ID{cremona, cuneo}[i%2])
		}
		subs[8] = retry()
		want := 1
		if withDuplicate {
			subs[4].Request, subs[4].ReceiptLookup, want = stored.Request, stored.ReceiptLookup, 2
		}
		before := countRows(t, pool, cremona)["report"] + countRows(t, pool, cuneo)["report"]
		var rejected batcher.Rejected
		if err := reports.SubmitAll(t.Context(), subs); !errors.As(err, &rejected) || len(rejected) != want ||
			!fault.Is(rejected[8], reason.RequestIDExpired) ||
			withDuplicate && !idempotency.IsDuplicate(rejected[4]) {
			t.Errorf("rejected %v, %v", rejected, err)
		}
		n := countRows(t, pool, cremona)["report"] + countRows(t, pool, cuneo)["report"] - before
		if n != len(subs)-want {
			t.Errorf("%d reports were stored, want %d", n, len(subs)-want)
		}
	}
}

// Ensure an invalid part of a submission leaves no other part stored.
func TestReports_Submit_AllOrNothing(t *testing.T) {
	t.Parallel()
	reports, pool := setup(t)
	stored := newSubmission(cremona)
	if err := reports.Submit(t.Context(), stored); err != nil {
		t.Fatal(err)
	}
	before := countRows(t, pool, cremona)
	for name, modify := range map[string]func(*store.Submission){
		"invalid event type":     func(s *store.Submission) { s.Event.Type = "counted" },
		"duplicate event":        func(s *store.Submission) { s.Event.Aggregate = stored.Event.Aggregate },
		"event of another node":  func(s *store.Submission) { s.Event.Tenant = cuneo },
		"event of a homonym":     func(s *store.Submission) { s.Event.Tenant = homonym },
		"duplicate number":       func(s *store.Submission) { s.Report.Number = stored.Report.Number },
		"duplicate receipt":      func(s *store.Submission) { s.ReceiptLookup = stored.ReceiptLookup },
		"report without grounds": func(s *store.Submission) { s.Report.CodedContent.Grounds = nil },
		"no sealed content":      func(s *store.Submission) { s.Sealed = nil },
		"duplicate request":      func(s *store.Submission) { s.Request = stored.Request },
	} {
		sub := newSubmission(cremona)
		modify(&sub)
		err := reports.Submit(t.Context(), sub)
		if err == nil || idempotency.IsDuplicate(err) != bytes.Equal(sub.Request.Key, stored.Request.Key) {
			t.Errorf("%s: got %v", name, err)
		}
		if diff := gocmp.Diff(before, countRows(t, pool, cremona)); diff != "" {
			t.Errorf("%s left rows: %s", name, diff)
		}
		if _, _, _, err := reports.Get(t.Context(), cremona, sub.Report.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: get its report: %v", name, err)
		}
	}
}

func TestReports_GetByRequest(t *testing.T) {
	t.Parallel()
	reports, _ := setup(t)
	sub := newSubmission(cremona)
	if err := reports.Submit(t.Context(), sub); err != nil {
		t.Fatal(err)
	}
	fresh, otherBody, otherMethod := sub.Request, sub.Request, sub.Request
	fresh.Key, otherBody.BodyHash, otherMethod.Method = []byte(uuid.NewString()), []byte("other body"), "TakeInCharge"
	for _, c := range []struct {
		name    string
		at      tenant.ID
		request idempotency.Request
		report  string
		reason  fault.Reason
	}{
		{"the same request", cremona, sub.Request, sub.Report.ID, ""},
		{"a new request", cremona, fresh, "", ""},
		{"the same request at another node", cuneo, sub.Request, "", ""},
		{"the same request at a homonym", homonym, sub.Request, "", ""},
		{"another body", cremona, otherBody, "", fault.RequestIDReused},
		{"another method", cremona, otherMethod, "", fault.RequestIDReused},
	} {
		got, found, err := reports.GetByRequest(t.Context(), c.at, c.request)
		if fault.ReasonOf(err) != c.reason || (err != nil) != (c.reason != "") || found != (c.report != "") {
			t.Errorf("%s: found %t, %v", c.name, found, err)
		}
		if found && got.ID != c.report {
			t.Errorf("%s: found %s", c.name, got.ID)
		}
	}
}

// Ensure paging returns each report that was stored at the start exactly once, while others are submitted, with a
// filter and without.
func TestReports_List_WhileReportsArrive(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		state report.State
		want  func(i int) bool
	}{
		{"", func(int) bool { return true }},
		{report.Received, func(i int) bool { return i%3 != 0 }},
		{report.HandingOver, func(i int) bool { return i%3 == 0 }},
	} {
		t.Run("state "+string(c.state), func(t *testing.T) {
			t.Parallel()
			reports, _ := setup(t)
			var want []string
			for i := range 45 {
				r := submit(t, reports, cremona)
				if i%3 == 0 {
					startHandover(t, reports, r)
				}
				if c.want(i) {
					want = append(want, r.ID)
				}
			}
			var got, all []string
			for position, pages := (store.Position{}), 0; pages == 0 || position != (store.Position{}); pages++ {
				page, next, err := reports.List(t.Context(), cremona, c.state, position, 7)
				if err != nil || len(page) > 7 || next != (store.Position{}) && next == position {
					t.Fatalf("%d reports, next %s after %s, %v", len(page), next, position, err)
				}
				for _, r := range page {
					all = append(all, r.ID)
					if slices.Contains(want, r.ID) {
						got = append(got, r.ID)
					}
				}
				position = store.ParsePosition(next.String())
				startHandover(t, reports, submit(t, reports, cremona))
				submit(t, reports, cremona)
			}
			if !slices.IsSortedFunc(all, func(a, b string) int { return cmp.Compare(b, a) }) {
				t.Errorf("the reports of a day are not in the order of their random ids: %v", all)
			}
			if diff := gocmp.Diff(want, got, cmpopts.SortSlices(cmp.Less[string])); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Ensure lists have the last day first, within a day what is urgent first, and tell nothing else.
func TestReports_List_Order(t *testing.T) {
	t.Parallel()
	reports, _ := setup(t)
	for i := range 12 {
		sub := newSubmission(cremona)
		sub.Report.ReceivedAt = sub.Report.ReceivedAt.AddDate(0, 0, i%3)
		sub.Report.CodedContent.Urgent = i%2 == 0
		if err := reports.Submit(t.Context(), sub); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for position, pages := (store.Position{}), 0; pages == 0 || position != (store.Position{}); pages++ {
		page, next, err := reports.List(t.Context(), cremona, "", position, 5)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page {
			got = append(got, fmt.Sprint(r.ReceivedAt.In(tz.Rome).Day(), " ", r.CodedContent.Urgent, " ", r.ID))
		}
		position = next
	}
	if !slices.IsSortedFunc(got, func(a, b string) int { return cmp.Compare(b, a) }) || len(got) != 12 {
		t.Errorf("%d reports: %v", len(got), got)
	}
}

// Ensure another node's reports can be neither read nor changed, even when it has the same name.
func TestReports_OfAnotherNode(t *testing.T) {
	t.Parallel()
	reports, pool := setup(t)
	r := submit(t, reports, cremona)
	startHandover(t, reports, r)
	for _, other := range []tenant.ID{cuneo, homonym} {
		t.Run(other.String(), func(t *testing.T) { checkUnreachable(t, reports, pool, other, r.ID) })
	}
}

// checkUnreachable checks that a tenant without reports reaches neither a report of another tenant nor its rows.
func checkUnreachable(t *testing.T, reports *store.Reports, pool *pgxpool.Pool, other tenant.ID, id string) {
	t.Helper()
	ctx := t.Context()
	_, _, _, getErr := reports.Get(ctx, other, id)
	_, handoverErr := reports.GetHandover(ctx, other, id)
	_, _, startErr := reports.StartHandover(ctx, other, id, 2, newRequest("2"), operator, now)
	h := store.Handover{ReportID: id, ID: uuid.NewString()}
	_, completeErr := reports.CompleteHandover(ctx, other, h, uuid.NewString(), "n", now)
	for name, err := range map[string]error{
		"get": getErr, "hand-over": handoverErr, "start": startErr, "complete": completeErr,
	} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	page, next, err := reports.List(ctx, other, "", store.Position{}, 10)
	if err != nil || len(page) != 0 || next != (store.Position{}) {
		t.Errorf("list: %d reports, %v", len(page), err)
	}
	if pending, err := reports.ListPendingHandovers(ctx, other, 10); err != nil || len(pending) != 0 {
		t.Errorf("pending hand-overs: %d, %v", len(pending), err)
	}
	if err := reports.LogAccess(ctx, other, id, operator, now); err == nil {
		t.Error("access to another node's report was logged")
	}
	want := map[string]int{"report": 0, "report_history": 0, "idempotency_key": 0, "outbox": 0, "anonymous_count": 0}
	if diff := gocmp.Diff(want, countRows(t, pool, other)); diff != "" {
		t.Error(diff)
	}
}

// Ensure what is unique within a node, such as a number, a receipt and a request id, is free at a homonym.
func TestReports_Submit_AtAHomonym(t *testing.T) {
	t.Parallel()
	reports, pool := setup(t)
	first, second := newSubmission(cremona), newSubmission(homonym)
	second.Report.Number, second.ReceiptLookup = first.Report.Number, first.ReceiptLookup
	second.Request = first.Request
	for _, sub := range []store.Submission{first, second} {
		if err := reports.Submit(t.Context(), sub); err != nil {
			t.Fatal(err)
		}
	}
	for _, sub := range []store.Submission{first, second} {
		at := sub.Report.Tenant
		got, found, err := reports.GetByRequest(t.Context(), at, sub.Request)
		if err != nil || !found || got.ID != sub.Report.ID || got.Tenant != at {
			t.Errorf("%s: %+v, %v", at, got, err)
		}
		want := map[string]int{
			"report": 1, "report_history": 1, "idempotency_key": 1, "outbox": 1, "anonymous_count": 0,
		}
		if diff := gocmp.Diff(want, countRows(t, pool, at)); diff != "" {
			t.Errorf("%s: %s", at, diff)
		}
	}
}

// Ensure a report whose number is taken gets another one, and is stored once.
func TestReports_Submit_DrawsAnotherNumber(t *testing.T) {
	t.Parallel()
	reports, pool := setup(t)
	first, second := submit(t, reports, cremona), newSubmission(cremona)
	second.Report.Number = first.Number
	draws := []string{first.Number, "CR-2026-K7Q4M-V"}
	second.DrawNumber = func() (n string) { n, draws = draws[0], draws[1:]; return n }
	if err := reports.Submit(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	got, _, _, err := reports.Get(t.Context(), cremona, second.Report.ID)
	if err != nil || got.Number != "CR-2026-K7Q4M-V" || second.Report.Number != got.Number || len(draws) != 0 {
		t.Errorf("got %+v, %v; draws left %v", got, err, draws)
	}
	if n := countRows(t, pool, cremona)["outbox"]; n != 2 {
		t.Errorf("%d events, want 2", n)
	}
}
