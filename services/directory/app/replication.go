package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/services/directory/internal/api"
	"github.com/retepari/pari/services/directory/internal/feed"
	"github.com/retepari/pari/services/directory/internal/replica"
	"github.com/retepari/pari/services/directory/internal/store"
)

// startReplication starts the replication to the nodes and the feed for reporting at the centre, or the copy at a node.
// The caller must call onChange after each change of the directory.
func startReplication(
	ctx context.Context, a *service.App, c Config, pool *pgxpool.Pool, directory *api.Server,
) (onChange func(store.Snapshot), err error) {
	if c.NATSURL == "" {
		advice := slog.String("advice", "set PARI_NATS_URL to replicate to nodes and to send events to reporting")
		a.Log.WarnContext(ctx, "replication disabled", advice)
		return func(store.Snapshot) {}, nil
	}
	nc, err := a.NATS(ctx, c.NATSURL)
	if err != nil {
		return nil, err
	}
	keys, err := bus.LoadPublicKeys(c.CentreKeysDir, a.Log)
	if err != nil {
		return nil, fmt.Errorf("public key of the centre: %w", err)
	}
	if c.atNode() {
		node := replica.NewNode(replica.NodeConfig{
			Tenant: c.Tenant, DB: pool, Conn: nc, CentreKeys: keys, Log: a.Log, Now: time.Now,
		})
		directory.ConfirmedAt = node.ConfirmedAt
		a.Group.Go("replica", node.Run)
		return func(store.Snapshot) {}, nil
	}
	signer, err := bus.LoadSigner(c.SigningKeyFile)
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	centre := replica.NewCentre(replica.CentreConfig{DB: pool, Conn: nc, Signer: signer, Log: a.Log})
	a.Group.Go("replica", centre.Run)
	publisher := feed.NewPublisher(feed.Config{
		DB: pool, Conn: nc, Signer: signer, CentreKeys: keys, Log: a.Log, Now: time.Now,
	})
	a.Group.Go("feed", publisher.Run)
	return func(s store.Snapshot) {
		centre.Notify()
		publisher.SetSnapshot(s)
	}, nil
}
