// Package store stores reports and their hand-overs in Postgres. Every statement names its tenant, and row security
// enforces the same. Database errors that a retry may fix are returned as faults. The package starts no goroutine.
package store

import (
	"context"
	"embed"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/batcher"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/vocabulary/replica"
)

//go:embed migrations/*.sql
var migrations embed.FS

var schema = pg.NewSchema(migrations, "intake")

// Migrate brings the database of intake up to date, with the tables of the packages that it uses.
func Migrate(ctx context.Context, ownerURL string) error {
	return pg.Migrate(ctx, ownerURL, schema, outbox.Schema, idempotency.Schema, replica.Schema)
}

// Reports stores the reports of all nodes that the service serves. It is safe for concurrent use.
type Reports struct {
	pool    *pgxpool.Pool
	inserts *batcher.Batcher[preparedSubmission]
}

// New returns the reports in pool.
func New(pool *pgxpool.Pool) *Reports {
	s := &Reports{pool: pool}
	s.inserts = batcher.New(s.insertAll)
	return s
}
