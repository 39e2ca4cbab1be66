// Package store persists partitions, facts and cells in Postgres.
//
// An event is applied in one transaction: the acknowledged offset of its partition, its number in the inbox, the fact
// that it changes and the cells that count this fact. It promises that the acknowledged offset covers only committed
// effects, and that no event is applied twice. Cost does not grow with history: an event needs look-ups by key, a table
// one index range scan.
//
// The tenant is the region: every transaction sets one, and row security hides all others. The package starts no
// goroutine.
package store

import (
	"context"
	"embed"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/vocabulary/replica"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Schemas are the tables of the database: its own, and those of the packages that it uses.
var Schemas = []pg.Schema{
	replica.Schema, pg.NewSchema(migrations, "reporting"),
}

// Migrate brings the database up to date: the tables of this service and of the code list replica.
func Migrate(ctx context.Context, ownerURL string) error {
	return pg.Migrate(ctx, ownerURL, Schemas...)
}

// Store is safe for concurrent use.
type Store struct{ pool *pgxpool.Pool }

// New returns a Store on a migrated database.
func New(pool *pgxpool.Pool) *Store { return &Store{pool} }

const setRegion = `select set_config('app.region', $1, true)`

// inRegion runs f in a transaction that sees the rows of one region, and commits when f returns nil. Transient errors
// of the database become faults with reason UNAVAILABLE.
func (s *Store) inRegion(ctx context.Context, region string, f func(ctx context.Context, tx pgx.Tx) error) error {
	return s.inRegionWith(ctx, pgx.TxOptions{}, region, f)
}

func (s *Store) inRegionWith(
	ctx context.Context, o pgx.TxOptions, region string, f func(ctx context.Context, tx pgx.Tx) error,
) (err error) {
	tx, err := s.pool.BeginTx(ctx, o)
	if err != nil {
		return pg.ToFault(err)
	}
	defer func() {
		if err != nil {
			// Either the rollback works or the connection is gone: both end the transaction.
			_ = tx.Rollback(context.WithoutCancel(ctx))
		}
	}()
	if _, err = tx.Exec(ctx, setRegion, region); err != nil {
		return pg.ToFault(err)
	}
	if err = f(ctx, tx); err != nil {
		return pg.ToFault(err)
	}
	return pg.ToFault(tx.Commit(ctx))
}

// sendBatch sends a batch and lets read consume the results in order. A nil read discards them.
func sendBatch(ctx context.Context, tx pgx.Tx, b *pgx.Batch, read func(pgx.BatchResults) error) (err error) {
	if b.Len() == 0 {
		return nil
	}
	results := tx.SendBatch(ctx, b)
	defer func() { err = errors.Join(err, results.Close()) }()
	if read == nil {
		for range b.Len() {
			if _, err := results.Exec(); err != nil {
				return err
			}
		}
		return nil
	}
	return read(results)
}
