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
	"github.com/retepari/pari/services/casemanagement/internal/store"
)

func TestSchema(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t, "casemanagement", store.Migrate)
	pgtest.ForeignKeys(t, db)
	pool := db.Pool(t)
	pgtest.PrepareStatements(t, pool)
	pgtest.RowSecurity(t, pool)
	pgtest.AppendOnly(t, pool, "case_report", "assessment", "action", "case_history", "access_log")
}

// insertPast inserts 20,000 cases that were assessed and closed. The three oldest and the three newest are still in
// charge.
const insertPast = `
	insert into case_file (tenant, case_id, number, pseudonym, state, version, episode, received_year, received_month,
		channel, reporter_role, opened_at, closed_at, assessment_version, event_seq, outcome,
		secondary_outcomes, person_informed)
	select 'lombardia/cremona', gen_random_uuid(), 'CR-C-' || i, gen_random_uuid(),
		case when open then 'TAKEN_IN_CHARGE' else 'CLOSED' end, 3, 1, 2026, 11,
		'PHONE', 'VICTIM', now(), case when not open then now() end, 2, 3,
		case when not open then 'REMOVED' end, '{}', true
	from (select i, i <= 3 or i > 19997 as open from generate_series(1, 20000) i) n;
	insert into case_report (tenant, report_id, case_id) select tenant, gen_random_uuid(), case_id from case_file;
	insert into assessment (tenant, case_id, version, verdict, grounds, main_ground, type, flags, field, author_kinds,
		event_place, residence, sensitivity)
	select tenant, case_id, v, 'PERTINENT_LEGAL', '{SEX}', 'SEX', 'DIRECT', '{}', 'WORK', '{COMPANY}', 'ND', 'ND', 'S2'
	from case_file, generate_series(2, 3) v;
	insert into action (tenant, case_id, action_id, version, code, result, referral_target, minutes, at, person,
		actor_tenant, system)
	select tenant, case_id, gen_random_uuid(), 3, 'MEDIATION', 'POSITIVE', '', 0, now(), 'ugo', tenant, 'console'
	from case_file;
	insert into case_history (tenant, case_id, version, at, person, actor_tenant, system, what, from_state, to_state)
	select tenant, case_id, v, now(), 'ugo', tenant, 'console', 'OPENED', '', state
	from case_file, generate_series(1, 3) v`

// Ensure the cost of reading does not grow with history: no plan reads rows that it does not return. Postgres may
// switch to a generic plan after some executions, so each plan is read after ten.
func TestStatements_DoNotReadHistory(t *testing.T) {
	t.Parallel()
	pool := withHistory(t)
	err := pg.InTenant(t.Context(), pool, cremona, func(ctx context.Context, tx pgx.Tx) error {
		for i, c := range []struct{ name, statement, args string }{
			{"first page", "select cases", `'lombardia/cremona', '', 0, 51`},
			{"last page", "select cases", `'lombardia/cremona', '', 40, 51`},
			{"first page of a state", "select cases", `'lombardia/cremona', 'TAKEN_IN_CHARGE', 0, 51`},
			{"next page of a state", "select cases", `'lombardia/cremona', 'TAKEN_IN_CHARGE', 19990, 51`},
			{"page of a state without cases", "select cases", `'lombardia/cremona', 'ARCHIVED', 0, 51`},
			{"case with a number", "select case by number", `'lombardia/cremona', 'CR-C-7'`},
			{"case", "select case", `'lombardia/cremona', gen_random_uuid()`},
			{"lock of a case", "lock case", `'lombardia/cremona', gen_random_uuid()`},
			{"case of a report", "select case by report", `'lombardia/cremona', gen_random_uuid()`},
			{"actions of a case", "select actions", `'lombardia/cremona', gen_random_uuid()`},
			{"history of a case", "select history", `'lombardia/cremona', gen_random_uuid()`},
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
	db := pgtest.New(t, "casemanagement", store.Migrate)
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
	_, err = owner.Exec(t.Context(), `analyze case_file, case_report, assessment, action, case_history`)
	if err != nil {
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
