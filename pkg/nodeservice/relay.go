package nodeservice

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/pkg/tenant"
)

// startRelay sends a tenant's events in the outbox, which are this service's partition of the feed, through the node's
// leaf, or from the centre's own machines to the hub.
func startRelay(
	ctx context.Context, a *service.App, c Config, d Dependencies, t tenant.ID, signingKeyFile string,
) (*outbox.Relay, error) {
	signer, err := bus.LoadSigner(signingKeyFile)
	if err != nil {
		return nil, err
	}
	centre, err := bus.LoadPublicKeys(c.CentreKeysDir, a.Log)
	if err != nil {
		return nil, fmt.Errorf("key of the centre: %w", err)
	}
	conn, err := a.NATSAs(ctx, d.Identities[t], c.NATSURL)
	if err != nil {
		return nil, err
	}
	relay, err := outbox.NewRelay(outbox.Config{
		Partition: bus.Partition{Tenant: t, Source: a.Name},
		DB:        d.DB, Conn: conn, Signer: signer, CentreKeys: centre,
		Log: a.Log.With(slog.String("partition", t.String()+"/"+a.Name)),
	})
	if err != nil {
		return nil, err
	}
	if c.Relay {
		a.Group.Go("relay "+t.String(), relay.Run)
	}
	return relay, nil
}
