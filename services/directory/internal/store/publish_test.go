package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	eventsv1 "github.com/retepari/pari/proto/gen/pari/events/v1"
	"github.com/retepari/pari/services/directory/internal/activity"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/store"
)

// sessions is the contribution of an initiative with n sessions.
func sessions(id string, n int64) activity.Contribution {
	ref := entry.NewRef("initiative", id)
	row := &eventsv1.ActivityRow{Measure: activity.SessionsHeld, Year: 2026, Node: "cremona", Value: n}
	return activity.Contribution{Region: "lombardia", Ref: ref, Event: &eventsv1.ActivityCounted{
		Entry: string(ref), Rows: []*eventsv1.ActivityRow{row},
	}}
}

// target is the contribution of a programme with one indicator.
func target(id string, n int64) activity.Contribution {
	event := &eventsv1.IndicatorsCounted{
		Programme: id, Rows: []*eventsv1.IndicatorRow{{Code: "IND_WORKSHOPS", Target: n}},
	}
	return activity.Contribution{Region: "lombardia", Ref: entry.NewRef("programme", id), Event: event}
}

// listEvents returns the events of a region in the order in which they were written: aggregate, sequence, type and
// number of rows.
func listEvents(t *testing.T, pool *pgxpool.Pool, region string) (events []string) {
	t.Helper()
	centre := tenant.ID{Region: region, Node: tenant.CentreNode}
	err := pg.InTenant(t.Context(), pool, centre, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select aggregate, aggregate_seq, type, data from outbox order by id`)
		if err != nil {
			return err
		}
		var (
			aggregate, kind string
			seq             int64
			data            []byte
		)
		_, err = pgx.ForEachRow(rows, []any{&aggregate, &seq, &kind, &data}, func() error {
			n := 0
			if strings.HasPrefix(aggregate, "programme.") {
				var m eventsv1.IndicatorsCounted
				err = proto.Unmarshal(data, &m)
				n = len(m.GetRows())
			} else {
				var m eventsv1.ActivityCounted
				err = proto.Unmarshal(data, &m)
				n = len(m.GetRows())
			}
			events = append(events, fmt.Sprintf("%s %d %s %d", aggregate, seq, strings.TrimPrefix(kind, "it.pari."), n))
			return err
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// Ensure only changed contributions are published, each with the next number of its entry, and that a removed
// contribution is withdrawn once.
func TestPublish(t *testing.T) {
	t.Parallel()
	pool := newCentre(t).Pool(t)
	publish := func(want int, contributions ...activity.Contribution) {
		t.Helper()
		if n, err := store.Publish(t.Context(), pool, 1, "lombardia", contributions); err != nil || n != want {
			t.Fatalf("%d published, %v; want %d", n, err, want)
		}
	}
	publish(0)
	publish(3, sessions("a", 1), sessions("b", 1), target("p", 5))
	publish(0, target("p", 5), sessions("b", 1), sessions("a", 1))
	publish(1, sessions("a", 2), sessions("b", 1), target("p", 5))
	publish(2, sessions("a", 2))
	publish(0, sessions("a", 2))
	publish(1, sessions("a", 2), sessions("b", 1))
	want := []string{
		"initiative.a 1 activity.counted.v1 1", "initiative.b 1 activity.counted.v1 1",
		"programme.p 1 programme.counted.v1 1",
		"initiative.a 2 activity.counted.v1 1",
		"initiative.b 2 activity.counted.v1 0", "programme.p 2 programme.counted.v1 0",
		"initiative.b 3 activity.counted.v1 1",
	}
	if diff := cmp.Diff(want, listEvents(t, pool, "lombardia")); diff != "" {
		t.Error(diff)
	}
	// Another region publishes an entry of the same name separately.
	n, err := store.Publish(t.Context(), pool, 1, "piemonte", []activity.Contribution{sessions("a", 2)})
	if err != nil || n != 1 {
		t.Errorf("%d published, %v", n, err)
	}
	regions, err := store.ListPublishedRegions(t.Context(), pool)
	if err != nil || !slices.Equal(regions, []string{"lombardia", "piemonte"}) {
		t.Errorf("published for %v, %v", regions, err)
	}
}

// Ensure a server with an older revision publishes nothing, and that a new day changes the contributions of the same
// revision.
func TestPublish_OfAnOlderRevision(t *testing.T) {
	t.Parallel()
	pool := newCentre(t).Pool(t)
	for _, step := range []struct {
		revision, sessions int64
		want               int
	}{{5, 1, 1}, {6, 2, 1}, {5, 1, 0}, {6, 2, 0}, {6, 3, 1}, {7, 3, 0}, {6, 4, 1}, {8, 1, 1}, {7, 4, 0}} {
		contributions := []activity.Contribution{sessions("a", step.sessions)}
		n, err := store.Publish(t.Context(), pool, step.revision, "lombardia", contributions)
		if err != nil || n != step.want {
			t.Errorf("%+v: %d published, %v", step, n, err)
		}
	}
}

// Ensure concurrent servers publish each contribution once.
func TestPublish_Concurrently(t *testing.T) {
	t.Parallel()
	pool := newCentre(t).Pool(t)
	var all []activity.Contribution
	for i := range 40 {
		all = append(all, sessions(fmt.Sprintf("s%02d", i), 1))
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := store.Publish(context.Background(), pool, 1, "lombardia", all); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if events := listEvents(t, pool, "lombardia"); len(events) != len(all) {
		t.Errorf("%d events, want %d", len(events), len(all))
	}
}

// Ensure contributions that are too large for an event, or have too long a name, are named and do not stop the others.
func TestPublish_LeavesOutInvalidEvents(t *testing.T) {
	t.Parallel()
	pool := newCentre(t).Pool(t)
	big := sessions("big", 1)
	for range 2000 {
		m := big.Event.(*eventsv1.ActivityCounted)
		row := &eventsv1.ActivityRow{Measure: activity.SessionsHeld, Year: 2026, Node: "cremona", Value: 1}
		m.Rows = append(m.Rows, row)
	}
	long := sessions(strings.Repeat("long", 50), 1)
	all := []activity.Contribution{big, long, sessions("small", 1)}
	n, err := store.Publish(t.Context(), pool, 1, "lombardia", all)
	if n != 1 || !errors.Is(err, outbox.ErrEvent) || !strings.Contains(err.Error(), "initiative/big") ||
		!strings.Contains(err.Error(), "initiative/longlong") {
		t.Errorf("%d published, %v", n, err)
	}
	// What was never published needs no withdrawal.
	n, err = store.Publish(t.Context(), pool, 1, "lombardia", []activity.Contribution{sessions("small", 1)})
	if n != 0 || err != nil {
		t.Errorf("%d published, %v", n, err)
	}
}

func TestListFirstSeen(t *testing.T) {
	t.Parallel()
	db := newCentre(t)
	load(t, db, nil, desk("a", "A"))
	// 23:30 UTC on the 24th is the 25th in Rome.
	entries := []*directoryv1.Entry{desk("a", "B"), desk("b", "B")}
	if _, err := store.Load(t.Context(), db.OwnerURL, nil, entries, now.Add(13*time.Hour+30*time.Minute)); err != nil {
		t.Fatal(err)
	}
	got, err := store.ListFirstSeen(t.Context(), db.Pool(t))
	if err != nil {
		t.Fatal(err)
	}
	want := map[entry.Ref]string{"office/a": "2026-11-24", "office/b": "2026-11-25"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
