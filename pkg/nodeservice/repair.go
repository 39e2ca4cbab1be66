package nodeservice

import (
	"context"
	"io"

	"github.com/retepari/pari/pkg/feedrepair"
)

// RepairParts are what a service adds to RepairFeed.
type RepairParts = feedrepair.Parts

// RepairFeed settles the service's partition of the feed; see feedrepair.Run.
func RepairFeed(ctx context.Context, c Config, out io.Writer, parts RepairParts) error {
	return feedrepair.Run(ctx, feedrepair.Config{
		Config: c.Config, Options: c.Options, DatabaseOwnerURL: c.DatabaseOwnerURL, SigningKeyFile: c.SigningKeyFile,
	}, out, parts)
}
