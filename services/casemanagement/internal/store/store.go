// Package store stores cases in Postgres. Every statement names its tenant, which row security enforces too. An update
// locks its case, and commits the case, its history and its events in one transaction. The package starts no goroutine.
package store

import (
	"context"
	"embed"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/vocabulary/replica"
	"github.com/retepari/pari/services/casemanagement/internal/casefile"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Schemas are the tables of the database: its own, and those of the packages that it uses.
var Schemas = []pg.Schema{
	pg.NewSchema(migrations, "casemanagement"), outbox.Schema, idempotency.Schema, replica.Schema,
}

// Migrate brings the database of case management up to date, with the tables of the packages that it uses.
func Migrate(ctx context.Context, ownerURL string) error {
	return pg.Migrate(ctx, ownerURL, Schemas...)
}

// EncodeEvent encodes an event of a case for the outbox.
type EncodeEvent func(c *casefile.Case, e casefile.Event) (outbox.Event, error)

// Cases stores the cases of all nodes that the service serves. It is safe for concurrent use.
type Cases struct {
	pool        *pgxpool.Pool
	encodeEvent EncodeEvent
}

// New returns the cases in pool, whose events encodeEvent encodes.
func New(pool *pgxpool.Pool, encodeEvent EncodeEvent) *Cases {
	return &Cases{pool: pool, encodeEvent: encodeEvent}
}
