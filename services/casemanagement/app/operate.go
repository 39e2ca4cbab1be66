package app

import (
	"context"
	"os"

	"github.com/retepari/pari/pkg/nodeservice"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/services/casemanagement/internal/feed"
	"github.com/retepari/pari/services/casemanagement/internal/store"
)

// RepairFeed settles the feed after a restore; see nodeservice.RepairFeed.
func RepairFeed(ctx context.Context, c Config) error {
	return nodeservice.RepairFeed(ctx, c.Config, os.Stdout, nodeservice.RepairParts{
		Name: Name, Records: store.Restored{}, Withdrawal: feed.EncodeCaseWithdrawn,
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
