package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/services/intake/internal/report"
	"github.com/retepari/pari/services/intake/internal/store"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var (
	now  = time.Date(2026, 11, 23, 9, 41, 27, 0, time.UTC)
	desk = report.Actor{Person: "anna", Node: "cremona", System: "console"}
)

func open(t *testing.T) (*store.Reports, *pgxpool.Pool) {
	t.Helper()
	pool := pgtest.New(t, "intake", store.Migrate).Pool(t)
	return store.New(pool), pool
}

// submission is a whole report of a node, unlike any other.
func submission(node string) store.Submission {
	codes := report.Codes{
		Channel: "PHONE", ReporterRole: "VICTIM", Grounds: []string{"SEX", "DISABILITY"}, Wish: "HELP", IncidentPlace: "019036", Language: "it",
		Urgent: true, NoticeVersion: "2026-01", Consents: []report.Consent{{Code: "C_WORK", Status: "GIVEN"}, {Code: "C_UNAR", Status: "REFUSED"}},
	}
	id, lookup := uuid.NewString(), uuid.New()
	return store.Submission{
		Report:        report.Receive(id, "N-"+id, node, codes, report.Actor{Person: "anna", Node: node, System: "console"}, now),
		Sealed:        store.Sealed{KeyID: uuid.New(), Narrative: []byte("n"), Contact: []byte("c"), Date: []byte("d")},
		ReceiptLookup: lookup[:],
		Request:       idempotency.Request{ID: uuid.NewString(), Method: "SubmitReport", BodyHash: []byte("said")},
		Event:         outbox.Event{Node: node, Type: "it.pari.report.counted.v1", Aggregate: uuid.NewString(), AggregateSeq: 1, Data: []byte("x")},
	}
}

func submit(t *testing.T, reports *store.Reports, node string) *report.Report {
	t.Helper()
	sub := submission(node)
	if err := reports.Submit(t.Context(), sub); err != nil {
		t.Fatal(err)
	}
	return sub.Report
}

// rows counts what a node has in each table that a submission writes to.
func rows(t *testing.T, pool *pgxpool.Pool, node string) map[string]int {
	t.Helper()
	counts := map[string]int{}
	err := pg.InTenant(t.Context(), pool, node, func(ctx context.Context, tx pgx.Tx) error {
		for _, table := range []string{"report", "report_history", "idempotency_key", "outbox"} {
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

func TestSubmit_KeepsTheReportWhole(t *testing.T) {
	t.Parallel()
	reports, pool := open(t)
	sub := submission("cremona")
	if err := reports.Submit(t.Context(), sub); err != nil {
		t.Fatal(err)
	}
	got, sealed, history, err := reports.Get(t.Context(), "cremona", sub.Report.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sub.Report, got, cmpopts.IgnoreUnexported(report.Report{})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(sub.Sealed, sealed); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(sub.Report.Changes(), history); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int{"report": 1, "report_history": 1, "idempotency_key": 1, "outbox": 1}, rows(t, pool, "cremona")); diff != "" {
		t.Error(diff)
	}
}

// Ensure that whatever part of a submission is broken, nothing of it is left.
func TestSubmit_AllOrNothing(t *testing.T) {
	t.Parallel()
	reports, pool := open(t)
	stored := submission("cremona")
	if err := reports.Submit(t.Context(), stored); err != nil {
		t.Fatal(err)
	}
	before := rows(t, pool, "cremona")
	for name, spoil := range map[string]func(*store.Submission){
		"an event that cannot be sent":       func(s *store.Submission) { s.Event.Type = "counted" },
		"an event that was there":            func(s *store.Submission) { s.Event.Aggregate = stored.Event.Aggregate },
		"an event of another node":           func(s *store.Submission) { s.Event.Node = "cuneo" },
		"a number that was given":            func(s *store.Submission) { s.Report.Number = stored.Report.Number },
		"a receipt that was given":           func(s *store.Submission) { s.ReceiptLookup = stored.ReceiptLookup },
		"a report without grounds":           func(s *store.Submission) { s.Report.Codes.Grounds = nil },
		"a report that is not sealed":        func(s *store.Submission) { s.Sealed.Narrative = nil },
		"a request that was answered before": func(s *store.Submission) { s.Request = stored.Request },
	} {
		sub := submission("cremona")
		spoil(&sub)
		err := reports.Submit(t.Context(), sub)
		if err == nil || idempotency.IsDuplicate(err) != (sub.Request.ID == stored.Request.ID) {
			t.Errorf("%s: got %v", name, err)
		}
		if diff := cmp.Diff(before, rows(t, pool, "cremona")); diff != "" {
			t.Errorf("%s left something: %s", name, diff)
		}
		if _, _, _, err := reports.Get(t.Context(), "cremona", sub.Report.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: its report: %v", name, err)
		}
	}
}

func TestAnswered(t *testing.T) {
	t.Parallel()
	reports, _ := open(t)
	sub := submission("cremona")
	if err := reports.Submit(t.Context(), sub); err != nil {
		t.Fatal(err)
	}
	fresh, otherBody, otherMethod := sub.Request, sub.Request, sub.Request
	fresh.ID, otherBody.BodyHash, otherMethod.Method = uuid.NewString(), []byte("said otherwise"), "TakeInCharge"
	for _, c := range []struct {
		name, node string
		request    idempotency.Request
		report     string
		reason     fault.Reason
	}{
		{"the same request", "cremona", sub.Request, sub.Report.ID, ""},
		{"a new request", "cremona", fresh, "", ""},
		{"the same request at another node", "cuneo", sub.Request, "", ""},
		{"another body", "cremona", otherBody, "", fault.RequestIDReused},
		{"another method", "cremona", otherMethod, "", fault.RequestIDReused},
	} {
		got, known, err := reports.Answered(t.Context(), c.node, c.request)
		if fault.ReasonOf(err) != c.reason || (err != nil) != (c.reason != "") || known != (c.report != "") {
			t.Errorf("%s: known %t, %v", c.name, known, err)
		}
		if known && got.ID != c.report {
			t.Errorf("%s: answered with %s", c.name, got.ID)
		}
	}
}

// Ensure who turns pages sees each report that was there at the start once, whatever arrives meanwhile, with a filter and
// without.
func TestList_WhileReportsArrive(t *testing.T) {
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
			reports, _ := open(t)
			var want []string // newest first
			for i := range 45 {
				r := submit(t, reports, "cremona")
				if i%3 == 0 {
					decide(t, reports, r)
				}
				if c.want(i) {
					want = append([]string{r.ID}, want...)
				}
			}
			var got []string
			for position, pages := int64(0), 0; pages == 0 || position != 0; pages++ {
				page, next, err := reports.List(t.Context(), "cremona", c.state, position, 7)
				if err != nil || len(page) > 7 || next != 0 && next == position {
					t.Fatalf("%d reports, next %d after %d, %v", len(page), next, position, err)
				}
				for _, r := range page {
					got = append(got, r.ID)
				}
				position = next
				decide(t, reports, submit(t, reports, "cremona"))
				submit(t, reports, "cremona")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Ensure a node's reports do not exist for another one.
func TestReports_OfAnotherNode(t *testing.T) {
	t.Parallel()
	reports, pool := open(t)
	r := submit(t, reports, "cremona")
	decide(t, reports, r)
	ctx := t.Context()
	_, _, _, getErr := reports.Get(ctx, "cuneo", r.ID)
	_, handoverErr := reports.HandoverOf(ctx, "cuneo", r.ID)
	_, _, decideErr := reports.HandOver(ctx, "cuneo", r.ID, 2, charge("2"), desk, now)
	_, finishErr := reports.Finish(ctx, "cuneo", store.Handover{ReportID: r.ID, ID: uuid.NewString()}, uuid.NewString(), "n", now)
	for name, err := range map[string]error{"get": getErr, "hand-over": handoverErr, "decide": decideErr, "finish": finishErr} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	page, next, err := reports.List(ctx, "cuneo", "", 0, 10)
	if err != nil || len(page) != 0 || next != 0 {
		t.Errorf("list: %d reports, %v", len(page), err)
	}
	if open, err := reports.OpenHandovers(ctx, "cuneo", 10); err != nil || len(open) != 0 {
		t.Errorf("open hand-overs: %d, %v", len(open), err)
	}
	if err := reports.Opened(ctx, "cuneo", r.ID, desk, now); err == nil {
		t.Error("another node's opening was recorded")
	}
	if diff := cmp.Diff(map[string]int{"report": 0, "report_history": 0, "idempotency_key": 0, "outbox": 0}, rows(t, pool, "cuneo")); diff != "" {
		t.Error(diff)
	}
}

func TestNumber_IsGivenOnce(t *testing.T) {
	t.Parallel()
	reports, pool := open(t)
	seen := map[string]bool{}
	for _, instance := range []*store.Reports{reports, store.New(pool)} {
		for range 40 {
			n, err := instance.Number(t.Context(), "cremona", 2026)
			number := fmt.Sprint(n)
			if err != nil || seen[number] {
				t.Fatalf("number %s again, %v", number, err)
			}
			seen[number] = true
		}
	}
}
