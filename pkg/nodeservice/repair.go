package nodeservice

import (
	"context"
	"io"

	"github.com/retepari/pari/pkg/feedrepair"
	"github.com/retepari/pari/pkg/service"
)

// RepairParts are what a service adds to RepairFeed.
type RepairParts = feedrepair.Parts

// RepairFeed settles the service's partition of the feed of the tenant that PARI_TENANT names; see feedrepair.Run.
func RepairFeed(ctx context.Context, c Config, out io.Writer, parts RepairParts) error {
	c, err := c.ForTenant(func(c Config) []service.Setting { return c.feedRepair().Required() })
	if err != nil {
		return err
	}
	return feedrepair.Run(ctx, c.feedRepair(), out, parts)
}

func (c Config) feedRepair() feedrepair.Config {
	return feedrepair.Config{
		Config: c.Config, Options: c.Options, DatabaseOwnerURL: c.DatabaseOwnerURL, SigningKeyFile: c.SigningKeyFile,
	}
}
