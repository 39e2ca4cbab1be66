// Package store keeps lines, facts and cells in Postgres.
//
// An event takes effect in one transaction: the position of its line, its number in the inbox, the fact that it changes and
// the cells that this fact counts in. So a position never says more than what has happened, and nothing happens twice.
// Nothing here grows slower with history: an event costs look-ups by key, a table one range of an index.
//
// A region is the tenant: every transaction names one, and row security lets it see no other.
package store

import (
	"context"
	"embed"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/vocabulary/replica"
)

//go:embed migrations/*.sql
var migrations embed.FS

var schema = pg.NewSchema(migrations, "reporting")

// Migrate brings the database up to date: the tables of this service and the replica of the code lists.
func Migrate(ctx context.Context, ownerURL string) error {
	return pg.Migrate(ctx, ownerURL, replica.Schema, schema)
}

// Store is safe for concurrent use.
type Store struct{ pool *pgxpool.Pool }

// New returns a store on a migrated database.
func New(pool *pgxpool.Pool) *Store { return &Store{pool} }

// statements collects every statement by name, so that a test can prepare them all.
var statements = map[string]string{}

func statement(name, sql string) string {
	if _, twice := statements[name]; twice {
		panic("two statements are called " + name)
	}
	statements[name] = sql
	return sql
}

var setRegion = statement("set region", `select set_config('app.region', $1, true)`)

// inRegion runs f in a transaction that sees the rows of one region, and commits when f returns nil. Errors of the
// database that may pass are faults with reason UNAVAILABLE.
func (s *Store) inRegion(ctx context.Context, region string, f func(ctx context.Context, tx pgx.Tx) error) error {
	return s.inRegionWith(ctx, pgx.TxOptions{}, region, f)
}

func (s *Store) inRegionWith(ctx context.Context, o pgx.TxOptions, region string, f func(ctx context.Context, tx pgx.Tx) error) (err error) {
	tx, err := s.pool.BeginTx(ctx, o)
	if err != nil {
		return pg.ToFault(err)
	}
	defer func() {
		if err != nil {
			_ = tx.Rollback(context.WithoutCancel(ctx)) // the connection is gone or the rollback works; both end it
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

// run sends a batch and lets read take the results in order.
func run(ctx context.Context, tx pgx.Tx, b *pgx.Batch, read func(pgx.BatchResults) error) (err error) {
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

// Ping tells whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.pool.Ping(ctx); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	return nil
}
