package seal

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
)

// CollectAfter is how old a data key must be, at least, before Collect takes it for unused. A KeyStore hands no key out
// that is nearly so old.
const CollectAfter = 90 * 24 * time.Hour

// collectPage is how many keys are compared and deleted at a time.
const collectPage = 1000

const (
	selectOldKeys = `select key_id from data_key
		where tenant = $1 and created_month < date_trunc('month', $2::timestamptz at time zone 'UTC')
		  and key_id > $3 order by key_id limit $4`
	deleteKeys = `delete from data_key where tenant = $1 and key_id = any ($2)`
)

// Collect deletes data keys older than CollectAfter that no record has, which failed calls and stopped processes have
// left, and returns how many there are. inUse returns those of the keys that a record has. With dryRun nothing is
// deleted.
func Collect(
	ctx context.Context, db *pgxpool.Pool, t tenant.ID, now time.Time, dryRun bool,
	inUse func(ctx context.Context, ids []uuid.UUID) ([]uuid.UUID, error),
) (unused int, err error) {
	for after, last := uuid.Nil, false; !last; {
		var ids []uuid.UUID
		err := pg.InTenant(ctx, db, t, func(ctx context.Context, tx pgx.Tx) error {
			rows, err := tx.Query(ctx, selectOldKeys, t, now.Add(-CollectAfter), after, collectPage)
			if err != nil {
				return err
			}
			ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
			return err
		})
		if err != nil {
			return unused, fmt.Errorf("list data keys: %w", err)
		}
		if last = len(ids) < collectPage; len(ids) == 0 {
			break
		}
		after = ids[len(ids)-1]
		used, err := inUse(ctx, ids)
		if err != nil {
			return unused, fmt.Errorf("list data keys in use: %w", err)
		}
		ids = slices.DeleteFunc(ids, func(id uuid.UUID) bool { return slices.Contains(used, id) })
		unused += len(ids)
		if dryRun {
			continue
		}
		err = pg.InTenant(ctx, db, t, func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, deleteKeys, t, ids)
			return err
		})
		if err != nil {
			return unused, fmt.Errorf("delete data keys: %w", err)
		}
	}
	return unused, nil
}
