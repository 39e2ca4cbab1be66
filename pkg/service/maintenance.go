package service

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/tenant"
)

// maintenanceInterval is how often old request ids are purged.
const maintenanceInterval = time.Hour

// Maintenance purges the tenants' request ids older than idempotency.Retention, at the start and then every hour. The
// relay purges the outbox itself.
func (a *App) Maintenance(db *pgxpool.Pool, tenants []tenant.ID) {
	a.Group.Go("maintenance", func(ctx context.Context) error {
		tick := time.NewTicker(maintenanceInterval)
		defer tick.Stop()
		for {
			for _, t := range tenants {
				a.purge(ctx, db, t)
			}
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
		}
	})
}

func (a *App) purge(ctx context.Context, db *pgxpool.Pool, t tenant.ID) {
	for purged := int64(1); purged > 0; {
		var err error
		purged, err = idempotency.Purge(ctx, db, t, time.Now())
		if err != nil && ctx.Err() == nil {
			a.Log.WarnContext(ctx, "request id purge failed", slog.String("tenant", t.String()), slog.Any("error", err))
		}
	}
}
