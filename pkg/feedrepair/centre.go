package feedrepair

import (
	"context"

	"google.golang.org/grpc"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/outbox"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
)

// listCentre lists what the centre has of a partition.
func listCentre(conn grpc.ClientConnInterface, p bus.Partition) outbox.ListCentre {
	reporting := reportingv1.NewReportingServiceClient(conn)
	return func(ctx context.Context, after int64) (outbox.Position, []outbox.CentreEvent, error) {
		resp, err := reporting.ListPartitionEvents(ctx, &reportingv1.ListPartitionEventsRequest{
			Region: p.Tenant.Region, Node: p.Tenant.Node, Source: p.Source, AfterSeq: after,
		})
		if err != nil {
			return outbox.Position{}, nil, err
		}
		position := outbox.Position{Acknowledged: resp.GetAcknowledgedSeq(), Announced: resp.GetAnnouncedSeq()}
		copy(position.Hash[:], resp.GetAcknowledgedHash())
		var events []outbox.CentreEvent
		for _, e := range resp.GetEvents() {
			event := outbox.CentreEvent{
				NodeSeq: e.GetNodeSeq(), ID: e.GetEventId(), Type: e.GetType(), Aggregate: e.GetAggregate(),
				AggregateSeq: e.GetAggregateSeq(),
			}
			copy(event.Hash[:], e.GetEventHash())
			events = append(events, event)
		}
		return position, events, nil
	}
}
