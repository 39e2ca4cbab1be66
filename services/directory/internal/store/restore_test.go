package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/services/directory/internal/activity"
	"github.com/retepari/pari/services/directory/internal/store"
)

// Ensure that after a restore the events of a contribution follow those that reporting has, that the current one is
// sent although the restored directory has published the same before, and that one whose entry was lost is withdrawn.
// Running servers notice it.
func TestRestored(t *testing.T) {
	t.Parallel()
	db := newCentre(t)
	pool := db.Pool(t)
	publish := func(want int, contributions ...activity.Contribution) {
		t.Helper()
		if n, err := store.Publish(t.Context(), pool, 1, "lombardia", contributions); err != nil || n != want {
			t.Fatalf("%d published, %v; want %d", n, err, want)
		}
	}
	publish(2, sessions("a", 1), sessions("b", 1))
	listener, err := pgx.Connect(t.Context(), db.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close(context.Background()) }()
	if _, err := listener.Exec(t.Context(), `listen directory_changed`); err != nil {
		t.Fatal(err)
	}
	owner, err := pgxpool.New(t.Context(), db.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	centre := tenant.ID{Region: "lombardia", Node: tenant.CentreNode}
	err = pg.InTenant(t.Context(), owner, centre, func(ctx context.Context, tx pgx.Tx) error {
		for aggregate, seq := range map[string]int64{"initiative.a": 4, "initiative.lost": 2} {
			known, err := store.Restored{}.Lock(ctx, tx, centre, aggregate)
			if err != nil || !known {
				t.Errorf("%s: known %t, %v", aggregate, known, err)
			}
			if err := (store.Restored{}).Continue(ctx, tx, centre, aggregate, seq); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if n, err := listener.WaitForNotification(ctx); err != nil || n.Payload != "reload" {
		t.Errorf("notified of %+v, %v", n, err)
	}
	publish(2, sessions("a", 1), sessions("b", 1))
	publish(0, sessions("a", 1), sessions("b", 1))
	want := []string{
		"initiative.a 1 activity.counted.v1 1", "initiative.b 1 activity.counted.v1 1",
		"initiative.a 5 activity.counted.v1 1", "initiative.lost 3 activity.counted.v1 0",
	}
	if diff := cmp.Diff(want, listEvents(t, pool, "lombardia")); diff != "" {
		t.Error(diff)
	}
}
