package pg_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/pg"
)

// Ensure every row is there once, in order, with its own values, however many come together.
func TestInsert(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t, "insert", func(ctx context.Context, ownerURL string) error {
		conn, err := pgx.Connect(ctx, ownerURL)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(ctx) }()
		_, err = conn.Exec(ctx, `create table thing (batch int not null, place int not null, name text, parts text[] not null, seq bigint generated always as identity);
			grant select, insert on thing to pari_app`)
		return err
	})
	pool := db.Pool(t)
	insert := pg.InsertInto("thing", "batch", "place", "name", "parts")
	for n := range 50 {
		b := &pgx.Batch{}
		rows := make([][]any, n)
		for i := range rows {
			var name *string
			if i%3 > 0 {
				text := fmt.Sprint("name ", i)
				name = &text
			}
			rows[i] = []any{n, i, name, []string{fmt.Sprint(i), "x"}}
		}
		insert.Queue(b, rows...)
		if err := pool.SendBatch(t.Context(), b).Close(); err != nil {
			t.Fatal(err)
		}
		var count, ordered, right int
		if err := pool.QueryRow(t.Context(), `select count(*), count(*) filter (where place = rank - 1),
				count(*) filter (where parts = array[place::text, 'x'] and name is not distinct from case when place % 3 > 0 then 'name ' || place end)
			from (select *, row_number() over (order by seq) as rank from thing where batch = $1) t`, n).Scan(&count, &ordered, &right); err != nil {
			t.Fatal(err)
		}
		if count != n || ordered != n || right != n {
			t.Errorf("of %d rows %d are there, %d in their place, %d with their values", n, count, ordered, right)
		}
	}
}
