package app

import (
	"context"
	"os"

	"github.com/retepari/pari/pkg/nodeservice"
	"github.com/retepari/pari/pkg/seal"
	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/services/intake/internal/feed"
	"github.com/retepari/pari/services/intake/internal/store"
)

// RepairFeed settles the feed after a restore; see nodeservice.RepairFeed.
func RepairFeed(ctx context.Context, c Config) error {
	if err := service.Require(service.Setting{Name: "PARI_SECRETS_FILE", Value: c.SecretsFile}); err != nil {
		return err
	}
	secrets, err := seal.LoadSecrets(map[tenant.ID]string{c.Tenant: c.SecretsFile})
	if err != nil {
		return err
	}
	return nodeservice.RepairFeed(ctx, c.Config, os.Stdout, nodeservice.RepairParts{
		Name: Name, Withdrawal: feed.EncodeReportWithdrawn,
		Continue: store.ContinueEvents(func(t tenant.ID, reportID string) string {
			return feed.Pseudonym(secrets, t, reportID)
		}),
	})
}

// CollectKeys deletes unused data keys; see nodeservice.CollectKeys.
func CollectKeys(ctx context.Context, c Config) error {
	return nodeservice.CollectKeys(ctx, c.Config, os.Stdout, store.KeysInUse)
}
