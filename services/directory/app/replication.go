package app

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/services/directory/internal/api"
	"github.com/retepari/pari/services/directory/internal/feed"
	"github.com/retepari/pari/services/directory/internal/replica"
	"github.com/retepari/pari/services/directory/internal/store"
)

// startReplication connects the directory to the others: the centre's gives, a node's takes. changed is to be called after each change,
// with what is shown from then on.
func startReplication(ctx context.Context, a *service.App, c Config, pool *pgxpool.Pool, directory *api.Server) (changed func(store.Snapshot), err error) {
	if c.NATSURL == "" {
		a.Log.WarnContext(ctx, "PARI_NATS_URL is not set: nodes get no copy of this directory, and reporting does not hear what it counts")
		return func(store.Snapshot) {}, nil
	}
	nc, err := a.NATS(ctx, c.NATSURL)
	if err != nil {
		return nil, err
	}
	keys, err := bus.LoadPublicKeys(c.CentreKeysDir)
	if err != nil {
		return nil, fmt.Errorf("key of the centre: %w", err)
	}
	if c.atNode() {
		node := replica.NewNode(replica.NodeConfig{Region: c.Region, Node: c.Node, DB: pool, Conn: nc, CentreKeys: keys, Log: a.Log, Now: time.Now})
		directory.ConfirmedAt = node.ConfirmedAt
		a.Group.Go("copy", node.Run)
		return func(store.Snapshot) {}, nil
	}
	signer, err := bus.LoadSigner(c.SigningKeyFile)
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	centre := replica.NewCentre(replica.CentreConfig{DB: pool, Conn: nc, Signer: signer, Log: a.Log})
	a.Group.Go("copies", centre.Run)
	counts := feed.New(feed.Config{DB: pool, Conn: nc, Signer: signer, CentreKeys: keys, Log: a.Log, Now: time.Now})
	a.Group.Go("counts", counts.Run)
	return func(contents store.Snapshot) {
		centre.Notify()
		counts.SetSnapshot(contents)
	}, nil
}
