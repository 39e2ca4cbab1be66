package app

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/retepari/pari/pkg/feedrepair"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/services/directory/internal/feed"
	"github.com/retepari/pari/services/directory/internal/store"
)

// RepairFeed settles the partitions of all regions after a restore; see feedrepair.Run. There is nothing to keep or to
// withdraw: what only the centre has, the directory publishes again as it is now, or withdraws.
func RepairFeed(ctx context.Context, c Config) error {
	if err := service.Require(
		service.Setting{Name: "PARI_DATABASE_OWNER_URL", Value: c.DatabaseOwnerURL},
		service.Setting{Name: "PARI_TENANT", Value: c.tenant()},
	); err != nil {
		return err
	}
	if c.atNode() {
		return errors.New("the directory of a node is a copy and publishes nothing: repair at the centre")
	}
	db, err := pg.Connect(ctx, c.DatabaseOwnerURL)
	if err != nil {
		return err
	}
	defer db.Close()
	regions, err := store.ListPublishedRegions(ctx, db)
	if err != nil {
		return err
	}
	var errs []error
	for _, region := range regions {
		config := feedrepair.Config{
			Config: c.Config, Options: c.Options,
			DatabaseOwnerURL: c.DatabaseOwnerURL, SigningKeyFile: c.SigningKeyFile,
		}
		config.Tenant = tenant.ID{Region: region, Node: tenant.CentreNode}
		parts := feedrepair.Parts{Name: feed.Source, Records: store.Restored{}}
		err := feedrepair.Run(ctx, config, os.Stdout, parts)
		if err != nil {
			errs = append(errs, fmt.Errorf("region %s: %w", region, err))
		}
	}
	return errors.Join(errs...)
}
