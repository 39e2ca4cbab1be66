package outbox_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
)

func migrateOnly(ctx context.Context, ownerURL string) error {
	return pg.Migrate(ctx, ownerURL, outbox.Schema)
}

func TestSchema_walls_tenants_off(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "outbox_schema", migrateOnly).Pool(t)
	pgtest.RowSecurity(t, pool)
	pgtest.PrepareStatements(t, pool)
}

// Ensure that what was written stays as written, also for the service's own role.
func TestSchema_forbids_rewriting(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "outbox_schema", migrateOnly).Pool(t)
	event := outbox.Event{Node: "cremona", Type: eventType, Aggregate: "a", AggregateSeq: 1, Data: []byte("x")}
	if err := pg.InTenant(t.Context(), pool, "cremona", func(ctx context.Context, tx pgx.Tx) error { return outbox.Append(ctx, tx, event) }); err != nil {
		t.Fatal(err)
	}
	for name, q := range map[string]string{
		"data":           `update outbox set data = 'y'`,
		"type":           `update outbox set type = 'y'`,
		"aggregate":      `update outbox set aggregate = 'y'`,
		"event id":       `update outbox set event_id = gen_random_uuid()`,
		"tenant":         `update outbox set node = 'cuneo'`,
		"born numbered":  `insert into outbox (node, event_id, type, aggregate, aggregate_seq, data, traceparent, node_seq) values ('cremona', gen_random_uuid(), 't', 'b', 1, '', '', 1)`,
		"half a number":  `update outbox set node_seq = 1`,
		"sent too early": `insert into outbox_partition (node, published_seq) values ('cremona', 1)`,
		"line deleted":   `delete from outbox_partition`,
		"other tenant":   `insert into outbox_partition (node) values ('cuneo')`,
		"emptied":        `truncate outbox`,
	} {
		err := pg.InTenant(t.Context(), pool, "cremona", func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, q)
			return err
		})
		if err == nil {
			t.Errorf("%s: was possible", name)
		}
	}
}

// Ensure that no statement of the relay looks at what is done: cost must not grow with history.
func TestStatements_do_not_read_history(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	pool := pgtest.New(t, "outbox_schema", migrateOnly).Pool(t)
	var plans map[string]string
	err := pg.InTenant(ctx, pool, "cremona", func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `insert into outbox (node, event_id, type, aggregate, aggregate_seq, data, traceparent)
			select 'cremona', gen_random_uuid(), 'it.pari.case.opened.v1', 'a' || i, 1, 'x', '' from generate_series(1, 20000) i`)
		if err == nil {
			_, err = tx.Exec(ctx, `update outbox set node_seq = id, prev_hash = decode(repeat('00', 32), 'hex'), key_id = 'k', signature = '' where id <= 19990`)
		}
		if err == nil {
			_, err = tx.Exec(ctx, `insert into outbox_partition (node, last_seq, published_seq) values ('cremona', 19990, 19980)`)
		}
		if err != nil {
			return err
		}
		plans, err = explain(ctx, tx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, plan := range plans {
		// The statistics are those of an empty table here, which is the worst case: nothing was analysed.
		if strings.Contains(plan, "Seq Scan on outbox ") || strings.Contains(plan, "Seq Scan on outbox o") {
			t.Errorf("%s reads the whole table:\n%s", name, plan)
		}
		if (name == "select unnumbered" || name == "update numbered") && !strings.Contains(plan, "outbox_unnumbered") {
			t.Errorf("%s does not use the index of unnumbered events:\n%s", name, plan)
		}
		if name == "update numbered" && !strings.Contains(plan, "(id = ANY") {
			t.Errorf("%s scans the backlog:\n%s", name, plan)
		}
	}
}

func explain(ctx context.Context, tx pgx.Tx) (map[string]string, error) {
	plans := map[string]string{}
	args := map[string][]any{
		"select unnumbered": {"cremona", 256},
		"select numbered":   {"cremona", 19981, 19990, 256},
		"count unnumbered":  {"cremona"},
		"increment resends": {"cremona", 5, 9},
		"delete old":        {"cremona", 30, 5000},
		"update numbered":   {"cremona", []int64{19991}, 19990, [][]byte{make([]byte, 32)}, "k", [][]byte{{1}}},
	}
	for name, a := range args {
		statement, ok := outbox.Statements[name]
		if !ok {
			return nil, fmt.Errorf("no statement %q", name)
		}
		rows, err := tx.Query(ctx, `explain `+statement, a...)
		if err != nil {
			return nil, err
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return nil, err
		}
		plans[name] = strings.Join(lines, "\n")
	}
	return plans, nil
}

func TestPrune_keeps_what_may_be_asked_for(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "outbox_schema", migrateOnly).Pool(t)
	in := func(f func(ctx context.Context, tx pgx.Tx) error) {
		t.Helper()
		if err := pg.InTenant(t.Context(), pool, "cremona", f); err != nil {
			t.Fatal(err)
		}
	}
	exec := func(q string) {
		t.Helper()
		in(func(ctx context.Context, tx pgx.Tx) error { _, err := tx.Exec(ctx, q); return err })
	}
	exec(`insert into outbox (node, event_id, type, aggregate, aggregate_seq, data, traceparent)
		select 'cremona', gen_random_uuid(), 'it.pari.case.opened.v1', 'a', i, 'x', '' from generate_series(1, 100) i`)
	exec(`update outbox set node_seq = aggregate_seq, prev_hash = decode(repeat('00', 32), 'hex'), key_id = 'k', signature = '' where aggregate_seq <= 90`)
	exec(`insert into outbox_partition (node, last_seq, published_seq, acknowledged_seq) values ('cremona', 90, 80, 70)`)
	exec(`insert into outbox_daily_offset (node, day, acknowledged_seq) values ('cremona', current_date - 60, 10), ('cremona', current_date - 31, 40), ('cremona', current_date - 30, 60), ('cremona', current_date, 70)`)
	count := func(q string) (n int64) {
		t.Helper()
		in(func(ctx context.Context, tx pgx.Tx) error { return tx.QueryRow(ctx, q).Scan(&n) })
		return n
	}
	// Ensure that only what was confirmed more than thirty days ago goes, and that a second call finds nothing.
	for i, want := range []int64{40, 0} {
		gone, err := outbox.Prune(t.Context(), pool, "cremona", outbox.RetentionDays)
		if err != nil || gone != want {
			t.Fatalf("call %d: %d gone, %v; wants %d", i, gone, err, want)
		}
	}
	if n, low := count(`select count(*) from outbox`), count(`select min(node_seq) from outbox`); n != 60 || low != 41 {
		t.Fatalf("%d left from %d on, wants 60 from 41 on", n, low)
	}
	if n := count(`select count(*) from outbox_daily_offset`); n != 3 {
		t.Fatalf("%d days are kept, wants 3", n)
	}
	// Ensure that another tenant's prune does not touch them.
	if gone, err := outbox.Prune(t.Context(), pool, "cuneo", 0); err != nil || gone != 0 {
		t.Fatalf("%d gone, %v", gone, err)
	}
}
