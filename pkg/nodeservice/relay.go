package nodeservice

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/service"
)

// startRelay sends the outbox in db, which is this service's partition of the feed, through the node's leaf.
func startRelay(ctx context.Context, a *service.App, c Config, db *pgxpool.Pool) (*outbox.Relay, error) {
	signer, err := bus.LoadSigner(c.SigningKeyFile)
	if err != nil {
		return nil, err
	}
	centre, err := bus.LoadPublicKeys(c.CentreKeysDir, a.Log)
	if err != nil {
		return nil, fmt.Errorf("key of the centre: %w", err)
	}
	conn, err := a.NATS(ctx, c.NATSURL)
	if err != nil {
		return nil, err
	}
	relay, err := outbox.NewRelay(outbox.Config{
		Partition: bus.Partition{Region: a.Config.Region, Node: a.Config.Node, Source: a.Name},
		DB:        db, Conn: conn, Signer: signer, CentreKeys: centre, Log: a.Log,
	})
	if err != nil {
		return nil, err
	}
	if c.Relay {
		a.Group.Go("relay", relay.Run)
	}
	return relay, nil
}
