package pg

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver that goose uses
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// Schema is a set of migrations that one package owns: files NNNN_name.sql, and the table that records which have run.
type Schema struct {
	files         fs.FS
	versionTable  string
	selectVersion string
}

// NewSchema returns the schema in folder "migrations" of files. Migrations that have run are recorded in
// <name>_version.
func NewSchema(files fs.FS, name string) Schema {
	migrations, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // only a malformed path fails
	}
	table := name + "_version"
	return Schema{
		files: migrations, versionTable: table,
		selectVersion: `select coalesce(max(version_id), 0), coalesce(obj_description($1::regclass), '') from ` +
			pgx.Identifier{table}.Sanitize(),
	}
}

// Migrate brings a database up to the newest migration of each schema, in this order. It wants the address of the
// tables' owner. Concurrent calls are safe: one does the work, the others wait for it.
func Migrate(ctx context.Context, ownerURL string, schemas ...Schema) (err error) {
	db, err := sql.Open("pgx", ownerURL)
	if err != nil {
		return errors.New("the database address cannot be parsed")
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for _, s := range schemas {
		if err := s.migrate(ctx, db); err != nil {
			return err
		}
	}
	return nil
}

func (s Schema) migrate(ctx context.Context, db *sql.DB) error {
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return fmt.Errorf("migration lock: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, s.files,
		goose.WithSessionLocker(locker), goose.WithTableName(s.versionTable), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}
