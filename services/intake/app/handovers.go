package app

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/nodeservice"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/services/intake/internal/store"
)

// maxListed is how many dead-lettered hand-overs ListHandovers prints.
const maxListed = 1000

// ListHandovers prints the dead-lettered hand-overs: id, report, failed attempts and the reason of the last.
func ListHandovers(ctx context.Context, c Config) error {
	db, err := connect(ctx, c)
	if err != nil {
		return err
	}
	defer db.Close()
	found, err := store.New(db).ListDeadLetteredHandovers(ctx, c.Tenant, maxListed)
	if err != nil {
		return err
	}
	for _, h := range found {
		_, _ = fmt.Fprintln(os.Stdout, h.ID, h.ReportID, h.Attempts, h.Reason)
	}
	return nil
}

// RetryHandovers makes all dead-lettered hand-overs pending again; the running service retries them.
func RetryHandovers(ctx context.Context, c Config) error {
	db, err := connect(ctx, c)
	if err != nil {
		return err
	}
	defer db.Close()
	n, err := store.New(db).RetryHandovers(ctx, c.Tenant, time.Now())
	if err == nil {
		_, _ = fmt.Fprintln(os.Stdout, "retried:", n)
	}
	return err
}

// connect opens the service's database for a command that works on the tenant that PARI_TENANT names.
func connect(ctx context.Context, c Config) (*pgxpool.Pool, error) {
	one, err := c.ForTenant(func(c nodeservice.Config) []service.Setting {
		return []service.Setting{{Name: "PARI_DATABASE_URL", Value: c.DatabaseURL}}
	})
	if err != nil {
		return nil, err
	}
	return pg.Connect(ctx, one.DatabaseURL)
}
