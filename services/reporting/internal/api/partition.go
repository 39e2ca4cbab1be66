package api

import (
	"context"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
)

// maxPartitionEvents is the page size of ListPartitionEvents when none is requested.
const maxPartitionEvents = 1000

// ListPartitionEvents implements ReportingService.
func (s *Server) ListPartitionEvents(
	ctx context.Context, req *reportingv1.ListPartitionEventsRequest,
) (*reportingv1.ListPartitionEventsResponse, error) {
	p := bus.Partition{Tenant: tenant.ID{Region: req.GetRegion(), Node: req.GetNode()}, Source: req.GetSource()}
	caller, _ := identity.From(ctx)
	if own := caller.Tenant(); own != p.Tenant && !own.OverRegion(p.Tenant.Region) {
		return nil, fault.New(fault.WrongNode)
	}
	limit := int(req.GetPageSize())
	if limit == 0 {
		limit = maxPartitionEvents
	}
	offset, events, err := s.Store.ListInbox(ctx, p, req.GetAfterSeq(), limit)
	if err != nil {
		return nil, err
	}
	resp := &reportingv1.ListPartitionEventsResponse{
		AcknowledgedSeq: offset.Acknowledged, AcknowledgedHash: offset.Hash[:], AnnouncedSeq: offset.Announced,
	}
	for _, e := range events {
		resp.Events = append(resp.Events, &reportingv1.PartitionEvent{
			NodeSeq: e.NodeSeq, EventId: e.ID, EventHash: e.Hash[:], Type: e.Type, Aggregate: e.Aggregate,
			AggregateSeq: e.AggregateSeq,
		})
	}
	return resp, nil
}
