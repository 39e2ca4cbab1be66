package app

import (
	"context"
	"os"

	"google.golang.org/grpc"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/nodeservice"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/service"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
	"github.com/retepari/pari/services/casemanagement/internal/feed"
	"github.com/retepari/pari/services/casemanagement/internal/store"
)

// RepairFeed settles the feed after a restore; see nodeservice.RepairFeed.
func RepairFeed(ctx context.Context, c Config) error {
	return nodeservice.RepairFeed(ctx, c.Config, os.Stdout, nodeservice.RepairParts{
		Name: Name, ListCentre: listCentre, Records: store.Restored{}, Withdrawal: feed.EncodeCaseWithdrawn,
	})
}

// CollectKeys deletes unused data keys; see nodeservice.CollectKeys.
func CollectKeys(ctx context.Context, c Config) error {
	return nodeservice.CollectKeys(ctx, c.Config, os.Stdout, store.KeysInUse)
}

// ListCases prints the case of each report, for `intake reopen-handovers`.
func ListCases(ctx context.Context, c Config) error {
	one, err := c.ForTenant(func(c nodeservice.Config) []service.Setting {
		return []service.Setting{{Name: "PARI_DATABASE_URL", Value: c.DatabaseURL}}
	})
	if err != nil {
		return err
	}
	db, err := pg.Connect(ctx, one.DatabaseURL)
	if err != nil {
		return err
	}
	defer db.Close()
	cases, err := store.CasesByReport(ctx, db, one.Tenant)
	if err != nil {
		return err
	}
	return nodeservice.WriteCases(os.Stdout, one.Tenant, cases)
}

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
