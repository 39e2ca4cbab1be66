package pgtest

import (
	"context"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// selectPrivileges returns whether the service's role may rewrite each table, or one of its columns.
const selectPrivileges = `select c.relname, has_any_column_privilege(c.oid, 'UPDATE'),
		has_table_privilege(c.oid, 'DELETE') or has_table_privilege(c.oid, 'TRUNCATE')
	from pg_class c join pg_namespace n on n.oid = c.relnamespace
	where n.nspname = 'public' and c.relkind in ('r', 'p') and (c.relname = any ($1::text[])
		or c.relname ~ '(history|log|inbox)$')`

// AppendOnly checks that the service's role can neither change nor delete rows of the tables, and that they include
// every table whose name ends with history, log or inbox.
func AppendOnly(t testing.TB, pool *pgxpool.Pool, tables ...string) {
	t.Helper()
	rows, err := pool.Query(context.Background(), selectPrivileges, tables)
	if err != nil {
		t.Fatal(err)
	}
	var (
		table            string
		update, deletion bool
		found            int
	)
	_, err = pgx.ForEachRow(rows, []any{&table, &update, &deletion}, func() error {
		found++
		if update || deletion {
			t.Errorf("table %s: the service's role may update %t, delete %t", table, update, deletion)
		}
		if !slices.Contains(tables, table) {
			t.Errorf("table %s should be named as append-only", table)
			found--
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found != len(tables) {
		t.Errorf("%d of the tables %v exist", found, tables)
	}
}
