package pg_test

import (
	"context"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const noteMigration = `-- +goose Up
create table note (
    tenant text   not null default current_setting('app.tenant'),
    id     bigint not null,
    text   text   constraint note_text unique deferrable initially deferred,
    primary key (tenant, id)
);
alter table note enable row level security;
alter table note force row level security;
create policy tenant on note
    using (tenant = current_setting('app.tenant')) with check (tenant = current_setting('app.tenant'));
`

// schema is one table with row security, as every service has.
var schema = newSchema("note", noteMigration)

func newSchema(name, migration string) pg.Schema {
	return pg.NewSchema(fstest.MapFS{"migrations/0001_" + name + ".sql": {Data: []byte(migration)}}, name)
}

func newDB(t *testing.T) pgtest.DB {
	t.Helper()
	return pgtest.New(t, "note", func(ctx context.Context, url string) error { return pg.Migrate(ctx, url, schema) })
}

// cremona is the tenant of most tests. The two others differ by region alone, as homonyms do.
var (
	cremona      = tenant.ID{Region: "lombardia", Node: "cremona"}
	livo         = tenant.ID{Region: "lombardia", Node: "livo"}
	trentinoLivo = tenant.ID{Region: "trentino", Node: "livo"}
)

func insertNote(id int) func(context.Context, pgx.Tx) error {
	return func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `insert into note (id) values ($1)`, id)
		return err
	}
}

func countNotes(n *int) func(context.Context, pgx.Tx) error {
	return func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from note`).Scan(n)
	}
}
