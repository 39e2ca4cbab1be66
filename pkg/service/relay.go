package service

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/outbox"
)

// relay sends the outbox in pool, this service's line of its node, through the node's leaf.
func (f *Frame) relay(ctx context.Context, pool *pgxpool.Pool, c PersonalConfig) (*outbox.Relay, error) {
	signer, err := bus.LoadSigner(c.SigningKeyFile)
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	centre, err := bus.LoadKeys(c.CentreKeysDir)
	if err != nil {
		return nil, fmt.Errorf("key of the centre: %w", err)
	}
	nc, err := f.Broker(ctx, c.NATSURL)
	if err != nil {
		return nil, err
	}
	relay, err := outbox.NewRelay(outbox.Config{
		Line: bus.Line{Region: f.Config.Region, Node: f.Config.Node, Source: f.Name},
		Pool: pool, Conn: nc, Signer: signer, Centre: centre, Log: f.Log,
	})
	if err != nil {
		return nil, err
	}
	if c.Relay {
		f.Group.Go("relay", relay.Run)
	}
	return relay, nil
}
