// Package handover brings reports that were taken in charge to case management. The decision is stored before anything is
// asked of the other side, and the other side opens one case per report however often it is asked: so a hand-over may stop
// anywhere and is finished by whoever comes next, the same call again or the worker here.
package handover

import (
	"context"
	"log/slog"
	"time"

	"github.com/retepari/pari/pkg/fault"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	"github.com/retepari/pari/services/intake/internal/feed"
	"github.com/retepari/pari/services/intake/internal/report"
	"github.com/retepari/pari/services/intake/internal/store"
)

// How often the worker looks, and how much it takes at a time.
const (
	poll  = 2 * time.Second
	batch = 50
)

// Handovers finishes hand-overs.
type Handovers struct {
	reports *store.Reports
	cases   casemanagementv1.CaseManagementServiceClient
	nodes   []string
	log     *slog.Logger
	now     func() time.Time
}

// New returns the hand-overs of the given nodes.
func New(reports *store.Reports, cases casemanagementv1.CaseManagementServiceClient, nodes []string, log *slog.Logger, now func() time.Time) *Handovers {
	return &Handovers{reports, cases, nodes, log, now}
}

// FinishFor finishes the hand-over of one report, unless it is finished. When case management does not answer it returns
// UNAVAILABLE and leaves the rest to the worker.
func (h *Handovers) FinishFor(ctx context.Context, node, reportID string) (*report.Report, error) {
	open, err := h.reports.HandoverOf(ctx, node, reportID)
	if err != nil {
		return nil, err
	}
	return h.finish(ctx, node, open)
}

func (h *Handovers) finish(ctx context.Context, node string, open store.Handover) (*report.Report, error) {
	answer, err := h.cases.OpenCase(ctx, &casemanagementv1.OpenCaseRequest{
		RequestId: open.ID, ReportId: open.ReportID, Channel: open.Channel, ReporterRole: open.ReporterRole,
		OnBehalfOf:    &recordv1.Actor{Person: open.By.Person, Node: open.By.Node, System: open.By.System},
		ReceivedMonth: feed.Month(open.ReceivedAt),
	})
	if err != nil {
		// Whatever case management refuses here, the caller's own request was right: it is ours to sort out.
		return nil, fault.New(fault.Unavailable).WithCause(err)
	}
	return h.reports.Finish(ctx, node, open, answer.GetCase().GetCaseId(), answer.GetCase().GetNumber(), h.now())
}

// Run finishes what was left open, at once and then every few seconds, until ctx ends.
func (h *Handovers) Run(ctx context.Context) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		for _, node := range h.nodes {
			h.sweep(ctx, node)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// sweep finishes the open hand-overs of a node. One that fails does not hold up the others.
func (h *Handovers) sweep(ctx context.Context, node string) {
	open, err := h.reports.OpenHandovers(ctx, node, batch)
	if err != nil {
		if ctx.Err() == nil {
			h.log.WarnContext(ctx, "open hand-overs not read", slog.Any("error", err))
		}
		return
	}
	for _, o := range open {
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		_, err := h.finish(attempt, node, o)
		cancel()
		if err != nil && ctx.Err() == nil {
			h.log.WarnContext(ctx, "hand-over not finished", slog.String("handover", o.ID), slog.Any("error", err))
		}
	}
}
