package app

import (
	"context"
	"os"

	"github.com/retepari/pari/pkg/nodeservice"
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
