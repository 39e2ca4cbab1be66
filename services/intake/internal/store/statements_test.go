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

func TestStatements(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "intake", store.Migrate).Pool(t)
	pgtest.Prepares(t, pool, store.Statements)
	pgtest.RowSecurity(t, pool)
}

// history fills a node with 20,000 reports that were taken in charge; the three oldest and the three newest wait for it.
const history = `
	insert into report (node, report_id, number, received_at, state, version, channel, reporter_role, anonymous, grounds, wish, incident_place,
		language, urgent, notice_version, consent_codes, consent_statuses, key_id, sealed_narrative, receipt_lookup, case_id, case_number)
	select 'cremona', gen_random_uuid(), 'CR-' || i, now(), case when waits then 'HANDING_OVER' else 'TAKEN_IN_CHARGE' end, 2, 'PHONE', 'VICTIM',
		false, '{SEX}', 'HELP', '019036', '', false, '2026-01', '{}', '{}', gen_random_uuid(), 'x', i::text::bytea,
		case when not waits then gen_random_uuid() end, case when not waits then 'CR-F-' || i end
	from (select i, i <= 3 or i > 19997 as waits from generate_series(1, 20000) i) n;
	insert into handover (node, handover_id, report_id, person, system, decided_at, done)
	select node, gen_random_uuid(), report_id, 'anna', 'console', now() - seq * interval '1 minute', state <> 'HANDING_OVER' from report;
	insert into report_history (node, report_id, version, at, person, acting_for, system, what, from_state, to_state)
	select node, report_id, v, now(), 'anna', 'cremona', 'console', 'SUBMITTED', '', state from report, generate_series(1, 2) v`

// Ensure no list looks at what is done or at what lies before its page: cost must not grow with history. Postgres may plan
// a statement once for all arguments after some calls, so each is looked at after ten.
func TestStatements_DoNotReadHistory(t *testing.T) {
	t.Parallel()
	pool := withHistory(t)
	err := pg.InTenant(t.Context(), pool, "cremona", func(ctx context.Context, tx pgx.Tx) error {
		for i, c := range []struct{ name, statement, args string }{
			{"first page", "list", `'cremona', '', 0, 51`},
			{"last page", "list", `'cremona', '', 40, 51`},
			{"first page of a state", "list", `'cremona', 'HANDING_OVER', 0, 51`},
			{"next page of a state", "list", `'cremona', 'HANDING_OVER', 19990, 51`},
			{"open hand-overs", "open handover", `'cremona', 50`},
			{"hand-over of a report", "handover", `'cremona', gen_random_uuid()`},
			{"history of a report", "histories", `'cremona', gen_random_uuid()`},
		} {
			plan, err := explain(ctx, tx, fmt.Sprintf("s%d", i), store.Statements[c.statement], c.args)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			if strings.Contains(plan, "Seq Scan") || strings.Contains(plan, "Rows Removed") {
				t.Errorf("%s reads what it does not return:\n%s", c.name, plan)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// withHistory returns a database with the history above, and with statistics as autovacuum would leave them.
func withHistory(t *testing.T) *pgxpool.Pool {
	t.Helper()
	db := pgtest.New(t, "intake", store.Migrate)
	pool := db.Pool(t)
	if err := pg.InTenant(t.Context(), pool, "cremona", func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, history)
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
