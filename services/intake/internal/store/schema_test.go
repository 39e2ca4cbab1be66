package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/services/intake/internal/store"
)

func TestSchema(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t, "intake", store.Migrate)
	pgtest.ForeignKeys(t, db)
	pool := db.Pool(t)
	pgtest.PrepareStatements(t, pool)
	pgtest.RowSecurity(t, pool)
	pgtest.AppendOnly(t, pool, "report_history", "access_log")
}

// insertPast inserts 20,000 reports that were taken in charge. The three oldest and the three newest are still handing
// over.
const insertPast = `
	insert into report (tenant, report_id, number, received_on, state, version, channel, reporter_role, anonymous,
		grounds, wish, incident_place, language, urgent, notice_version, consent_codes, consent_statuses,
		sealed_content, receipt_lookup, case_id, case_number)
	select 'lombardia/cremona', gen_random_uuid(), 'CR-' || i, date '2020-01-01' + i / 10,
		case when pending then 'HANDING_OVER' else 'TAKEN_IN_CHARGE' end, 2, 'PHONE', 'VICTIM', false,
		'{SEX}', 'HELP', '019036', '', false, '2026-01', '{}', '{}',
		'x', i::text::bytea,
		case when not pending then gen_random_uuid() end, case when not pending then 'CR-F-' || i end
	from (select i, i <= 3 or i > 19997 as pending from generate_series(1, 20000) i) n;
	insert into handover (tenant, handover_id, report_id, person, system, decided_at, retry_at, completed)
	select tenant, gen_random_uuid(), report_id, 'anna', 'console', now() - seq * interval '1 minute',
		now() - seq * interval '1 minute', state <> 'HANDING_OVER'
	from (select *, row_number() over (order by number) as seq from report) r;
	insert into report_history (tenant, report_id, version, at, person, actor_tenant, system, what, from_state,
		to_state)
	select tenant, report_id, v, now(), 'anna', 'lombardia/cremona', 'console', 'SUBMITTED', '', state
	from report, generate_series(1, 2) v`

// Ensure the cost of lists does not grow with history: no plan reads rows that it does not return. Postgres may switch
// to a generic plan after some executions, so each plan is read after ten.
func TestStatements_DoNotReadHistory(t *testing.T) {
	t.Parallel()
	pool := withHistory(t)
	const every = `'{RECEIVED,HANDING_OVER,TAKEN_IN_CHARGE}'`
	const second = `'2025-01-01', true, gen_random_uuid(), 51`
	const last = `'2020-01-04', true, gen_random_uuid(), 51`
	const first = `'infinity', true, 'ffffffff-ffff-ffff-ffff-ffffffffffff'`
	err := pg.InTenant(t.Context(), pool, cremona, func(ctx context.Context, tx pgx.Tx) error {
		for i, c := range []struct{ name, statement, args string }{
			{"first page", "select reports", `'lombardia/cremona', ` + every + `, ` + first + `, 51`},
			{"last page", "select reports", `'lombardia/cremona', ` + every + `, ` + last},
			{"first page of a state", "select reports", `'lombardia/cremona', '{HANDING_OVER}', ` + first + `, 51`},
			{"next page of a state", "select reports", `'lombardia/cremona', '{HANDING_OVER}', ` + second},
			{"report with a number", "select report by number", `'lombardia/cremona', 'CR-7'`},
			{"pending hand-overs", "select pending handovers", `'lombardia/cremona', 50`},
			{"hand-over of a report", "select handover", `'lombardia/cremona', gen_random_uuid()`},
			{"history of a report", "select history", `'lombardia/cremona', gen_random_uuid()`},
		} {
			plan, err := explain(ctx, tx, fmt.Sprintf("s%d", i), store.Statements[c.statement], c.args)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			if strings.Contains(plan, "Seq Scan") || strings.Contains(plan, "Rows Removed") {
				t.Errorf("%s reads rows that it does not return:\n%s", c.name, plan)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// withHistory returns a database with the rows of insertPast, analysed as autovacuum would.
func withHistory(t *testing.T) *pgxpool.Pool {
	t.Helper()
	db := pgtest.New(t, "intake", store.Migrate)
	pool := db.Pool(t)
	if err := pg.InTenant(t.Context(), pool, cremona, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, insertPast)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	owner, err := pgx.Connect(t.Context(), db.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = owner.Close(context.Background()) }()
	if _, err := owner.Exec(t.Context(), `analyze report, handover, report_history`); err != nil {
		t.Fatal(err)
	}
	return pool
}

// explain returns the plan of the eleventh execution of a statement.
func explain(ctx context.Context, tx pgx.Tx, name, statement, args string) (string, error) {
	if _, err := tx.Exec(ctx, "prepare "+name+" as "+statement); err != nil {
		return "", err
	}
	for range 10 {
		if _, err := tx.Exec(ctx, "execute "+name+"("+args+")"); err != nil {
			return "", err
		}
	}
	rows, err := tx.Query(ctx, "explain (analyze, costs off, timing off, summary off) execute "+name+"("+args+")")
	if err != nil {
		return "", err
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return strings.Join(lines, "\n"), err
}
