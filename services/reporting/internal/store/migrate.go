package store

import (
	"context"

	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/vocabulary"
)

// Migrate brings the database up to date: the tables of this service and the replica of the code lists.
func Migrate(ctx context.Context, ownerURL string) error {
	if err := pg.Migrate(ctx, ownerURL, vocabulary.Migrations(), vocabulary.VersionTable); err != nil {
		return err
	}
	return pg.Migrate(ctx, ownerURL, Migrations(), VersionTable)
}
