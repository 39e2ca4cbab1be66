package store_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/services/intake/internal/report"
	"github.com/retepari/pari/services/intake/internal/store"
)

// newRequest returns a request to take a report in charge, with an id of its own.
func newRequest(body string) idempotency.Request {
	return idempotency.Request{Key: []byte(uuid.NewString()), Method: "TakeInCharge", BodyHash: []byte(body)}
}

// startHandover takes a new report in charge.
func startHandover(t *testing.T, reports *store.Reports, r *report.Report) store.Handover {
	t.Helper()
	if _, _, err := reports.StartHandover(t.Context(), r.Tenant, r.ID, 1, newRequest("1"), operator, now); err != nil {
		t.Fatal(err)
	}
	h, err := reports.GetHandover(t.Context(), r.Tenant, r.ID)
	if err != nil || h.ReportID != r.ID {
		t.Fatalf("hand-over of %s: %+v, %v", r.ID, h, err)
	}
	return h
}

func countHandovers(t *testing.T, pool *pgxpool.Pool) (n int) {
	t.Helper()
	if err := pg.InTenant(t.Context(), pool, cremona, func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from handover`).Scan(&n)
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// checkHistory checks that the versions in a report's history are 1, 2, 3 … up to its own, and returns the changes.
func checkHistory(t *testing.T, reports *store.Reports, id string) (what []string) {
	t.Helper()
	r, _, history, err := reports.Get(t.Context(), cremona, id)
	if err != nil {
		t.Fatal(err)
	}
	for i, h := range history {
		if h.Version != int64(i+1) {
			t.Errorf("entry %d has version %d", i, h.Version)
		}
		what = append(what, h.What)
	}
	if last := history[len(history)-1]; int64(len(history)) != r.Version || last.To != r.State {
		t.Errorf("history ends at version %d, %s; the report is at %d, %s", len(history), last.To, r.Version, r.State)
	}
	return what
}

// concurrently runs f eight times concurrently.
func concurrently(f func(i int)) {
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

func TestReports_Handover(t *testing.T) {
	t.Parallel()
	reports, pool := setup(t)
	r := submit(t, reports, cremona)
	request := newRequest("1")
	for i := range 2 { // Ensure repeating the request changes nothing.
		got, replayed, err := reports.StartHandover(t.Context(), cremona, r.ID, 1, request, operator, now)
		if err != nil || got.State != report.HandingOver || got.Version != 2 || replayed != (i == 1) {
			t.Fatalf("%+v, replayed %t, %v", got, replayed, err)
		}
	}
	pending, err := reports.ListPendingHandovers(t.Context(), cremona, 10)
	if err != nil || len(pending) != 1 {
		t.Fatalf("%d pending hand-overs, %v", len(pending), err)
	}
	want := store.Handover{
		ID: pending[0].ID, ReportID: r.ID, By: operator, ReceivedAt: r.ReceivedAt, Channel: "PHONE",
		ReporterRole: "VICTIM", RetryAt: now,
	}
	if diff := cmp.Diff(want, pending[0], cmp.Comparer(time.Time.Equal)); diff != "" {
		t.Error(diff)
	}
	other := startHandover(t, reports, submit(t, reports, cremona))
	caseID := uuid.NewString()
	for range 2 { // Ensure it may be completed twice.
		got, err := reports.CompleteHandover(t.Context(), cremona, pending[0], caseID, "CR-F-2026-000001", now)
		if err != nil || got.State != report.TakenInCharge || got.CaseID != caseID ||
			got.CaseNumber != "CR-F-2026-000001" || got.Version != 3 {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	pending, err = reports.ListPendingHandovers(t.Context(), cremona, 10)
	if err != nil || len(pending) != 1 || pending[0].ID != other.ID {
		t.Errorf("pending are %+v, want the other hand-over alone: %v", pending, err)
	}
	// Ensure repeating the first request now returns the report as it is now.
	got, replayed, err := reports.StartHandover(t.Context(), cremona, r.ID, 1, request, operator, now)
	if err != nil || !replayed || got.State != report.TakenInCharge || got.CaseID != caseID {
		t.Errorf("%+v, replayed %t, %v", got, replayed, err)
	}
	wantHistory := []string{"SUBMITTED", "TAKING_IN_CHARGE", "TAKEN_IN_CHARGE"}
	if diff := cmp.Diff(wantHistory, checkHistory(t, reports, r.ID)); diff != "" {
		t.Error(diff)
	}
	if n := countHandovers(t, pool); n != 2 {
		t.Errorf("%d hand-overs", n)
	}
}

func TestReports_StartHandover_Refusals(t *testing.T) {
	t.Parallel()
	reports, pool := setup(t)
	sub := newSubmission(cremona)
	if err := reports.Submit(t.Context(), sub); err != nil {
		t.Fatal(err)
	}
	started := submit(t, reports, cremona)
	startHandover(t, reports, started)
	otherMethod := sub.Request
	otherMethod.Method = "TakeInCharge"
	for _, c := range []struct {
		name    string
		report  string
		version int64
		request idempotency.Request
		reason  fault.Reason
	}{
		{"future version", sub.Report.ID, 2, newRequest("2"), fault.WrongVersion},
		{"past version", started.ID, 1, newRequest("1"), fault.WrongVersion},
		{"started before", started.ID, 2, newRequest("2"), fault.ForbiddenMove},
		{"unknown report", uuid.NewString(), 1, newRequest("1"), fault.NotFound},
		{"request id of a submission", sub.Report.ID, 1, otherMethod, fault.RequestIDReused},
		{"the same of an unknown report", uuid.NewString(), 1, otherMethod, fault.RequestIDReused},
	} {
		_, _, err := reports.StartHandover(t.Context(), cremona, c.report, c.version, c.request, operator, now)
		if !fault.Is(err, c.reason) {
			t.Errorf("%s: %v, want %s", c.name, err, c.reason)
		}
		// Ensure a refused request is not stored: the caller may correct it and keep its id.
		_, found, err := reports.GetByRequest(t.Context(), cremona, c.request)
		if found || err != nil && c.reason != fault.RequestIDReused {
			t.Errorf("%s: found %t, %v", c.name, found, err)
		}
	}
	if what := checkHistory(t, reports, sub.Report.ID); len(what) != 1 {
		t.Errorf("refusals left history %v", what)
	}
	if n := countHandovers(t, pool); n != 1 {
		t.Errorf("%d hand-overs, want 1", n)
	}
}

// Ensure one of eight concurrent requests takes a report in charge.
func TestReports_StartHandover_Concurrent(t *testing.T) {
	t.Parallel()
	reports, pool := setup(t)
	r := submit(t, reports, cremona)
	errs := make([]error, 8)
	concurrently(func(i int) {
		_, _, errs[i] = reports.StartHandover(context.Background(), cremona, r.ID, 1, newRequest("1"), operator, now)
	})
	done := 0
	for _, err := range errs {
		switch {
		case err == nil:
			done++
		case !fault.Is(err, fault.WrongVersion):
			t.Error(err)
		}
	}
	if n := countHandovers(t, pool); done != 1 || n != 1 {
		t.Errorf("%d of eight succeeded, %d hand-overs; want 1 and 1", done, n)
	}
	checkHistory(t, reports, r.ID)
}

// Ensure eight concurrent copies of one request are applied once and answered eight times.
func TestReports_StartHandover_ConcurrentReplays(t *testing.T) {
	t.Parallel()
	reports, pool := setup(t)
	r := submit(t, reports, cremona)
	request := newRequest("1")
	var mu sync.Mutex
	first := 0
	concurrently(func(int) {
		got, replayed, err := reports.StartHandover(context.Background(), cremona, r.ID, 1, request, operator, now)
		mu.Lock()
		defer mu.Unlock()
		if err != nil || got.State != report.HandingOver {
			t.Errorf("%+v, %v", got, err)
		}
		if !replayed {
			first++
		}
	})
	if n := countHandovers(t, pool); first != 1 || n != 1 {
		t.Errorf("%d were not replayed, %d hand-overs; want 1 and 1", first, n)
	}
	checkHistory(t, reports, r.ID)
}

// Ensure one request id used concurrently for eight reports takes one of them in charge and is refused for the others.
func TestReports_StartHandover_ConcurrentReuseOfRequestID(t *testing.T) {
	t.Parallel()
	reports, pool := setup(t)
	id := uuid.NewString()
	var all [8]*report.Report
	for i := range all {
		all[i] = submit(t, reports, cremona)
	}
	var mu sync.Mutex
	done := 0
	concurrently(func(i int) {
		request := idempotency.Request{Key: []byte(id), Method: "TakeInCharge", BodyHash: []byte{byte(i)}}
		_, _, err := reports.StartHandover(context.Background(), cremona, all[i].ID, 1, request, operator, now)
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err == nil:
			done++
		case !fault.Is(err, fault.RequestIDReused):
			t.Error(err)
		}
	})
	if n := countHandovers(t, pool); done != 1 || n != 1 {
		t.Errorf("%d succeeded, %d hand-overs; want 1 and 1", done, n)
	}
}

// Ensure eight concurrent completions of one hand-over leave one case and one history entry.
func TestReports_CompleteHandover_Concurrent(t *testing.T) {
	t.Parallel()
	reports, _ := setup(t)
	r := submit(t, reports, cremona)
	h, caseID := startHandover(t, reports, r), uuid.NewString()
	concurrently(func(int) {
		got, err := reports.CompleteHandover(context.Background(), cremona, h, caseID, "n", now)
		if err != nil || got.CaseID != caseID {
			t.Errorf("%+v, %v", got, err)
		}
	})
	if what := checkHistory(t, reports, r.ID); len(what) != 3 {
		t.Errorf("history %v", what)
	}
	// Ensure another case does not replace it.
	_, err := reports.CompleteHandover(t.Context(), cremona, h, uuid.NewString(), "n", now)
	if !fault.Is(err, fault.ForbiddenMove) {
		t.Errorf("second case: %v", err)
	}
}

func TestReports_ListPendingHandovers_OldestFirst(t *testing.T) {
	t.Parallel()
	reports, _ := setup(t)
	var want []string
	for i := range 5 {
		r := submit(t, reports, cremona)
		decidedAt := now.Add(time.Duration(-i) * time.Minute)
		_, _, err := reports.StartHandover(t.Context(), cremona, r.ID, 1, newRequest("1"), operator, decidedAt)
		if err != nil {
			t.Fatal(err)
		}
		want = append([]string{r.ID}, want...)
	}
	pending, err := reports.ListPendingHandovers(t.Context(), cremona, 3)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range pending {
		got = append(got, h.ReportID)
	}
	if diff := cmp.Diff(want[:3], got); diff != "" {
		t.Error(diff)
	}
}
