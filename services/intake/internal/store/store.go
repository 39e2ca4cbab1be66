// Package store stores reports and their hand-overs in Postgres. Every statement names its tenant, and row security
// enforces the same. Database errors that a retry may fix are returned as faults. The package starts no goroutine.
package store

import (
	"context"
	"embed"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/batcher"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/pkg/vocabulary/replica"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Schemas are the tables of the database: its own, and those of the packages that it uses.
var Schemas = []pg.Schema{
	pg.NewSchema(migrations, "intake"), outbox.Schema, idempotency.Schema, replica.Schema,
}

// Migrate brings the database of intake up to date, with the tables of the packages that it uses.
func Migrate(ctx context.Context, ownerURL string) error {
	return pg.Migrate(ctx, ownerURL, Schemas...)
}

// Reports stores the reports of all nodes that the service serves. It is safe for concurrent use.
type Reports struct {
	pool    *pgxpool.Pool
	inserts sync.Map // of *batcher.Batcher[preparedSubmission] by tenant: tenants never share a transaction
}

// New returns the reports in pool.
func New(pool *pgxpool.Pool) *Reports {
	return &Reports{pool: pool}
}

// batcherOf returns the batcher of a tenant's submissions.
func (s *Reports) batcherOf(t tenant.ID) *batcher.Batcher[preparedSubmission] {
	b, ok := s.inserts.Load(t)
	if !ok {
		b, _ = s.inserts.LoadOrStore(t, batcher.New(s.insertAll))
	}
	of, _ := b.(*batcher.Batcher[preparedSubmission])
	return of
}
