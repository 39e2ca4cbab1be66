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
	one, err := c.ForTenant(func(c nodeservice.Config) []service.Setting {
		return []service.Setting{{Name: "PARI_SECRETS_FILE", Value: c.SecretsFile}}
	})
	if err != nil {
		return err
	}
	secrets, err := seal.LoadSecrets(map[tenant.ID]string{one.Tenant: one.SecretsFile})
	if err != nil {
		return err
	}
	return nodeservice.RepairFeed(ctx, one, os.Stdout, nodeservice.RepairParts{
		Name: Name, Withdrawal: feed.EncodeReportWithdrawn,
		Records: store.NewRestored(func(t tenant.ID, reportID string) string {
			return feed.Pseudonym(secrets, t, reportID)
		}),
	})
}

// CollectKeys deletes unused data keys; see nodeservice.CollectKeys.
func CollectKeys(ctx context.Context, c Config) error {
	return nodeservice.CollectKeys(ctx, c.Config, os.Stdout, store.KeysInUse)
}
