// Package handover hands reports that were taken in charge over to case management.
//
// It promises that no stored hand-over is forgotten and that none opens a second case, whatever stops in between. The
// decision is committed before case management is called, OpenCase opens at most one case per report, and a pending
// hand-over is retried by the next TakeInCharge with the same request id and by Worker.Run, until case management opens
// the case. Hand-overs that fail take turns with the others, so that those that case management always refuses delay no
// other for ever; they stay pending, and each failure is logged. It does not promise when a hand-over completes. The
// package starts no goroutine.
package handover

import (
	"context"
	"errors"
	"log/slog"
	"time"

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
	// attemptTimeout bounds one retry.
	attemptTimeout = 5 * time.Second
)

// Worker completes hand-overs. It is safe for concurrent use.
type Worker struct {
	reports *store.Reports
	cases   Clients
	log     *slog.Logger
	now     func() time.Time
}

// Clients call case management for each tenant, with a certificate of that tenant.
type Clients map[tenant.ID]casemanagementv1.CaseManagementServiceClient

// NewWorker returns a worker. Run retries the hand-overs of the tenants that have a client.
func NewWorker(reports *store.Reports, cases Clients, log *slog.Logger, now func() time.Time) *Worker {
	return &Worker{reports, cases, log, now}
}

// Complete completes the hand-over of one report and returns the report. Completing again changes nothing. When case
// management fails it returns the fault UNAVAILABLE, and the hand-over stays pending.
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
	resp, err := cases.OpenCase(ctx, &casemanagementv1.OpenCaseRequest{
		RequestId: h.ID, ReportId: h.ReportID, Channel: h.Channel, ReporterRole: h.ReporterRole,
		OnBehalfOf: &recordv1.Actor{
			Person: h.By.Person, Region: h.By.Tenant.Region, Node: h.By.Tenant.Node, System: h.By.System,
		},
		ReceivedMonth: feed.MonthInRome(h.ReceivedAt),
	})
	if err != nil {
		// The caller's own request was valid, so a refusal by case management is never passed on to them.
		return nil, fault.New(fault.Unavailable).WithCause(err)
	}
	opened := resp.GetCase()
	return w.reports.CompleteHandover(ctx, t, h, opened.GetCaseId(), opened.GetNumber(), w.now())
}

// Run retries pending hand-overs, at once and then every two seconds, until ctx ends.
func (w *Worker) Run(ctx context.Context) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		for t := range w.cases {
			w.retryPending(ctx, t)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// retryPending tries a batch of a tenant's pending hand-overs, each once. A failed one goes to the end of the queue.
func (w *Worker) retryPending(ctx context.Context, t tenant.ID) {
	pending, err := w.reports.ListPendingHandovers(ctx, t, batchSize)
	if err != nil {
		if ctx.Err() == nil {
			w.log.WarnContext(ctx, "pending hand-over query failed", slog.Any("error", err))
		}
		return
	}
	for _, h := range pending {
		attemptCtx, cancel := context.WithTimeout(ctx, attemptTimeout)
		_, err := w.complete(attemptCtx, t, h)
		cancel()
		if err == nil || ctx.Err() != nil {
			continue
		}
		w.log.WarnContext(ctx, "hand-over failed", slog.String("handover", h.ID), slog.Any("error", err))
		if err := w.reports.MarkHandoverAttempted(ctx, t, h.ID, w.now()); err != nil && ctx.Err() == nil {
			w.log.WarnContext(ctx, "hand-over update failed", slog.String("handover", h.ID), slog.Any("error", err))
		}
	}
}
