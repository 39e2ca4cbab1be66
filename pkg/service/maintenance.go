package service

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/idempotency"
)

// maintenanceInterval is how often old request ids are purged.
const maintenanceInterval = time.Hour

// Maintenance purges request ids older than idempotency.Retention, at the start and then every hour. The relay purges
// the outbox itself.
func (a *App) Maintenance(db *pgxpool.Pool) {
	a.Group.Go("maintenance", func(ctx context.Context) error {
		tick := time.NewTicker(maintenanceInterval)
		defer tick.Stop()
		for {
			for purged := int64(1); purged > 0; {
				var err error
				purged, err = idempotency.Purge(ctx, db, a.Config.Tenant, time.Now())
				if err != nil && ctx.Err() == nil {
					a.Log.WarnContext(ctx, "request id purge failed", slog.Any("error", err))
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
