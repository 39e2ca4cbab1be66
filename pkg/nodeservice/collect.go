package nodeservice

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/feedrepair"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/seal"
	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/pkg/tenant"
)

// CollectKeys deletes unused data keys of the tenant that PARI_TENANT names, see seal.Collect. It only counts them
// unless PARI_COLLECT is "apply". inUse returns those of the keys that a record of the service's database names.
func CollectKeys(
	ctx context.Context, c Config, out io.Writer,
	inUse func(ctx context.Context, db *pgxpool.Pool, t tenant.ID, ids []uuid.UUID) ([]uuid.UUID, error),
) error {
	c, err := c.ForTenant(func(c Config) []service.Setting {
		return []service.Setting{
			{Name: "PARI_DATABASE_URL", Value: c.DatabaseURL}, {Name: "PARI_KEYS_URL", Value: c.KeysURL},
		}
	})
	if err != nil {
		return err
	}
	db, err := pg.Connect(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer db.Close()
	keys, err := pg.Connect(ctx, c.KeysURL)
	if err != nil {
		return err
	}
	defer keys.Close()
	dryRun := c.Collect != feedrepair.Apply
	n, err := seal.Collect(ctx, keys, c.Tenant, time.Now(), dryRun,
		func(ctx context.Context, ids []uuid.UUID) ([]uuid.UUID, error) { return inUse(ctx, db, c.Tenant, ids) })
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "unused data keys: %d\n", n)
	if dryRun {
		_, _ = fmt.Fprintln(out, "nothing was deleted: PARI_COLLECT=apply deletes them")
	}
	return nil
}
