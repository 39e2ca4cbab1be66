package outbox_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
)

// Ensure what the centre does not count any more needs no decision and is not withdrawn again, as after a second
// restore from one backup: the centre would dead-letter the event.
func TestDecideLost_SkipsWhatIsWithdrawn(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t, "outbox_schema", migrateOutbox)
	e := &env{t: t, db: db.Pool(t), ownerURL: db.OwnerURL}
	const row = `insert into outbox_lost (tenant, event_id, type, aggregate, aggregate_seq, node_seq)
		values ('lombardia/cremona', gen_random_uuid(), 'it.pari.report.%s.v1', '%s', %d, %d)`
	e.asOwner(`set app.tenant = 'lombardia/cremona';` + fmt.Sprintf(row, "counted", "a", 1, 5) + ";" +
		fmt.Sprintf(row, "counted", "b", 1, 6) + ";" + fmt.Sprintf(row, "withdrawn", "a", 2, 7))
	decide := func(want int) {
		t.Helper()
		n, err := outbox.DecideLost(t.Context(), e.db, partition, outbox.Withdraw, []string{"a", "b"},
			func(string) (outbox.Event, error) { return outbox.Event{Type: "it.pari.report.withdrawn.v1"}, nil })
		if err != nil || n != want {
			t.Errorf("%d decided, %v; want %d", n, err, want)
		}
	}
	check := func(want ...outbox.Lost) {
		t.Helper()
		got, err := outbox.ListLost(t.Context(), e.db, partition)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	a := outbox.Lost{Aggregate: "a", Events: 2, LastSeq: 2, Decision: outbox.Withdraw}
	b := outbox.Lost{Aggregate: "b", Events: 1, LastSeq: 1}
	check(a, b)
	decide(1)
	decide(0)
	b.Decision = outbox.Withdraw
	check(a, b)
	var events string
	err := pg.InTenant(t.Context(), e.db, bustest.Cremona, func(ctx context.Context, tx pgx.Tx) error {
		const query = `select string_agg(aggregate || ' ' || aggregate_seq, ', ') from outbox`
		return tx.QueryRow(ctx, query).Scan(&events)
	})
	if err != nil || events != "b 2" {
		t.Errorf("events %q, %v; want those of b", events, err)
	}
}
