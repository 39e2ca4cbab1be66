package pg_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/pg"
)

const (
	createThing = `create table thing (
			batch int not null, place int not null, name text, parts text[] not null,
			seq bigint generated always as identity
		);
		grant select, insert on thing to pari_app`
	// checkThings counts the rows of a batch, those that are in their place, and those that have their own values.
	checkThings = `select count(*), count(*) filter (where place = rank - 1),
			count(*) filter (where parts = array[place::text, 'x']
				and name is not distinct from case when place % 3 > 0 then 'name ' || place end)
		from (select *, row_number() over (order by seq) as rank from thing where batch = $1) t`
)

// Ensure every row is inserted once, in order and with its own values, whatever the number of rows.
func TestInsert_Queue(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "insert", func(ctx context.Context, ownerURL string) error {
		conn, err := pgx.Connect(ctx, ownerURL)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(ctx) }()
		_, err = conn.Exec(ctx, createThing)
		return err
	}).Pool(t)
	insert := pg.InsertInto("thing", "batch", "place", "name", "parts")
	for n := range 50 {
		rows := make([][]any, n)
		for i := range rows {
			var name *string
			if i%3 > 0 {
				text := fmt.Sprint("name ", i)
				name = &text
			}
			rows[i] = []any{n, i, name, []string{fmt.Sprint(i), "x"}}
		}
		b := &pgx.Batch{}
		insert.Queue(b, rows...)
		if err := pool.SendBatch(t.Context(), b).Close(); err != nil {
			t.Fatal(err)
		}
		var count, inPlace, intact int
		if err := pool.QueryRow(t.Context(), checkThings, n).Scan(&count, &inPlace, &intact); err != nil {
			t.Fatal(err)
		}
		if count != n || inPlace != n || intact != n {
			t.Errorf("of %d rows %d are stored, %d in place, %d intact", n, count, inPlace, intact)
		}
	}
}

// Ensure many rows take few statements, of few sizes: every connection prepares each.
func TestInsert_QueuesInChunks(t *testing.T) {
	t.Parallel()
	insert := pg.InsertInto("thing", "batch")
	for rows, want := range map[int]int{0: 0, 1: 1, 3: 3, 4: 1, 16: 1, 23: 1 + 1 + 3, 40: 2 + 2} {
		values := make([][]any, rows)
		for i := range values {
			values[i] = []any{i}
		}
		b := &pgx.Batch{}
		insert.Queue(b, values...)
		if b.Len() != want {
			t.Errorf("%d rows take %d statements, want %d", rows, b.Len(), want)
		}
	}
}

// Ensure a row with too few or too many values panics instead of shifting the others.
func TestInsert_PanicsOnARowOfAnotherLength(t *testing.T) {
	t.Parallel()
	for _, row := range [][]any{{1}, {1, 2, 3}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%d values for two columns were queued", len(row))
				}
			}()
			pg.InsertInto("thing", "batch", "place").Queue(&pgx.Batch{}, row)
		}()
	}
}
