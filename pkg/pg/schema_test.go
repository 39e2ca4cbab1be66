package pg_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/pg"
)

// program is a release whose schema has so many migrations.
func program(migrations int, last string) pg.Schema {
	files := fstest.MapFS{}
	all := []string{"create table thing (id bigint);", "alter table thing add a text;", last}
	for i, sql := range all[:migrations] {
		name := "migrations/000" + string(rune('1'+i)) + "_thing.sql"
		files[name] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + sql + "\n")}
	}
	return pg.NewSchema(files, "thing")
}

// Ensure a program runs on its own schema and on a later one that has only added, and refuses an older one and one that
// later migrations broke for it, each with what to do.
func TestCheckSchemas(t *testing.T) {
	t.Parallel()
	const adds = "alter table thing add b text;"
	const breaks = "alter table thing drop a; comment on table thing_version is 'oldest program: 3';"
	for name, c := range map[string]struct {
		migrated int // migrations that have run
		last     string
		knows    int // migrations of the program
		want     string
	}{
		"none":            {0, "", 2, "older than this program (tables of thing: migration 0 of 2): run this program"},
		"too_old":         {1, "", 2, "older than this program (tables of thing: migration 1 of 2): run this program"},
		"its_own":         {2, "", 2, ""},
		"later_adds":      {3, adds, 2, ""},
		"later_breaks":    {3, breaks, 2, "for later programs (tables of thing: migration 3, this program knows 2)"},
		"breaks_for_none": {3, breaks, 3, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgtest.New(t, "fit_"+name, func(ctx context.Context, url string) error {
				if c.migrated == 0 {
					return nil
				}
				return pg.Migrate(ctx, url, program(c.migrated, c.last))
			})
			err := pg.CheckSchemas(t.Context(), db.Pool(t), program(c.knows, c.last))
			var unfit *pg.SchemaError
			if errors.As(err, &unfit) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// Ensure a database that does not answer is asked again, and that waiting ends with the context.
func TestAwaitSchemas(t *testing.T) {
	t.Parallel()
	pool, err := pg.Connect(t.Context(), "postgres://pari@127.0.0.1:1/none")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- pg.AwaitSchemas(ctx, pool, schema) }()
	if err := pg.CheckSchemas(t.Context(), pool, schema); err == nil {
		t.Error("a database that is away fits")
	}
	select {
	case err := <-result:
		t.Errorf("it did not wait: %v", err)
	default:
	}
	cancel()
	if err := <-result; err != nil {
		t.Error(err)
	}
}

// Ensure a comment that names no migration is an error, rather than no limit.
func TestCheckSchemas_BadComment(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	conn, err := pgx.Connect(t.Context(), db.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Exec(t.Context(), `comment on table note_version is 'oldest program: x'`); err != nil {
		t.Fatal(err)
	}
	if err := pg.CheckSchemas(t.Context(), db.Pool(t), schema); err == nil {
		t.Error("accepted")
	}
}
