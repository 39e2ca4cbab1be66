package pgtest

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	selectTables = `select c.relname, c.relrowsecurity, c.relforcerowsecurity,
			pg_get_userbyid(c.relowner) = current_user,
			(select count(*) from pg_policy p where p.polrelid = c.oid)
		from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where n.nspname = 'public' and c.relkind in ('r', 'p') and c.relname <> all ($1::text[])
			and c.relname not like '%\_version'`
	selectRole = `select rolsuper, rolbypassrls from pg_roles where rolname = current_user`
)

// RowSecurity checks that row security is enabled and forced on every table, that each table has a policy, and that the
// service's role neither owns a table nor can bypass row security. Tables in exempt hold no tenant's rows.
func RowSecurity(t testing.TB, pool *pgxpool.Pool, exempt ...string) {
	t.Helper()
	ctx := context.Background()
	rows, err := pool.Query(ctx, selectTables, append([]string{}, exempt...))
	if err != nil {
		t.Fatal(err)
	}
	var (
		table                  string
		enabled, forced, owned bool
		policies, tables       int
	)
	_, err = pgx.ForEachRow(rows, []any{&table, &enabled, &forced, &owned, &policies}, func() error {
		tables++
		if !enabled || !forced || owned || policies == 0 {
			t.Errorf("table %s: row security enabled %t, forced %t, policies %d; owned by the service's role %t",
				table, enabled, forced, policies, owned)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if tables == 0 {
		t.Error("the schema has no table to check")
	}
	var superuser, bypass bool
	if err := pool.QueryRow(ctx, selectRole).Scan(&superuser, &bypass); err != nil {
		t.Fatal(err)
	}
	if superuser || bypass {
		t.Errorf("the service's role: superuser %t, bypasses row security %t", superuser, bypass)
	}
}
