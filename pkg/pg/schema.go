package pg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// oldestProgram begins the comment on a version table that says which programs may still run on its schema: those whose
// newest migration has this number or a later one. A migration that breaks older programs sets it:
//
//	comment on table intake_version is 'oldest program: 7';
//
// Without it the migrations have only added, and every older program goes on.
const oldestProgram = "oldest program: "

// SchemaError says that a program and the tables of its database do not fit each other.
type SchemaError struct {
	Schema string
	// Has is the newest migration that has run, 0 for none. Knows is the newest one of the program.
	Has, Knows int64
}

func (e *SchemaError) Error() string {
	if e.Has < e.Knows {
		return fmt.Sprintf("the database is older than this program (tables of %s: migration %d of %d): "+
			"run this program with the command migrate", e.Schema, e.Has, e.Knows)
	}
	return fmt.Sprintf("the database was migrated for later programs (tables of %s: migration %d, this program "+
		"knows %d): run the release that migrated it, or a later one", e.Schema, e.Has, e.Knows)
}

// AwaitSchemas returns when the tables of a database fit the program, a SchemaError when they do not, and asks again
// while the database does not answer.
func AwaitSchemas(ctx context.Context, pool *pgxpool.Pool, schemas ...Schema) error {
	for {
		err := CheckSchemas(ctx, pool, schemas...)
		var unfit *SchemaError
		if err == nil || errors.As(err, &unfit) {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(schemaInterval):
		}
	}
}

// schemaInterval is how often AwaitSchemas asks a database that does not answer.
const schemaInterval = time.Second

// CheckSchemas returns a SchemaError when the tables of a database do not fit the program.
func CheckSchemas(ctx context.Context, pool *pgxpool.Pool, schemas ...Schema) error {
	for _, s := range schemas {
		if err := s.check(ctx, pool); err != nil {
			return err
		}
	}
	return nil
}

func (s Schema) check(ctx context.Context, pool *pgxpool.Pool) error {
	knows, err := s.newest()
	if err != nil {
		return err
	}
	var has int64
	var comment string
	err = pool.QueryRow(ctx, s.selectVersion, s.versionTable).Scan(&has, &comment)
	var missing *pgconn.PgError
	switch {
	case errors.As(err, &missing) && missing.Code == undefinedTable:
		has = 0
	case err != nil:
		return ToFault(fmt.Errorf("read the version of the schema: %w", err))
	}
	oldest := int64(0)
	if text, marked := strings.CutPrefix(comment, oldestProgram); marked {
		if oldest, err = strconv.ParseInt(text, 10, 64); err != nil {
			return fmt.Errorf("the comment on %s names no migration: %w", s.versionTable, err)
		}
	}
	if has < knows || knows < oldest {
		return &SchemaError{Schema: strings.TrimSuffix(s.versionTable, "_version"), Has: has, Knows: knows}
	}
	return nil
}

const undefinedTable = "42P01"

// newest returns the number of the newest migration of the program.
func (s Schema) newest() (number int64, err error) {
	files, err := fs.Glob(s.files, "*.sql")
	if err != nil || len(files) == 0 {
		return 0, fmt.Errorf("the program has no migrations of %s", s.versionTable)
	}
	digits, _, _ := strings.Cut(files[len(files)-1], "_") // sorted
	if number, err = strconv.ParseInt(digits, 10, 64); err != nil {
		return 0, fmt.Errorf("migrations of %s: %w", s.versionTable, err)
	}
	return number, nil
}
