package service

import (
	"context"
	"fmt"
	"os"
	"strconv"

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
		Pool: pool, Conn: nc, Signer: signer, Centre: centre, Log: f.Log, AfterPublish: crashAfter(),
	})
	if err != nil {
		return nil, err
	}
	if c.Relay {
		f.Group.Go("relay", relay.Run)
	}
	return relay, nil
}

// crashAfter lets a crash test end the process between an event's acknowledgement and its mark: PARI_CRASH_AFTER_PUBLISH
// holds the number of the event. Production leaves it unset.
func crashAfter() func(int64) {
	at, err := strconv.ParseInt(os.Getenv("PARI_CRASH_AFTER_PUBLISH"), 10, 64)
	if err != nil {
		return nil
	}
	return func(nodeSeq int64) {
		if nodeSeq == at {
			self, _ := os.FindProcess(os.Getpid())
			_ = self.Kill()
		}
	}
}
