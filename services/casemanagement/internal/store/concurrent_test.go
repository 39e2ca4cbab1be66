package store_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/services/casemanagement/internal/casefile"
	"github.com/retepari/pari/services/casemanagement/internal/store"
)

// concurrently runs f eight times concurrently.
func concurrently(f func(i int)) {
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

// checkSequences checks that the versions in a case's history are 1, 2, 3 … up to its own, and likewise the numbers of
// its events.
func checkSequences(t *testing.T, cases *store.Cases, pool *pgxpool.Pool, id string) {
	t.Helper()
	f := get(t, cases, id)
	for i, h := range f.History {
		if h.Version != int64(i+1) {
			t.Errorf("entry %d has version %d", i, h.Version)
		}
	}
	last := f.History[len(f.History)-1]
	if int64(len(f.History)) != f.Case.Version || last.To != f.Case.State {
		t.Errorf("history ends at version %d, %s; the case is at %d, %s", len(f.History), last.To, f.Case.Version,
			f.Case.State)
	}
	var want []int64
	for n := range f.Case.EventSeq {
		want = append(want, n+1)
	}
	got := query[int64](t, pool, cremona,
		`select aggregate_seq from outbox where aggregate = '`+f.Case.Pseudonym+`' order by id`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events: %s", diff)
	}
}

func countTrue(values []bool) (n int) {
	for _, v := range values {
		if v {
			n++
		}
	}
	return n
}

// Ensure concurrent and repeated calls open one case for a report.
func TestCases_Open_OncePerReport(t *testing.T) {
	t.Parallel()
	cases, pool := setup(t)
	reportID := uuid.NewString()
	ids, opened := make([]string, 8), make([]bool, 8)
	concurrently(func(i int) {
		c, replayed, err := cases.Open(context.Background(), newCase(cremona, reportID), nil)
		if err != nil {
			t.Error(err)
			return
		}
		ids[i], opened[i] = c.ID, !replayed
	})
	again, replayed, err := cases.Open(t.Context(), newCase(cremona, reportID), nil)
	if err != nil || !replayed {
		t.Fatalf("replayed %t, %v", replayed, err)
	}
	if len(slices.Compact(append(ids, again.ID))) != 1 {
		t.Errorf("cases %v", ids)
	}
	if n := countTrue(opened); n != 1 {
		t.Errorf("%d calls opened a case, want 1", n)
	}
	want := map[string]int{
		"case_file": 1, "case_report": 1, "assessment": 0, "action": 0, "case_history": 1, "idempotency_key": 0,
		"outbox": 1,
	}
	if diff := cmp.Diff(want, countRows(t, pool, cremona)); diff != "" {
		t.Error(diff)
	}
	kinds := query[string](t, pool, cremona, `select convert_from(data, 'UTF8') from outbox`)
	if kinds[0] != "OPENED" {
		t.Errorf("events %v", kinds)
	}
	found, err := cases.GetByReport(t.Context(), cremona, reportID)
	if err != nil || found.ID != again.ID {
		t.Errorf("%+v, %v", found, err)
	}
}

// Ensure one of several concurrent updates of the same version is stored.
func TestCases_Update_ConcurrentSameVersion(t *testing.T) {
	t.Parallel()
	cases, pool := setup(t)
	c := openCase(t, cases, cremona)
	errs := make([]error, 8)
	concurrently(func(i int) {
		req := newRequest(fmt.Sprint(i))
		_, _, errs[i] = cases.Update(context.Background(), cremona, c.ID, req, now, false, assess(1, "SEX", "S2"))
	})
	stored := 0
	for _, err := range errs {
		switch {
		case err == nil:
			stored++
		case !fault.Is(err, fault.WrongVersion):
			t.Error(err)
		}
	}
	if stored != 1 {
		t.Errorf("%d updates were stored", stored)
	}
	checkSequences(t, cases, pool, c.ID)
}

// Ensure concurrent copies of one request are applied once.
func TestCases_Update_ConcurrentReplays(t *testing.T) {
	t.Parallel()
	cases, pool := setup(t)
	c := openCase(t, cases, cremona)
	req, mutate, applied := newRequest("x"), assess(1, "SEX", "S2"), make([]bool, 8)
	concurrently(func(i int) {
		got, replayed, err := cases.Update(context.Background(), cremona, c.ID, req, now, false, mutate)
		if err != nil || got.Version != 2 {
			t.Errorf("%+v, %v", got, err)
		}
		applied[i] = !replayed
	})
	if n := countTrue(applied); n != 1 {
		t.Errorf("applied %d times", n)
	}
	checkSequences(t, cases, pool, c.ID)
}

// Ensure one request id used concurrently for several cases updates one of them and is refused for the others.
func TestCases_Update_ConcurrentReuseOfRequestID(t *testing.T) {
	t.Parallel()
	cases, pool := setup(t)
	var ids [8]string
	for i := range ids {
		ids[i] = openCase(t, cases, cremona).ID
	}
	shared, errs := newRequest("x"), make([]error, 8)
	concurrently(func(i int) {
		req := shared
		req.BodyHash = []byte(ids[i])
		_, _, errs[i] = cases.Update(context.Background(), cremona, ids[i], req, now, false, assess(1, "SEX", "S2"))
	})
	refused := 0
	for _, err := range errs {
		if fault.Is(err, fault.RequestIDReused) {
			refused++
		} else if err != nil {
			t.Error(err)
		}
	}
	if n := countRows(t, pool, cremona)["assessment"]; n != 1 || refused != 7 {
		t.Errorf("%d cases were assessed, %d refused", n, refused)
	}
}

// Ensure versions and event numbers have no gaps when eight goroutines update one case, each at the version that it
// reads.
func TestCases_Update_NoGapsUnderConcurrency(t *testing.T) {
	t.Parallel()
	cases, pool := setup(t)
	c := openCase(t, cases, cremona)
	update(t, cases, c.ID, assess(1, "SEX", "S2"))
	mutate := func(c *casefile.Case) error {
		return recordAction(c.Version, "")(c)
	}
	concurrently(func(int) {
		for range 5 {
			_, _, err := cases.Update(context.Background(), cremona, c.ID, newRequest("x"), now, false, mutate)
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	if f := get(t, cases, c.ID); f.Case.Version != 42 || f.Case.EventSeq != 42 || len(f.Actions) != 40 {
		t.Errorf("version %d, %d events, %d actions", f.Case.Version, f.Case.EventSeq, len(f.Actions))
	}
	checkSequences(t, cases, pool, c.ID)
}

// Ensure an update that waits for the lock sees the case as committed by the one before, with its assessment: an action
// on a case that was restricted meanwhile must emit no event.
func TestCases_Update_SeesTheUpdateItWaitedFor(t *testing.T) {
	t.Parallel()
	cases, pool := setup(t)
	c := openCase(t, cases, cremona)
	var wg sync.WaitGroup
	act := func(c *casefile.Case) error {
		if c.Assessment == nil {
			t.Errorf("%s, version %d, without its assessment", c.State, c.Version)
		}
		return recordAction(2, "")(c)
	}
	update(t, cases, c.ID, func(c *casefile.Case) error {
		wg.Go(func() {
			_, _, err := cases.Update(context.Background(), cremona, c.ID, newRequest("act"), now, false, act)
			if err != nil {
				t.Error(err)
			}
		})
		awaitLockWait(t, pool)
		return assess(1, "SEX", casefile.SensitivityRestricted)(c)
	})
	wg.Wait()
	kinds := query[string](t, pool, cremona, `select convert_from(data, 'UTF8') from outbox order by id`)
	if diff := cmp.Diff([]string{"OPENED", "ASSESSED"}, kinds); diff != "" {
		t.Error(diff)
	}
	checkSequences(t, cases, pool, c.ID)
}

const countLockWaits = `select count(*) from pg_stat_activity
	where datname = current_database() and wait_event_type = 'Lock'`

// awaitLockWait returns once a session waits for a lock in this database.
func awaitLockWait(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	for n := 0; n == 0; {
		if err := pool.QueryRow(t.Context(), countLockWaits).Scan(&n); err != nil {
			t.Error(err)
			return
		}
	}
}

// Ensure after a restore a case continues after the centre's events, also when an update is being stored meanwhile; a
// case that was lost with the restore is unknown.
func TestRestored(t *testing.T) {
	t.Parallel()
	cases, pool := setup(t)
	c := openCase(t, cases, cremona)
	result := make(chan error, 1)
	update(t, cases, c.ID, func(c *casefile.Case) error {
		go func() {
			result <- pg.InTenant(context.Background(), pool, cremona, func(ctx context.Context, tx pgx.Tx) error {
				for pseudonym, want := range map[string]bool{c.Pseudonym: true, uuid.NewString(): false, "r1": false} {
					known, err := store.Restored{}.Lock(ctx, tx, cremona, pseudonym)
					if err != nil || known != want {
						t.Errorf("%s is known %t, %v", pseudonym, known, err)
					}
				}
				var pending int64
				const count = `select count(*) from outbox`
				if err := tx.QueryRow(ctx, count).Scan(&pending); err != nil || pending != 2 {
					t.Errorf("%d events under the lock, %v; want 2", pending, err)
				}
				return store.Restored{}.Continue(ctx, tx, cremona, c.Pseudonym, 7)
			})
		}()
		awaitLockWait(t, pool)
		return assess(1, "SEX", "S2")(c)
	})
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	if f := get(t, cases, c.ID); f.Case.EventSeq != 7 {
		t.Errorf("the case continues after event %d", f.Case.EventSeq)
	}
}
