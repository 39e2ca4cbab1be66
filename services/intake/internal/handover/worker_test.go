package handover_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/tenant"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	"github.com/retepari/pari/services/intake/internal/handover"
	"github.com/retepari/pari/services/intake/internal/report"
	"github.com/retepari/pari/services/intake/internal/store"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var (
	cremona  = tenant.ID{Region: "lombardia", Node: "cremona"}
	now      = time.Date(2026, 12, 31, 23, 30, 0, 0, time.UTC)
	operator = report.Actor{Person: "anna", Tenant: cremona, System: "console"}
)

// fakeCases is a case management that opens one case per report.
type fakeCases struct {
	casemanagementv1.CaseManagementServiceClient

	mu       sync.Mutex
	requests []*casemanagementv1.OpenCaseRequest
	opened   map[string]*casemanagementv1.Case // by report
	// unavailable and refused reject a call before it has an effect; noReply opens the case and then answers nothing.
	unavailable, refused, noReply func(reportID string) bool
}

func never(string) bool { return false }

func newFakeCases() *fakeCases {
	return &fakeCases{opened: map[string]*casemanagementv1.Case{}, unavailable: never, refused: never, noReply: never}
}

func (f *fakeCases) OpenCase(
	ctx context.Context, req *casemanagementv1.OpenCaseRequest, _ ...grpc.CallOption,
) (*casemanagementv1.OpenCaseResponse, error) {
	f.mu.Lock()
	f.requests = append(f.requests, req)
	if f.unavailable(req.GetReportId()) {
		f.mu.Unlock()
		return nil, fault.ToStatus(fault.New(fault.Unavailable), nil).Err()
	}
	if f.refused(req.GetReportId()) {
		f.mu.Unlock()
		return nil, fault.ToStatus(fault.New(fault.NotAllowed), nil).Err()
	}
	c, found := f.opened[req.GetReportId()]
	if !found {
		c = &casemanagementv1.Case{CaseId: uuid.NewString(), Number: fmt.Sprintf("CR-F-2026-%06d", len(f.opened)+1)}
		f.opened[req.GetReportId()] = c
	}
	noReply := f.noReply(req.GetReportId())
	f.mu.Unlock()
	if noReply {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return &casemanagementv1.OpenCaseResponse{Case: c, Replayed: found}, nil
}

func (f *fakeCases) locked(do func(f *fakeCases)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do(f)
}

// env is a node with pending hand-overs, as a crash after the decision leaves them.
type env struct {
	reports *store.Reports
	cases   *fakeCases
	pending []string // report ids
	elapsed atomic.Int64
}

func setup(t *testing.T, pending int) *env {
	t.Helper()
	e := &env{reports: store.New(pgtest.New(t, "intake", store.Migrate).Pool(t)), cases: newFakeCases()}
	for range pending {
		e.pending = append(e.pending, e.start(t, operator))
	}
	return e
}

// start stores a report with a pending hand-over at the actor's tenant, and returns its id.
func (e *env) start(t *testing.T, by report.Actor) string {
	t.Helper()
	id := e.submit(t, by)
	requestKey := idempotency.Request{Key: []byte(uuid.NewString()), Method: "TakeInCharge", BodyHash: []byte("body")}
	if _, _, err := e.reports.StartHandover(t.Context(), by.Tenant, id, 1, requestKey, by, now); err != nil {
		t.Fatal(err)
	}
	return id
}

// submit stores a report and returns its id.
func (e *env) submit(t *testing.T, by report.Actor) string {
	t.Helper()
	id, lookup := uuid.NewString(), uuid.New()
	c := report.CodedContent{Channel: "PHONE", ReporterRole: "WITNESS", Grounds: []string{"SEX"}}
	if err := e.reports.Submit(t.Context(), store.Submission{
		Report:        report.Receive(id, "N-"+id, by.Tenant, c, by, now),
		Sealed:        []byte("c"),
		ReceiptLookup: lookup[:],
		Request: idempotency.Request{
			Key: []byte(uuid.NewString()), Method: "SubmitReport", BodyHash: []byte("body"),
		},
		Event: outbox.Event{
			Tenant: by.Tenant, Type: "it.pari.report.counted.v1", Aggregate: uuid.NewString(), AggregateSeq: 1,
		},
	}); err != nil {
		t.Fatal(err)
	}
	return id
}

// worker returns a worker for Cremona and more.
func (e *env) worker(more ...tenant.ID) *handover.Worker {
	clients := handover.Clients{cremona: e.cases}
	for _, t := range more {
		clients[t] = e.cases
	}
	// A clock so fast that every pending hand-over is due.
	clock := func() time.Time { return now.Add(time.Duration(e.elapsed.Add(1)) * 10 * time.Minute) }
	return handover.NewWorker(e.reports, clients, slog.New(slog.DiscardHandler), clock)
}

// runUntil runs a worker until done returns true.
func (e *env) runUntil(t *testing.T, done func() bool) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- e.worker().Run(ctx) }()
	defer func() {
		stop()
		if err := <-stopped; err != nil {
			t.Errorf("worker: %v", err)
		}
	}()
	eventually(t, done)
}

func eventually(t *testing.T, done func() bool) {
	t.Helper()
	poll, timeout := time.NewTicker(10*time.Millisecond), time.After(20*time.Second)
	defer poll.Stop()
	for !done() {
		select {
		case <-poll.C:
		case <-timeout:
			t.Fatal("condition not met in time")
		}
	}
}

// checkTakenInCharge checks that a report has the case that was opened for it, and as many history entries: 3 when it
// was handed over once.
func (e *env) checkTakenInCharge(t *testing.T, reportID string, entries int) {
	t.Helper()
	r, _, history, err := e.reports.Get(t.Context(), cremona, reportID)
	if err != nil {
		t.Fatal(err)
	}
	var c *casemanagementv1.Case
	e.cases.locked(func(f *fakeCases) { c = f.opened[reportID] })
	if r.State != report.TakenInCharge || r.CaseID != c.GetCaseId() || r.CaseNumber != c.GetNumber() ||
		len(history) != entries {
		t.Errorf("report %+v with %d history entries, case %v", r, len(history), c)
	}
}

func (e *env) countPending(t *testing.T) int {
	t.Helper()
	pending, err := e.reports.ListPendingHandovers(t.Context(), cremona, 100)
	if err != nil {
		t.Fatal(err)
	}
	return len(pending)
}

// Ensure the worker completes hand-overs that a crash left pending, with one case for each report.
func TestWorker_Run_CompletesPendingHandovers(t *testing.T) {
	t.Parallel()
	e := setup(t, 3)
	e.runUntil(t, func() bool { return e.countPending(t) == 0 })
	for _, id := range e.pending {
		e.checkTakenInCharge(t, id, 3)
	}
	if n := len(e.cases.opened); n != 3 {
		t.Errorf("%d cases, want 3", n)
	}
}

// Ensure a hand-over whose case was opened, but not recorded, completes with the same case.
func TestWorker_Run_FindsTheOpenedCase(t *testing.T) {
	t.Parallel()
	e := setup(t, 1)
	e.cases.noReply = func(string) bool { return true }
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() {
		_, err := e.worker().Complete(ctx, cremona, e.pending[0])
		result <- err
	}()
	eventually(t, func() (opened bool) {
		e.cases.locked(func(f *fakeCases) { opened = len(f.opened) == 1 })
		return opened
	})
	cancel()
	if err := <-result; !fault.Is(err, fault.Unavailable) {
		t.Errorf("without a reply: %v", err)
	}
	if n := e.countPending(t); n != 1 {
		t.Fatalf("%d pending hand-overs, want 1", n)
	}
	e.cases.locked(func(f *fakeCases) { f.noReply = never })
	e.runUntil(t, func() bool { return e.countPending(t) == 0 })
	e.checkTakenInCharge(t, e.pending[0], 3)
	if n := len(e.cases.opened); n != 1 {
		t.Errorf("%d cases, want 1", n)
	}
}

// Ensure a failing hand-over does not block others, and completes once case management is available.
func TestWorker_Run_FailureBlocksNoOther(t *testing.T) {
	t.Parallel()
	e := setup(t, 3)
	first := e.pending[0]
	e.cases.unavailable = func(id string) bool { return id == first }
	e.runUntil(t, func() bool { return e.countPending(t) == 1 })
	e.checkTakenInCharge(t, e.pending[1], 3)
	e.checkTakenInCharge(t, e.pending[2], 3)
	if r, _, _, err := e.reports.Get(t.Context(), cremona, first); err != nil || r.State != report.HandingOver {
		t.Fatalf("%+v, %v", r, err)
	}
	e.cases.locked(func(f *fakeCases) { f.unavailable = never })
	e.runUntil(t, func() bool { return e.countPending(t) == 0 })
	e.checkTakenInCharge(t, first, 3)
}

// Ensure hand-overs that are always refused, as many as a batch or more, do not starve a later one.
func TestWorker_Run_RefusalsStarveNoOther(t *testing.T) {
	t.Parallel()
	e := setup(t, handover.BatchSize+1)
	last := e.pending[handover.BatchSize]
	e.cases.unavailable = func(id string) bool { return id != last }
	e.runUntil(t, func() bool { return e.countPending(t) == handover.BatchSize })
	e.checkTakenInCharge(t, last, 3)
}

// Ensure a hand-over that case management refuses is dead-lettered with its reason after some attempts, that one that
// fails for another cause is not, and that a retry on request completes it.
func TestWorker_Run_DeadLetters(t *testing.T) {
	t.Parallel()
	e := setup(t, 3)
	refused, unavailable := e.pending[0], e.pending[1]
	e.cases.refused = func(id string) bool { return id == refused }
	e.cases.unavailable = func(id string) bool { return id == unavailable }
	w := e.worker()
	for range 6 {
		handover.RetryPending(w, cremona)
	}
	e.checkTakenInCharge(t, e.pending[2], 3)
	dead, err := e.reports.ListDeadLetteredHandovers(t.Context(), cremona, 10)
	if err != nil || len(dead) != 1 || dead[0].ReportID != refused || dead[0].Attempts != 5 ||
		dead[0].Reason != string(fault.NotAllowed) {
		t.Fatalf("dead-lettered %+v, %v", dead, err)
	}
	pending, err := e.reports.ListPendingHandovers(t.Context(), cremona, 10)
	if err != nil || len(pending) != 1 || pending[0].Attempts != 6 || pending[0].Reason != string(fault.Unavailable) {
		t.Fatalf("pending %+v, %v", pending, err)
	}
	if p, d, err := e.reports.CountHandovers(t.Context(), cremona); p != 1 || d != 1 || err != nil {
		t.Errorf("%d pending, %d dead-lettered, %v", p, d, err)
	}
	e.cases.locked(func(f *fakeCases) { f.refused, f.unavailable = never, never })
	if n, err := e.reports.RetryHandovers(t.Context(), cremona, now); n != 1 || err != nil {
		t.Errorf("%d were retried, %v", n, err)
	}
	handover.RetryPending(w, cremona)
	e.checkTakenInCharge(t, refused, 3)
	e.checkTakenInCharge(t, unavailable, 3)
}

// Ensure temporary failures, however many, count for no refusal: a hand-over that had some is dead-lettered at its
// fifth refusal and not before.
func TestWorker_Run_CountsRefusalsAlone(t *testing.T) {
	t.Parallel()
	e := setup(t, 1)
	w := e.worker()
	check := func(attempts, refusals, dead int) {
		t.Helper()
		h, err := e.reports.GetHandover(t.Context(), cremona, e.pending[0])
		if err != nil || h.Attempts != attempts || h.Refusals != refusals {
			t.Errorf("%+v, %v; want %d attempts, %d refusals", h, err, attempts, refusals)
		}
		if _, n, err := e.reports.CountHandovers(t.Context(), cremona); err != nil || int(n) != dead {
			t.Errorf("%d dead-lettered, %v; want %d", n, err, dead)
		}
	}
	always := func(string) bool { return true }
	e.cases.unavailable = always
	for range 7 {
		handover.RetryPending(w, cremona)
	}
	check(7, 0, 0)
	e.cases.unavailable, e.cases.refused = never, always
	for range 4 {
		handover.RetryPending(w, cremona)
	}
	check(11, 4, 0)
	e.cases.unavailable = always
	handover.RetryPending(w, cremona)
	check(12, 4, 0)
	e.cases.unavailable = never
	handover.RetryPending(w, cremona)
	check(13, 5, 1)
	if _, err := e.reports.RetryHandovers(t.Context(), cremona, now); err != nil {
		t.Fatal(err)
	}
	check(0, 0, 0)
}

// Ensure a failure of the own database after the case was opened is temporary, as is an answer that did not come.
func TestClassify(t *testing.T) {
	t.Parallel()
	answer := func(err error) error { return handover.Answer(fault.ToStatus(err, nil).Err()) }
	for _, c := range []struct {
		err       error
		reason    string
		temporary bool
	}{
		{fault.New(fault.Unavailable).WithCause(&pgconn.PgError{Code: "57P01"}), "UNAVAILABLE", true},
		{fault.New(fault.Unavailable).WithCause(errors.New("conn closed")), "UNAVAILABLE", true},
		{fmt.Errorf("query: %w", context.DeadlineExceeded), "Unknown", true},
		{answer(fault.New(fault.Unavailable)), "UNAVAILABLE", true},
		{answer(context.DeadlineExceeded), "UNAVAILABLE", true},
		{handover.Answer(status.Error(codes.Canceled, "")), "Canceled", true},
		{answer(fault.New(fault.NotAllowed)), "NOT_ALLOWED", false},
		{answer(errors.New("broken")), "INTERNAL", false},
		{fault.New(fault.ForbiddenMove), "FORBIDDEN_MOVE", false},
	} {
		if reason, temporary := handover.Classify(c.err); reason != c.reason || temporary != c.temporary {
			t.Errorf("%v: %s, temporary %t", c.err, reason, temporary)
		}
	}
}

// Ensure a failed hand-over waits longer after each attempt, and the others do not wait with it.
func TestWorker_Run_BacksOff(t *testing.T) {
	t.Parallel()
	e := setup(t, 2)
	e.cases.unavailable = func(id string) bool { return id == e.pending[0] }
	at := now
	w := handover.NewWorker(e.reports, handover.Clients{cremona: e.cases}, slog.New(slog.DiscardHandler),
		func() time.Time { return at })
	for i, wait := range []time.Duration{2, 4, 8, 16, 32, 64, 128, 256, 300, 300} {
		handover.RetryPending(w, cremona)
		handover.RetryPending(w, cremona) // not due
		pending, err := e.reports.ListPendingHandovers(t.Context(), cremona, 10)
		if err != nil || len(pending) != 1 || pending[0].Attempts != i+1 ||
			!pending[0].RetryAt.Equal(at.Add(wait*time.Second)) {
			t.Fatalf("after attempt %d: %+v, %v", i+1, pending, err)
		}
		at = pending[0].RetryAt
	}
	e.checkTakenInCharge(t, e.pending[1], 3)
}

// Ensure Complete returns UNAVAILABLE with its cause when case management fails, and that a retry succeeds.
func TestWorker_Complete_WhenCaseManagementIsUnavailable(t *testing.T) {
	t.Parallel()
	e := setup(t, 1)
	e.cases.unavailable = func(string) bool { return true }
	_, err := e.worker().Complete(t.Context(), cremona, e.pending[0])
	if !fault.Is(err, fault.Unavailable) || errors.Unwrap(err) == nil {
		t.Errorf("got %v, want UNAVAILABLE with its cause", err)
	}
	e.cases.locked(func(f *fakeCases) { f.unavailable = never })
	r, err := e.worker().Complete(t.Context(), cremona, e.pending[0])
	if err != nil || r.State != report.TakenInCharge {
		t.Errorf("%+v, %v", r, err)
	}
	e.checkTakenInCharge(t, e.pending[0], 3)
}

// Ensure a caller does not wait for a case management that is silent for as long as their deadline allows.
func TestWorker_Complete_WhenCaseManagementIsSilent(t *testing.T) {
	t.Parallel()
	e := setup(t, 1)
	e.cases.noReply = func(string) bool { return true }
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := e.worker().Complete(ctx, cremona, e.pending[0])
	if !fault.Is(err, fault.Unavailable) || ctx.Err() != nil {
		t.Errorf("got %v, want UNAVAILABLE before the deadline", err)
	}
}

// Ensure concurrent completions of one hand-over send the same request and end with one case.
func TestWorker_Complete_Concurrent(t *testing.T) {
	t.Parallel()
	e := setup(t, 1)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			r, err := e.worker().Complete(context.Background(), cremona, e.pending[0])
			if err != nil || r.State != report.TakenInCharge {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
	e.runUntil(t, func() bool { return e.countPending(t) == 0 })
	wg.Wait()
	e.checkTakenInCharge(t, e.pending[0], 3)
	for _, req := range e.cases.requests {
		if diff := cmp.Diff(e.cases.requests[0], req, protocmp.Transform()); diff != "" {
			t.Error(diff)
		}
	}
	if n := len(e.cases.opened); n != 1 {
		t.Errorf("%d cases, want 1", n)
	}
}

// Ensure the request to case management has the actor, two codes and the month in Italy, and no personal content.
func TestWorker_Complete_Request(t *testing.T) {
	t.Parallel()
	e := setup(t, 1)
	if _, err := e.worker().Complete(t.Context(), cremona, e.pending[0]); err != nil {
		t.Fatal(err)
	}
	want := &casemanagementv1.OpenCaseRequest{
		RequestId: e.cases.requests[0].GetRequestId(), ReportId: e.pending[0],
		Channel: "PHONE", ReporterRole: "WITNESS",
		OnBehalfOf:    &recordv1.Actor{Person: "anna", Region: "lombardia", Node: "cremona", System: "console"},
		ReceivedMonth: &recordv1.Month{Year: 2027, Month: 1},
	}
	if diff := cmp.Diff(want, e.cases.requests[0], protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	if _, err := e.worker().Complete(t.Context(), cremona, uuid.NewString()); !fault.Is(err, fault.NotFound) {
		t.Errorf("report without hand-over: %v", err)
	}
}

// Ensure a worker of a node leaves the hand-overs of a homonym alone, and that each request names the actor's region.
func TestWorker_Run_HomonymNodes(t *testing.T) {
	t.Parallel()
	e := setup(t, 1)
	homonym := tenant.ID{Region: "piemonte", Node: "cremona"}
	other := e.start(t, report.Actor{Person: "ugo", Tenant: homonym, System: "console"})
	e.runUntil(t, func() bool { return e.countPending(t) == 0 })
	pending, err := e.reports.ListPendingHandovers(t.Context(), homonym, 10)
	if err != nil || len(pending) != 1 || pending[0].ReportID != other {
		t.Errorf("the homonym has %v pending, %v", pending, err)
	}
	if _, err := e.worker().Complete(t.Context(), cremona, other); !fault.Is(err, fault.NotFound) {
		t.Errorf("complete for the homonym: %v", err)
	}
	if _, err := e.worker().Complete(t.Context(), homonym, other); !fault.Is(err, fault.Unavailable) {
		t.Errorf("complete without a client of the homonym: %v", err)
	}
	if _, err := e.worker(homonym).Complete(t.Context(), homonym, other); err != nil {
		t.Fatal(err)
	}
	if n := len(e.cases.requests); n != 2 {
		t.Fatalf("%d requests, want 2", n)
	}
	want := []*recordv1.Actor{
		{Person: "anna", Region: "lombardia", Node: "cremona", System: "console"},
		{Person: "ugo", Region: "piemonte", Node: "cremona", System: "console"},
	}
	for i, req := range e.cases.requests {
		if diff := cmp.Diff(want[i], req.GetOnBehalfOf(), protocmp.Transform()); diff != "" {
			t.Error(diff)
		}
	}
}
