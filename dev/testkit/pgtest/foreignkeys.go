package pgtest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/dev/testkit/pglocal"
)

const selectForeignKeys = `select c.conname, c.conrelid::regclass::text, c.confrelid::regclass::text,
		c.conindid::regclass::text,
		string_agg(format('%I = (select null::%s)', a.attname, a.atttypid::regtype), ' and ')
	from pg_constraint c join pg_attribute a on a.attrelid = c.confrelid and a.attnum = any (c.confkey)
	where c.contype = 'f' group by c.oid`

// ForeignKeys checks that Postgres looks foreign keys up in the index that they reference also while the tables are
// empty. Such a plan is kept until the table has statistics: one with another index of the same columns would read
// all rows of a tenant with each insert.
func ForeignKeys(t testing.TB, db DB) {
	t.Helper()
	ctx := context.Background()
	// Row security does not apply to these look-ups.
	conn, err := pgx.Connect(ctx, Server(t).URL(pglocal.Superuser, db.name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	rows, err := conn.Query(ctx, selectForeignKeys)
	if err != nil {
		t.Fatal(err)
	}
	type foreignKey struct{ Name, Table, Referenced, Index, Condition string }
	keys, err := pgx.CollectRows(rows, pgx.RowToStructByPos[foreignKey])
	if err != nil {
		t.Fatal(err)
	}
	if len(keys) == 0 {
		t.Error("the schema has no foreign key to check")
	}
	for _, k := range keys {
		lookup := fmt.Sprintf(`explain (costs off) select 1 from only %s x where %s for key share of x`,
			k.Referenced, k.Condition)
		rows, err := conn.Query(ctx, lookup)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(plan, "\n"); !strings.Contains(text, " using "+k.Index+" ") {
			t.Errorf("%s of %s does not use %s:\n%s", k.Name, k.Table, k.Index, text)
		}
	}
}
