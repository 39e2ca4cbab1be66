package service

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/repeat"
)

// Upkeep forgets request ids that are older than repeat.Keep, a bounded number at a time, once an hour. The relay looks
// after the outbox by itself.
func (f *Frame) Upkeep(pool *pgxpool.Pool) {
	f.Group.Go("upkeep", func(ctx context.Context) error {
		tick := time.NewTicker(time.Hour)
		defer tick.Stop()
		for {
			for forgotten := int64(1); forgotten > 0; {
				var err error
				if forgotten, err = repeat.Forget(ctx, pool, f.Config.Node, time.Now()); err != nil && ctx.Err() == nil {
					f.Log.WarnContext(ctx, "request ids not forgotten", slog.Any("error", err))
				}
			}
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
		}
	})
}
