package store

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
)

const selectKeysInUse = `select case_id from case_file where tenant = $1 and case_id = any ($2)`

// KeysInUse returns those of the data keys that are the key of a case.
func KeysInUse(ctx context.Context, db *pgxpool.Pool, t tenant.ID, ids []uuid.UUID) (used []uuid.UUID, err error) {
	err = pg.InTenant(ctx, db, t, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectKeysInUse, t, ids)
		if err != nil {
			return err
		}
		used, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err
	})
	return used, err
}
