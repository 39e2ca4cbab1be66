// Package handover hands reports that were taken in charge over to case management.
//
// It promises that no stored hand-over is forgotten and that none opens a second case, whatever stops in between. The
// decision is committed before case management is called, OpenCase opens at most one case per report, and a pending
// hand-over is retried by the next TakeInCharge with the same request id and by Worker.Run, until case management opens
// the case. Each failure is logged and stored with its reason, and makes the next attempt wait longer, so that it
// delays no other hand-over. While case management is away the attempts go on; a hand-over that it has refused several
// times is dead-lettered: counted by a gauge, listed and retried by the commands of the service, and not forgotten. It
// does not promise when a hand-over completes. The package starts no goroutine.
package handover

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/tenant"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	"github.com/retepari/pari/services/intake/internal/feed"
	"github.com/retepari/pari/services/intake/internal/report"
	"github.com/retepari/pari/services/intake/internal/store"
)

const (
	// pollInterval is how often Run retries pending hand-overs.
	pollInterval = 2 * time.Second
	// batchSize is how many hand-overs of a node one poll retries.
	batchSize = 50
	// attemptTimeout bounds the call of case management: one that waits would keep others of its tenant from being
	// handled.
	attemptTimeout = 5 * time.Second
	// maxRefusals is how many times case management may refuse a hand-over before it is dead-lettered.
	maxRefusals = 5
	// maxBackoff is the longest pause between two attempts; the first is pollInterval.
	maxBackoff = 5 * time.Minute
)

// Worker completes hand-overs. It is safe for concurrent use.
type Worker struct {
	reports *store.Reports
	cases   Clients
	log     *slog.Logger
	now     func() time.Time

	mu     sync.Mutex
	counts map[tenant.ID]counts // at the last poll
}

// Clients call case management for each tenant, with a certificate of that tenant.
type Clients map[tenant.ID]casemanagementv1.CaseManagementServiceClient

// NewWorker returns a worker. Run retries the hand-overs of the tenants that have a client.
func NewWorker(reports *store.Reports, cases Clients, log *slog.Logger, now func() time.Time) *Worker {
	return &Worker{reports: reports, cases: cases, log: log, now: now, counts: map[tenant.ID]counts{}}
}

// Complete completes the hand-over of one report and returns the report. Completing again changes nothing. When case
// management fails or is silent it returns the fault UNAVAILABLE, and the hand-over stays pending.
func (w *Worker) Complete(ctx context.Context, t tenant.ID, reportID string) (*report.Report, error) {
	h, err := w.reports.GetHandover(ctx, t, reportID)
	if err != nil {
		return nil, err
	}
	return w.complete(ctx, t, h)
}

func (w *Worker) complete(ctx context.Context, t tenant.ID, h store.Handover) (*report.Report, error) {
	cases, ok := w.cases[t]
	if !ok {
		return nil, fault.New(fault.Unavailable).WithCause(errors.New("no case management of this tenant"))
	}
	openCtx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	resp, err := cases.OpenCase(openCtx, &casemanagementv1.OpenCaseRequest{
		RequestId: h.ID, ReportId: h.ReportID, Channel: h.Channel, ReporterRole: h.ReporterRole,
		OnBehalfOf: &recordv1.Actor{
			Person: h.By.Person, Region: h.By.Tenant.Region, Node: h.By.Tenant.Node, System: h.By.System,
		},
		ReceivedMonth: feed.MonthInRome(h.ReceivedAt),
	})
	if err != nil {
		// The caller's own request was valid, so a refusal by case management is never passed on to them.
		return nil, fault.New(fault.Unavailable).WithCause(&openCaseError{err})
	}
	opened := resp.GetCase()
	return w.reports.CompleteHandover(ctx, t, h, opened.GetCaseId(), opened.GetNumber(), w.now())
}

// Run retries pending hand-overs, at once and then every two seconds, until ctx ends.
func (w *Worker) Run(ctx context.Context) error {
	unregister, err := w.registerMetrics()
	if err != nil {
		return err
	}
	defer unregister()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		for t := range w.cases {
			w.retryPending(ctx, t)
			w.count(ctx, t)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// retryPending tries those of a tenant's pending hand-overs that are due, a batch at most, each once.
func (w *Worker) retryPending(ctx context.Context, t tenant.ID) {
	pending, err := w.reports.ListPendingHandovers(ctx, t, batchSize)
	if err != nil {
		if ctx.Err() == nil {
			w.log.WarnContext(ctx, "pending hand-over query failed", slog.Any("error", err))
		}
		return
	}
	for _, h := range pending {
		if h.RetryAt.After(w.now()) {
			return // so are the others
		}
		_, err := w.complete(ctx, t, h)
		if err != nil && ctx.Err() == nil {
			w.recordFailure(ctx, t, h, err)
		}
	}
}

func (w *Worker) recordFailure(ctx context.Context, t tenant.ID, h store.Handover, err error) {
	reason, temporary := classify(err)
	f := store.HandoverFailure{
		Reason: reason, Refused: !temporary, DeadLetter: !temporary && h.Refusals+1 >= maxRefusals,
		RetryAt: w.now().Add(min(pollInterval<<min(h.Attempts, 10), maxBackoff)),
	}
	level, message := slog.LevelWarn, "hand-over failed"
	if f.DeadLetter {
		level, message = slog.LevelError, "hand-over dead-lettered"
	}
	w.log.Log(ctx, level, message, slog.String("handover", h.ID), slog.String("reason", reason),
		slog.Int("attempts", h.Attempts+1), slog.Bool("refused", f.Refused), slog.Any("error", err))
	err = w.reports.RecordHandoverFailure(ctx, t, h.ID, f)
	if err != nil && ctx.Err() == nil {
		w.log.WarnContext(ctx, "hand-over update failed", slog.String("handover", h.ID), slog.Any("error", err))
	}
}

// openCaseError is the answer of case management, or that there was none.
type openCaseError struct{ cause error }

func (e *openCaseError) Error() string { return "open case: " + e.cause.Error() }
func (e *openCaseError) Unwrap() error { return e.cause }

// classify returns why an attempt failed, as a reason of the API or a gRPC code, and whether the cause is temporary: it
// then says nothing about the hand-over, however often it comes. What is not temporary is a refusal.
func classify(err error) (reason string, temporary bool) {
	var answer *openCaseError
	if errors.As(err, &answer) {
		err = fault.FromStatus(answer.cause)
	}
	code := status.Code(err)
	switch code {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.ResourceExhausted, codes.Aborted:
		temporary = true
	default:
		temporary = fault.Is(err, fault.Unavailable) || errors.Is(err, context.DeadlineExceeded) ||
			errors.Is(err, context.Canceled)
	}
	if r := fault.ReasonOf(err); r != "" {
		return string(r), temporary
	}
	return code.String(), temporary
}
