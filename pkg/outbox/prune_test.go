package outbox_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
)

// Ensure only events that the centre acknowledged more than thirty days ago are deleted, and only those of the
// tenant.
func TestPrune(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "outbox_schema", migrateOutbox).Pool(t)
	if err := execAs(t, pool, bustest.Cremona,
		fmt.Sprintf(insertUnnumbered, 100), fmt.Sprintf(numberEvents, 90),
		`insert into outbox_partition (tenant, last_seq, published_seq, acknowledged_seq)
			values ('lombardia/cremona', 90, 80, 70)`,
		`insert into outbox_daily_offset (tenant, day, acknowledged_seq)
			select 'lombardia/cremona', current_date - days, seq
			from (values (60, 10), (31, 40), (30, 60), (0, 70)) offsets (days, seq)`,
	); err != nil {
		t.Fatal(err)
	}
	count := func(sql string) (n int64) {
		t.Helper()
		err := pg.InTenant(t.Context(), pool, bustest.Cremona, func(ctx context.Context, tx pgx.Tx) error {
			return tx.QueryRow(ctx, sql).Scan(&n)
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for i, want := range []int64{40, 0} {
		deleted, err := outbox.Prune(t.Context(), pool, bustest.Cremona, outbox.RetentionDays)
		if err != nil || deleted != want {
			t.Fatalf("call %d: deleted %d, %v; want %d", i, deleted, err, want)
		}
	}
	remaining, first := count(`select count(*) from outbox`), count(`select min(node_seq) from outbox`)
	if remaining != 60 || first != 41 {
		t.Fatalf("%d events remain from %d on, want 60 from 41 on", remaining, first)
	}
	if n := count(`select count(*) from outbox_daily_offset`); n != 3 {
		t.Fatalf("%d daily offsets remain, want 3", n)
	}
	for _, another := range []tenant.ID{bustest.Cuneo, {Region: "trentino", Node: "cremona"}} {
		if deleted, err := outbox.Prune(t.Context(), pool, another, 0); err != nil || deleted != 0 {
			t.Fatalf("%s: deleted %d, %v", another, deleted, err)
		}
	}
	pool.Close()
	if deleted, err := outbox.Prune(t.Context(), pool, bustest.Cremona, 0); err == nil || deleted != 0 {
		t.Errorf("without a database: deleted %d, %v", deleted, err)
	}
}
