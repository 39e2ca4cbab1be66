package handover_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/outbox"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	"github.com/retepari/pari/services/intake/internal/handover"
	"github.com/retepari/pari/services/intake/internal/report"
	"github.com/retepari/pari/services/intake/internal/store"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var (
	now  = time.Date(2026, 12, 31, 23, 30, 0, 0, time.UTC)
	desk = report.Actor{Person: "anna", Node: "cremona", System: "console"}
)

// cases is a case management that opens one case per report, and can be away or lose its answers.
type cases struct {
	casemanagementv1.CaseManagementServiceClient

	mu    sync.Mutex
	asked []*casemanagementv1.OpenCaseRequest
	open  map[string]*casemanagementv1.Case // by report
	// away refuses before anything was done; late does what it was asked and then does not answer in time.
	away, late func(reportID string) bool
}

func newCases() *cases {
	never := func(string) bool { return false }
	return &cases{open: map[string]*casemanagementv1.Case{}, away: never, late: never}
}

func (c *cases) OpenCase(ctx context.Context, req *casemanagementv1.OpenCaseRequest, _ ...grpc.CallOption) (*casemanagementv1.OpenCaseResponse, error) {
	c.mu.Lock()
	c.asked = append(c.asked, req)
	if c.away(req.GetReportId()) {
		c.mu.Unlock()
		return nil, fault.ToStatus(fault.New(fault.Unavailable), nil).Err()
	}
	before, known := c.open[req.GetReportId()]
	if !known {
		before = &casemanagementv1.Case{CaseId: uuid.NewString(), Number: fmt.Sprintf("CR-F-2026-%06d", len(c.open)+1)}
		c.open[req.GetReportId()] = before
	}
	late := c.late(req.GetReportId())
	c.mu.Unlock()
	if late {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return &casemanagementv1.OpenCaseResponse{Case: before, Replayed: known}, nil
}

func (c *cases) set(change func(c *cases)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(c)
}

// world is a node with reports that somebody decided to take in charge; whoever decided them has crashed since.
type world struct {
	reports *store.Reports
	cases   *cases
	decided []string
}

func crashed(t *testing.T, n int) *world {
	t.Helper()
	w := &world{reports: store.New(pgtest.New(t, "intake", store.Migrate).Pool(t)), cases: newCases()}
	for range n {
		id, lookup := uuid.NewString(), uuid.New()
		r := report.Receive(id, "N-"+id, "cremona", report.Codes{Channel: "PHONE", ReporterRole: "WITNESS", Grounds: []string{"SEX"}}, desk, now)
		if err := w.reports.Submit(t.Context(), store.Submission{
			Report: r, Sealed: store.Sealed{KeyID: uuid.New(), Narrative: []byte("n")}, ReceiptLookup: lookup[:],
			Request: idempotency.Request{ID: uuid.NewString(), Method: "SubmitReport", BodyHash: []byte("said")},
			Event:   outbox.Event{Node: "cremona", Type: "it.pari.report.counted.v1", Aggregate: uuid.NewString(), AggregateSeq: 1},
		}); err != nil {
			t.Fatal(err)
		}
		asked := idempotency.Request{ID: uuid.NewString(), Method: "TakeInCharge", BodyHash: []byte("said")}
		if _, _, err := w.reports.HandOver(t.Context(), "cremona", id, 1, asked, desk, now); err != nil {
			t.Fatal(err)
		}
		w.decided = append(w.decided, id)
	}
	return w
}

func (w *world) handovers() *handover.Handovers {
	return handover.New(w.reports, w.cases, []string{"cremona"}, slog.New(slog.DiscardHandler), func() time.Time { return now })
}

// run lets the worker work until done says so.
func (w *world) run(t *testing.T, done func() bool) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.handovers().Run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("worker: %v", err)
		}
	}()
	until(t, done)
}

func until(t *testing.T, done func() bool) {
	t.Helper()
	look, deadline := time.NewTicker(10*time.Millisecond), time.After(20*time.Second)
	defer look.Stop()
	for !done() {
		select {
		case <-look.C:
		case <-deadline:
			t.Fatal("it did not happen")
		}
	}
}

// takenInCharge checks that a report has the one case that was opened for it.
func (w *world) takenInCharge(t *testing.T, reportID string) {
	t.Helper()
	r, _, history, err := w.reports.Get(t.Context(), "cremona", reportID)
	if err != nil {
		t.Fatal(err)
	}
	var opened *casemanagementv1.Case
	w.cases.set(func(c *cases) { opened = c.open[reportID] })
	if r.State != report.TakenInCharge || r.CaseID != opened.GetCaseId() || r.CaseNumber != opened.GetNumber() || len(history) != 3 {
		t.Errorf("report %+v with %d changes, case %v", r, len(history), opened)
	}
}

func (w *world) left(t *testing.T) int {
	t.Helper()
	open, err := w.reports.OpenHandovers(t.Context(), "cremona", 100)
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

// Ensure hand-overs that stopped after the decision are finished by the worker, with one case for each report.
func TestRun_FinishesWhatACrashLeft(t *testing.T) {
	t.Parallel()
	w := crashed(t, 3)
	w.run(t, func() bool { return w.left(t) == 0 })
	for _, id := range w.decided {
		w.takenInCharge(t, id)
	}
	if n := len(w.cases.open); n != 3 {
		t.Errorf("%d cases, want 3", n)
	}
}

// Ensure a crash after the case was opened, before it was written down, leads to the same case.
func TestRun_FindsTheCaseThatWasOpened(t *testing.T) {
	t.Parallel()
	w := crashed(t, 1)
	w.cases.late = func(string) bool { return true }
	short, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() {
		_, err := w.handovers().FinishFor(short, "cremona", w.decided[0])
		stopped <- err
	}()
	until(t, func() (opened bool) {
		w.cases.set(func(c *cases) { opened = len(c.open) == 1 })
		return opened
	})
	cancel()
	if err := <-stopped; !fault.Is(err, fault.Unavailable) {
		t.Errorf("without an answer: %v", err)
	}
	if n := w.left(t); n != 1 {
		t.Fatalf("%d hand-overs are left, want 1", n)
	}
	w.cases.set(func(c *cases) { c.late = func(string) bool { return false } })
	w.run(t, func() bool { return w.left(t) == 0 })
	w.takenInCharge(t, w.decided[0])
	if n := len(w.cases.open); n != 1 {
		t.Errorf("%d cases, want 1", n)
	}
}

// Ensure one hand-over that fails does not hold up the others, and is finished when case management comes back.
func TestRun_OneThatFailsHoldsUpNothing(t *testing.T) {
	t.Parallel()
	w := crashed(t, 3)
	first := w.decided[0]
	w.cases.away = func(id string) bool { return id == first }
	w.run(t, func() bool { return w.left(t) == 1 })
	w.takenInCharge(t, w.decided[1])
	w.takenInCharge(t, w.decided[2])
	if r, _, _, err := w.reports.Get(t.Context(), "cremona", first); err != nil || r.State != report.HandingOver {
		t.Fatalf("%+v, %v", r, err)
	}
	w.cases.set(func(c *cases) { c.away = func(string) bool { return false } })
	w.run(t, func() bool { return w.left(t) == 0 })
	w.takenInCharge(t, first)
}

// Ensure the caller of a refused hand-over is told to try again, whatever was refused, and that trying again helps.
func TestFinishFor_WhenCaseManagementIsAway(t *testing.T) {
	t.Parallel()
	w := crashed(t, 1)
	away := true
	w.cases.away = func(string) bool { return away }
	_, err := w.handovers().FinishFor(t.Context(), "cremona", w.decided[0])
	if !fault.Is(err, fault.Unavailable) || errors.Unwrap(err) == nil {
		t.Errorf("got %v, want UNAVAILABLE with its cause", err)
	}
	w.cases.set(func(*cases) { away = false })
	if r, err := w.handovers().FinishFor(t.Context(), "cremona", w.decided[0]); err != nil || r.State != report.TakenInCharge {
		t.Errorf("%+v, %v", r, err)
	}
	w.takenInCharge(t, w.decided[0])
}

// Ensure that the caller and workers who finish one hand-over at once ask with one request id and end with one case.
func TestFinishFor_AtOnceWithTheWorker(t *testing.T) {
	t.Parallel()
	w := crashed(t, 1)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if r, err := w.handovers().FinishFor(context.Background(), "cremona", w.decided[0]); err != nil || r.State != report.TakenInCharge {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
	w.run(t, func() bool { return w.left(t) == 0 })
	all.Wait()
	w.takenInCharge(t, w.decided[0])
	for _, req := range w.cases.asked {
		if diff := cmp.Diff(w.cases.asked[0], req, protocmp.Transform()); diff != "" {
			t.Error(diff)
		}
	}
	if n := len(w.cases.open); n != 1 {
		t.Errorf("%d cases, want 1", n)
	}
}

// Ensure case management is told who decided and the month in Italy, and nothing that was told.
func TestFinishFor_Asks(t *testing.T) {
	t.Parallel()
	w := crashed(t, 1)
	if _, err := w.handovers().FinishFor(t.Context(), "cremona", w.decided[0]); err != nil {
		t.Fatal(err)
	}
	want := &casemanagementv1.OpenCaseRequest{
		RequestId: w.cases.asked[0].GetRequestId(), ReportId: w.decided[0], Channel: "PHONE", ReporterRole: "WITNESS",
		OnBehalfOf:    &recordv1.Actor{Person: "anna", Node: "cremona", System: "console"},
		ReceivedMonth: &recordv1.Month{Year: 2027, Month: 1},
	}
	if diff := cmp.Diff(want, w.cases.asked[0], protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	if _, err := w.handovers().FinishFor(t.Context(), "cremona", uuid.NewString()); !fault.Is(err, fault.NotFound) {
		t.Errorf("a report without hand-over: %v", err)
	}
}
