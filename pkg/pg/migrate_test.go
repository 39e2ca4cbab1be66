package pg_test

import (
	"testing"
	"testing/fstest"

	"github.com/retepari/pari/pkg/pg"
)

// Ensure migrations may run again and concurrently.
func TestMigrate_IsIdempotent(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	results := make(chan error, 4)
	for range cap(results) {
		go func() { results <- pg.Migrate(t.Context(), db.OwnerURL, schema) }()
	}
	for range cap(results) {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

// Ensure each schema records its migrations in a table of its own, in the given order, and that a migration which fails
// is an error and leaves nothing behind.
func TestMigrate_SeveralSchemas(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	second := newSchema("second", "-- +goose Up\ncreate table second (id bigint);\n")
	broken := newSchema("broken", "-- +goose Up\ncreate table broken (id bigint);\nselect nonsense;\n")
	never := newSchema("never", "-- +goose Up\ncreate table never (id bigint);\n")
	if err := pg.Migrate(t.Context(), db.OwnerURL, schema, second, broken, never); err == nil {
		t.Error("a migration that fails is no error")
	}
	pool := db.Pool(t)
	for table, want := range map[string]bool{
		"second": true, "second_version": true, "note_version": true, "broken": false, "never": false,
	} {
		var exists bool
		err := pool.QueryRow(t.Context(), `select to_regclass($1) is not null`, table).Scan(&exists)
		if err != nil || exists != want {
			t.Errorf("table %s exists %t, %v; want %t", table, exists, err, want)
		}
	}
}

// Ensure a schema without migrations is an error: its files were not embedded.
func TestMigrate_WithoutFiles(t *testing.T) {
	t.Parallel()
	if err := pg.Migrate(t.Context(), newDB(t).OwnerURL, pg.NewSchema(fstest.MapFS{}, "empty")); err == nil {
		t.Error("a schema without files was migrated")
	}
}
