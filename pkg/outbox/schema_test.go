package outbox_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
)

func TestSchema(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "outbox_schema", migrateOutbox).Pool(t)
	pgtest.RowSecurity(t, pool)
	pgtest.PrepareStatements(t, pool)
}

// execAs runs statements in one transaction of a tenant.
func execAs(t *testing.T, pool *pgxpool.Pool, of tenant.ID, statements ...string) error {
	t.Helper()
	return pg.InTenant(t.Context(), pool, of, func(ctx context.Context, tx pgx.Tx) error {
		for _, sql := range statements {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return fmt.Errorf("%s: %w", sql, err)
			}
		}
		return nil
	})
}

const (
	// insertUnnumbered appends events of one aggregate, up to a number.
	insertUnnumbered = `insert into outbox (tenant, event_id, type, aggregate, aggregate_seq, data, traceparent)
		select 'lombardia/cremona', gen_random_uuid(), 'it.pari.case.opened.v1', 'a', i, 'x', ''
		from generate_series(1, %d) i`
	// numberEvents numbers them, up to a number.
	numberEvents = `update outbox set node_seq = aggregate_seq, prev_hash = decode(repeat('00', 32), 'hex'),
		key_id = 'k', signature = '' where aggregate_seq <= %d`
)

// Ensure the service's own role cannot rewrite what was stored, nor skip the order of numbering and sending.
func TestSchema_ForbidsRewriting(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "outbox_schema", migrateOutbox).Pool(t)
	if err := execAs(t, pool, bustest.Cremona, fmt.Sprintf(insertUnnumbered, 1)); err != nil {
		t.Fatal(err)
	}
	for name, sql := range map[string]string{
		"data":         `update outbox set data = 'y'`,
		"type":         `update outbox set type = 'y'`,
		"aggregate":    `update outbox set aggregate = 'y'`,
		"event id":     `update outbox set event_id = gen_random_uuid()`,
		"tenant":       `update outbox set tenant = 'trentino/cremona'`,
		"half numbers": `update outbox set node_seq = 1`,
		"stored with a number": `insert into outbox
				(tenant, event_id, type, aggregate, aggregate_seq, data, traceparent, node_seq)
			values ('lombardia/cremona', gen_random_uuid(), 't', 'b', 1, '', '', 1)`,
		"sent before numbered": `insert into outbox_partition (tenant, published_seq) values ('lombardia/cremona', 1)`,
		"partition deleted":    `delete from outbox_partition`,
		"another tenant":       `insert into outbox_partition (tenant) values ('piemonte/cuneo')`,
		"a namesake":           `insert into outbox_partition (tenant) values ('trentino/cremona')`,
		"truncated":            `truncate outbox`,
	} {
		if err := execAs(t, pool, bustest.Cremona, sql); err == nil {
			t.Errorf("%s: allowed", name)
		}
	}
}

// Ensure no statement of the relay scans events that are done, so its cost does not grow with history.
func TestStatements_DoNotScanHistory(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "outbox_schema", migrateOutbox).Pool(t)
	// Nothing is analysed, so the statistics are those of an empty table, which is the worst case.
	var plans map[string]string
	err := pg.InTenant(t.Context(), pool, bustest.Cremona, func(ctx context.Context, tx pgx.Tx) (err error) {
		for _, sql := range []string{
			fmt.Sprintf(insertUnnumbered, 20_000), fmt.Sprintf(numberEvents, 19_990),
			`insert into outbox_partition (tenant, last_seq, published_seq) values ('lombardia/cremona', 19990, 19980)`,
		} {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return err
			}
		}
		plans, err = explain(ctx, tx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, plan := range plans {
		if strings.Contains(plan, "Seq Scan on outbox ") || strings.Contains(plan, "Seq Scan on outbox o") {
			t.Errorf("%s scans the whole table:\n%s", name, plan)
		}
		unnumbered := name == "select unnumbered" || name == "update numbered"
		if unnumbered && !strings.Contains(plan, "outbox_unnumbered") {
			t.Errorf("%s does not use the index of unnumbered events:\n%s", name, plan)
		}
		if name == "update numbered" && !strings.Contains(plan, "(id = ANY") {
			t.Errorf("%s scans all unnumbered events:\n%s", name, plan)
		}
	}
}

// explain returns the plans of the statements that read or change events.
func explain(ctx context.Context, tx pgx.Tx) (map[string]string, error) {
	plans := map[string]string{}
	for name, args := range map[string][]any{
		"select unnumbered": {bustest.Cremona, 256},
		"select numbered":   {bustest.Cremona, 19981, 19990, 256},
		"count unnumbered":  {bustest.Cremona},
		"increment resends": {bustest.Cremona, 5, 9},
		"delete old":        {bustest.Cremona, 30, 5000},
		"update numbered": {
			bustest.Cremona, []int64{19991}, 19990, [][]byte{make([]byte, 32)}, "k", [][]byte{{1}},
		},
	} {
		statement, ok := outbox.Statements[name]
		if !ok {
			return nil, fmt.Errorf("no statement %q", name)
		}
		rows, err := tx.Query(ctx, `explain `+statement, args...)
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
