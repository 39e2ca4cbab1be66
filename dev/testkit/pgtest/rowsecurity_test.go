package pgtest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/dev/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// recorder records the failures of a helper instead of failing the test.
type recorder struct {
	testing.TB

	failures []string
}

func (r *recorder) Helper() {}

func (r *recorder) Error(args ...any) { r.failures = append(r.failures, fmt.Sprint(args...)) }

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

// newPool opens a database with the given statements.
func newPool(t *testing.T, name string, statements ...string) *pgxpool.Pool {
	t.Helper()
	return newDB(t, name, statements...).Pool(t)
}

// newDB creates a database with the given statements. Each name has a template of its own.
func newDB(t *testing.T, name string, statements ...string) pgtest.DB {
	t.Helper()
	return pgtest.New(t, name, func(ctx context.Context, ownerURL string) error {
		conn, err := pgx.Connect(ctx, ownerURL)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(ctx) }()
		for _, sql := range statements {
			if _, err := conn.Exec(ctx, sql); err != nil {
				return err
			}
		}
		return nil
	})
}

const (
	createTable  = `create table note (node text)`
	enable       = `alter table note enable row level security`
	force        = `alter table note force row level security`
	createPolicy = `create policy tenant on note using (node = 'a')`
)

// Ensure a table without any part of row security is reported by its name, and a complete one is not.
func TestRowSecurity(t *testing.T) {
	t.Parallel()
	const public, version = `create table public_data (a int)`, `create table note_version (a int)`
	for name, c := range map[string]struct {
		statements []string
		exempt     []string
		want       string
	}{
		"complete":  {[]string{createTable, enable, force, createPolicy}, nil, ""},
		"disabled":  {[]string{createTable, force, createPolicy}, nil, "table note"},
		"unforced":  {[]string{createTable, enable, createPolicy}, nil, "table note"},
		"no_policy": {[]string{createTable, enable, force}, nil, "table note"},
		"exempt":    {[]string{createTable, public, enable, force, createPolicy}, []string{"public_data"}, ""},
		"version":   {[]string{createTable, version, enable, force, createPolicy}, nil, ""},
		"empty":     {nil, nil, "no table"},
	} {
		r := &recorder{TB: t}
		pgtest.RowSecurity(r, newPool(t, "rls_"+name, c.statements...), c.exempt...)
		got := strings.Join(r.failures, "\n")
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: reported %q, want %q", name, got, c.want)
		}
	}
}

// Ensure the owner of the tables, and a role that bypasses row security, are reported.
func TestRowSecurity_ChecksTheRole(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t, "rls_role", func(ctx context.Context, ownerURL string) error {
		conn, err := pgx.Connect(ctx, ownerURL)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(ctx) }()
		_, err = conn.Exec(ctx, strings.Join([]string{createTable, enable, force, createPolicy}, ";"))
		return err
	})
	database := db.URL[strings.LastIndex(db.URL, "/")+1:]
	database, _, _ = strings.Cut(database, "?")
	for role, want := range map[string]string{
		"pari_owner": "owned by the service's role true", "postgres": "superuser true",
	} {
		pool, err := pgxpool.New(t.Context(), pgtest.Server(t).URL(role, database))
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		r := &recorder{TB: t}
		pgtest.RowSecurity(r, pool)
		if got := strings.Join(r.failures, "\n"); !strings.Contains(got, want) {
			t.Errorf("%s: reported %q, want %q", role, got, want)
		}
	}
}

// Ensure databases of one template do not share rows, and a template is migrated once.
func TestNew(t *testing.T) {
	t.Parallel()
	migrations := 0
	migrate := func(ctx context.Context, ownerURL string) error {
		migrations++
		conn, err := pgx.Connect(ctx, ownerURL)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(ctx) }()
		_, err = conn.Exec(ctx, createTable)
		return err
	}
	for range 2 {
		pool := pgtest.New(t, "clone", migrate).Pool(t)
		var n int
		if _, err := pool.Exec(t.Context(), `insert into note values ('a')`); err != nil {
			t.Fatal(err)
		}
		if err := pool.QueryRow(t.Context(), `select count(*) from note`).Scan(&n); err != nil || n != 1 {
			t.Errorf("%d rows, %v; want 1", n, err)
		}
	}
	if migrations != 1 {
		t.Errorf("the template was migrated %d times", migrations)
	}
}
