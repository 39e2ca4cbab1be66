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

// selectCascades returns the foreign keys through which a change of another table rewrites rows of the tables, or of a
// table that they follow in turn, when the service's role may make that change. Postgres makes it as the owner of the
// tables, so a privilege on the parent is one on its children.
const selectCascades = `with recursive rewriting as (
		select conrelid as child, confrelid as parent, confdeltype in ('c', 'n', 'd') as on_delete,
			confupdtype in ('c', 'n', 'd') as on_update, confkey
		from pg_constraint where contype = 'f'),
	reached as (
		select c.oid, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where n.nspname = 'public' and c.relkind in ('r', 'p') and c.relname = any ($1::text[])
		union select r.parent, reached.relname from rewriting r join reached on r.child = reached.oid
		where r.on_delete or r.on_update)
	select distinct reached.relname, r.parent::regclass::text,
		r.on_delete and has_table_privilege(r.parent, 'DELETE') as deletes,
		r.on_update and exists (select from unnest(r.confkey) k (n) where has_column_privilege(r.parent, n, 'UPDATE'))
			as updates
	from rewriting r join reached on r.child = reached.oid`

// AppendOnly checks that the service's role can neither change nor delete rows of the tables, also not through a
// foreign key that cascades, and that they include every table whose name ends with history, log or inbox.
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
	checkCascades(t, pool, tables)
}

func checkCascades(t testing.TB, pool *pgxpool.Pool, tables []string) {
	t.Helper()
	rows, err := pool.Query(context.Background(), selectCascades, tables)
	if err != nil {
		t.Fatal(err)
	}
	var (
		table, parent    string
		deletes, updates bool
	)
	_, err = pgx.ForEachRow(rows, []any{&table, &parent, &deletes, &updates}, func() error {
		if deletes || updates {
			t.Errorf("table %s: the service's role may rewrite it through %s: delete %t, update %t", table, parent,
				deletes, updates)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
