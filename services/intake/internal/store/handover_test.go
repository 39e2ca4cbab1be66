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

// charge is a new request to take a report in charge.
func charge(body string) idempotency.Request {
	return idempotency.Request{ID: uuid.NewString(), Method: "TakeInCharge", BodyHash: []byte(body)}
}

func decide(t *testing.T, reports *store.Reports, r *report.Report) store.Handover {
	t.Helper()
	if _, _, err := reports.HandOver(t.Context(), r.Node, r.ID, 1, charge("1"), desk, now); err != nil {
		t.Fatal(err)
	}
	handover, err := reports.HandoverOf(t.Context(), r.Node, r.ID)
	if err != nil {
		t.Fatal(err)
	}
	return handover
}

func handovers(t *testing.T, pool *pgxpool.Pool) (n int) {
	t.Helper()
	if err := pg.InTenant(t.Context(), pool, "cremona", func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from handover`).Scan(&n)
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// gapless returns the history of a report, whose versions must be 1, 2, 3 … up to its own.
func gapless(t *testing.T, reports *store.Reports, id string) (what []string) {
	t.Helper()
	r, _, history, err := reports.Get(t.Context(), "cremona", id)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range history {
		if c.Version != int64(i+1) {
			t.Errorf("version %d at place %d", c.Version, i)
		}
		what = append(what, c.What)
	}
	if int64(len(history)) != r.Version || history[len(history)-1].To != r.State {
		t.Errorf("%d changes up to %s, report at version %d, %s", len(history), history[len(history)-1].To, r.Version, r.State)
	}
	return what
}

// atOnce runs f eight times at once.
func atOnce(f func(i int)) {
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() { f(i) })
	}
	all.Wait()
}

func TestHandOver_ThenFinish(t *testing.T) {
	t.Parallel()
	reports, pool := open(t)
	r := submit(t, reports, "cremona")
	request := charge("1")
	for i := range 2 { // Ensure the same request again changes nothing.
		got, replayed, err := reports.HandOver(t.Context(), "cremona", r.ID, 1, request, desk, now)
		if err != nil || got.State != report.HandingOver || got.Version != 2 || replayed != (i == 1) {
			t.Fatalf("%+v, replayed %t, %v", got, replayed, err)
		}
	}
	open, err := reports.OpenHandovers(t.Context(), "cremona", 10)
	if err != nil || len(open) != 1 {
		t.Fatalf("%d open hand-overs, %v", len(open), err)
	}
	want := store.Handover{ID: open[0].ID, ReportID: r.ID, By: desk, ReceivedAt: r.ReceivedAt, Channel: "PHONE", ReporterRole: "VICTIM"}
	if diff := cmp.Diff(want, open[0], cmp.Comparer(time.Time.Equal)); diff != "" {
		t.Error(diff)
	}
	caseID := uuid.NewString()
	for range 2 { // Ensure that two may finish it.
		got, err := reports.Finish(t.Context(), "cremona", open[0], caseID, "CR-F-2026-000001", now)
		if err != nil || got.State != report.TakenInCharge || got.CaseID != caseID || got.CaseNumber != "CR-F-2026-000001" || got.Version != 3 {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	if left, err := reports.OpenHandovers(t.Context(), "cremona", 10); err != nil || len(left) != 0 {
		t.Errorf("%d hand-overs are left, %v", len(left), err)
	}
	// Ensure the request is still known afterwards, and answered with the report as it is now.
	got, replayed, err := reports.HandOver(t.Context(), "cremona", r.ID, 1, request, desk, now)
	if err != nil || !replayed || got.State != report.TakenInCharge || got.CaseID != caseID {
		t.Errorf("%+v, replayed %t, %v", got, replayed, err)
	}
	if diff := cmp.Diff([]string{"SUBMITTED", "TAKING_IN_CHARGE", "TAKEN_IN_CHARGE"}, gapless(t, reports, r.ID)); diff != "" {
		t.Error(diff)
	}
	if n := handovers(t, pool); n != 1 {
		t.Errorf("%d hand-overs", n)
	}
}

func TestHandOver_Refusals(t *testing.T) {
	t.Parallel()
	reports, pool := open(t)
	sub := submission("cremona")
	if err := reports.Submit(t.Context(), sub); err != nil {
		t.Fatal(err)
	}
	decided := submit(t, reports, "cremona")
	decide(t, reports, decided)
	for _, c := range []struct {
		name    string
		report  string
		version int64
		request idempotency.Request
		reason  fault.Reason
	}{
		{"a version that was not reached", sub.Report.ID, 2, charge("2"), fault.WrongVersion},
		{"a version that has passed", decided.ID, 1, charge("1"), fault.WrongVersion},
		{"a decision that was made", decided.ID, 2, charge("2"), fault.ForbiddenMove},
		{"a report that does not exist", uuid.NewString(), 1, charge("1"), fault.NotFound},
		{"the request id of a submission", sub.Report.ID, 1, idempotency.Request{ID: sub.Request.ID, Method: "TakeInCharge", BodyHash: sub.Request.BodyHash}, fault.RequestIDReused},
	} {
		if _, _, err := reports.HandOver(t.Context(), "cremona", c.report, c.version, c.request, desk, now); !fault.Is(err, c.reason) {
			t.Errorf("%s: %v, want %s", c.name, err, c.reason)
		}
		// Ensure a refused request is not remembered: corrected, it may come again with its id.
		if _, known, err := reports.Answered(t.Context(), "cremona", c.request); known || err != nil && c.reason != fault.RequestIDReused {
			t.Errorf("%s: known %t, %v", c.name, known, err)
		}
	}
	if what := gapless(t, reports, sub.Report.ID); len(what) != 1 {
		t.Errorf("refusals left %v", what)
	}
	if n := handovers(t, pool); n != 1 {
		t.Errorf("%d hand-overs, want 1", n)
	}
}

// Ensure that of eight people who take one report in charge at once, one does.
func TestHandOver_AtOnceByMany(t *testing.T) {
	t.Parallel()
	reports, pool := open(t)
	r := submit(t, reports, "cremona")
	errs := make([]error, 8)
	atOnce(func(i int) {
		_, _, errs[i] = reports.HandOver(context.Background(), "cremona", r.ID, 1, charge("1"), desk, now)
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
	if n := handovers(t, pool); done != 1 || n != 1 {
		t.Errorf("%d of eight did, %d hand-overs; want 1 and 1", done, n)
	}
	gapless(t, reports, r.ID)
}

// Ensure one request that comes eight times at once is done once, and answered eight times.
func TestHandOver_AtOnceTheSame(t *testing.T) {
	t.Parallel()
	reports, pool := open(t)
	r := submit(t, reports, "cremona")
	request := charge("1")
	var mu sync.Mutex
	first := 0
	atOnce(func(int) {
		got, replayed, err := reports.HandOver(context.Background(), "cremona", r.ID, 1, request, desk, now)
		mu.Lock()
		defer mu.Unlock()
		if err != nil || got.State != report.HandingOver {
			t.Errorf("%+v, %v", got, err)
		}
		if !replayed {
			first++
		}
	})
	if n := handovers(t, pool); first != 1 || n != 1 {
		t.Errorf("%d were the first, %d hand-overs; want 1 and 1", first, n)
	}
	gapless(t, reports, r.ID)
}

// Ensure one request id that comes for eight reports at once takes one of them in charge, and is refused for the others.
func TestHandOver_AtOnceForOtherReports(t *testing.T) {
	t.Parallel()
	reports, pool := open(t)
	id := uuid.NewString()
	var all [8]*report.Report
	for i := range all {
		all[i] = submit(t, reports, "cremona")
	}
	var mu sync.Mutex
	done := 0
	atOnce(func(i int) {
		request := idempotency.Request{ID: id, Method: "TakeInCharge", BodyHash: []byte{byte(i)}}
		_, _, err := reports.HandOver(context.Background(), "cremona", all[i].ID, 1, request, desk, now)
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err == nil:
			done++
		case !fault.Is(err, fault.RequestIDReused):
			t.Error(err)
		}
	})
	if n := handovers(t, pool); done != 1 || n != 1 {
		t.Errorf("%d were done, %d hand-overs; want 1 and 1", done, n)
	}
}

// Ensure that eight who finish one hand-over at once leave one case and one line of history.
func TestFinish_AtOnce(t *testing.T) {
	t.Parallel()
	reports, _ := open(t)
	r := submit(t, reports, "cremona")
	handover, caseID := decide(t, reports, r), uuid.NewString()
	atOnce(func(int) {
		got, err := reports.Finish(context.Background(), "cremona", handover, caseID, "n", now)
		if err != nil || got.CaseID != caseID {
			t.Errorf("%+v, %v", got, err)
		}
	})
	if what := gapless(t, reports, r.ID); len(what) != 3 {
		t.Errorf("history %v", what)
	}
	// Ensure another case does not take its place.
	if _, err := reports.Finish(t.Context(), "cremona", handover, uuid.NewString(), "n", now); !fault.Is(err, fault.ForbiddenMove) {
		t.Errorf("a second case: %v", err)
	}
}

func TestOpenHandovers_OldestFirst(t *testing.T) {
	t.Parallel()
	reports, _ := open(t)
	var want []string
	for i := range 5 {
		r := submit(t, reports, "cremona")
		if _, _, err := reports.HandOver(t.Context(), "cremona", r.ID, 1, charge("1"), desk, now.Add(time.Duration(-i)*time.Minute)); err != nil {
			t.Fatal(err)
		}
		want = append([]string{r.ID}, want...)
	}
	open, err := reports.OpenHandovers(t.Context(), "cremona", 3)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range open {
		got = append(got, h.ReportID)
	}
	if diff := cmp.Diff(want[:3], got); diff != "" {
		t.Error(diff)
	}
}
