package store_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/services/casemanagement/internal/casefile"
	"github.com/retepari/pari/services/casemanagement/internal/store"
)

// atOnce runs f eight times at once.
func atOnce(f func(i int)) {
	var running sync.WaitGroup
	for i := range 8 {
		running.Go(func() { f(i) })
	}
	running.Wait()
}

// gapless checks that versions in the history and numbers of the events of a case are 1, 2, 3 … up to its own.
func gapless(t *testing.T, cases *store.Cases, pool *pgxpool.Pool, id string) {
	t.Helper()
	f := get(t, cases, id)
	for i, c := range f.History {
		if c.Version != int64(i+1) {
			t.Errorf("version %d at place %d", c.Version, i)
		}
	}
	if int64(len(f.History)) != f.Case.Version || f.History[len(f.History)-1].To != f.Case.State {
		t.Errorf("%d changes, the case is at version %d, %s", len(f.History), f.Case.Version, f.Case.State)
	}
	var want []int64
	for n := range f.Case.EventSeq {
		want = append(want, n+1)
	}
	got := all[int64](t, pool, "cremona", `select aggregate_seq from outbox where aggregate = '`+f.Case.Pseudonym+`' order by id`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events: %s", diff)
	}
}

// Ensure a report has one case, whoever asks how often.
func TestOpen_OncePerReport(t *testing.T) {
	t.Parallel()
	cases, pool := open(t)
	reportID := uuid.NewString()
	ids, fresh := make([]string, 8), make([]bool, 8)
	atOnce(func(i int) {
		c, replayed, err := cases.Open(context.Background(), opening("cremona", reportID), uuid.New())
		if err != nil {
			t.Error(err)
			return
		}
		ids[i], fresh[i] = c.ID, !replayed
	})
	again, replayed, err := cases.Open(t.Context(), opening("cremona", reportID), uuid.New())
	if err != nil || !replayed {
		t.Fatalf("replayed %t, %v", replayed, err)
	}
	if len(slices.Compact(append(ids, again.ID))) != 1 {
		t.Errorf("cases %v", ids)
	}
	if n := len(slices.DeleteFunc(fresh, func(f bool) bool { return !f })); n != 1 {
		t.Errorf("%d were told that the case is new", n)
	}
	want := map[string]int{"case_file": 1, "case_report": 1, "assessment": 0, "action": 0, "case_history": 1, "idempotency_key": 0, "outbox": 1}
	if diff := cmp.Diff(want, rows(t, pool, "cremona")); diff != "" {
		t.Error(diff)
	}
	if told := all[string](t, pool, "cremona", `select convert_from(data, 'UTF8') from outbox`); told[0] != "OPENED" {
		t.Errorf("told %v", told)
	}
	found, err := cases.ForReport(t.Context(), "cremona", reportID)
	if err != nil || found.ID != again.ID {
		t.Errorf("%+v, %v", found, err)
	}
}

// Ensure of several changes that were decided on the same version one is stored.
func TestChange_OneWins(t *testing.T) {
	t.Parallel()
	cases, pool := open(t)
	c := opened(t, cases, "cremona")
	errs := make([]error, 8)
	atOnce(func(i int) {
		_, _, errs[i] = cases.Change(context.Background(), "cremona", c.ID, asked(fmt.Sprint(i)), now, false, assess(1, "SEX", "S2"))
	})
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !fault.Is(err, fault.WrongVersion):
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d were stored", won)
	}
	gapless(t, cases, pool, c.ID)
}

// Ensure a request that comes several times at once is done once.
func TestChange_RepeatedAtOnce(t *testing.T) {
	t.Parallel()
	cases, pool := open(t)
	c := opened(t, cases, "cremona")
	request, fresh := asked("x"), make([]bool, 8)
	atOnce(func(i int) {
		got, replayed, err := cases.Change(context.Background(), "cremona", c.ID, request, now, false, assess(1, "SEX", "S2"))
		if err != nil || got.Version != 2 {
			t.Errorf("%+v, %v", got, err)
		}
		fresh[i] = !replayed
	})
	if n := len(slices.DeleteFunc(fresh, func(f bool) bool { return !f })); n != 1 {
		t.Errorf("done %d times", n)
	}
	gapless(t, cases, pool, c.ID)
}

// Ensure one request id for several cases at once changes one of them.
func TestChange_OneRequestForSeveralCases(t *testing.T) {
	t.Parallel()
	cases, pool := open(t)
	var files [8]*casefile.Case
	for i := range files {
		files[i] = opened(t, cases, "cremona")
	}
	request, errs := asked("x"), make([]error, 8)
	atOnce(func(i int) {
		r := request
		r.BodyHash = []byte(files[i].ID)
		_, _, errs[i] = cases.Change(context.Background(), "cremona", files[i].ID, r, now, false, assess(1, "SEX", "S2"))
	})
	refused := 0
	for _, err := range errs {
		if fault.Is(err, fault.RequestIDReused) {
			refused++
		} else if err != nil {
			t.Error(err)
		}
	}
	if n := rows(t, pool, "cremona")["assessment"]; n != 1 || refused != 7 {
		t.Errorf("%d cases were assessed, %d refused", n, refused)
	}
}

// Ensure versions and event numbers have no gaps when many change one case, each again and again on the version it finds.
func TestChange_GaplessUnderConcurrency(t *testing.T) {
	t.Parallel()
	cases, pool := open(t)
	c := opened(t, cases, "cremona")
	change(t, cases, c.ID, assess(1, "SEX", "S2"))
	atOnce(func(int) {
		for done := 0; done < 5; {
			_, _, err := cases.Change(context.Background(), "cremona", c.ID, asked("x"), now, false, func(found *casefile.Case, key uuid.UUID) error {
				return act(found.Version, "")(found, key)
			})
			if err != nil {
				t.Error(err)
				return
			}
			done++
		}
	})
	if f := get(t, cases, c.ID); f.Case.Version != 42 || f.Case.EventSeq != 42 || len(f.Actions) != 40 {
		t.Errorf("version %d, %d events, %d actions", f.Case.Version, f.Case.EventSeq, len(f.Actions))
	}
	gapless(t, cases, pool, c.ID)
}

// Ensure who waited for the lock decides on the case as it was left, with its assessment: an action on a case that was
// sealed meanwhile must not be told.
func TestChange_SeesWhatItWaitedFor(t *testing.T) {
	t.Parallel()
	cases, pool := open(t)
	c := opened(t, cases, "cremona")
	var waiting sync.WaitGroup
	change(t, cases, c.ID, func(found *casefile.Case, key uuid.UUID) error {
		waiting.Go(func() {
			_, _, err := cases.Change(context.Background(), "cremona", c.ID, asked("act"), now, false, func(found *casefile.Case, key uuid.UUID) error {
				if found.Assessment == nil {
					t.Errorf("%s, version %d, without its assessment", found.State, found.Version)
				}
				return act(2, "")(found, key)
			})
			if err != nil {
				t.Error(err)
			}
		})
		untilLocked(t, pool)
		return assess(1, "SEX", casefile.Sealed)(found, key)
	})
	waiting.Wait()
	told := all[string](t, pool, "cremona", `select convert_from(data, 'UTF8') from outbox order by id`)
	if diff := cmp.Diff([]string{"OPENED", "CLASSIFIED"}, told); diff != "" {
		t.Error(diff)
	}
	gapless(t, cases, pool, c.ID)
}

// untilLocked returns when somebody waits for a lock in this database.
func untilLocked(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	for n := 0; n == 0; {
		err := pool.QueryRow(t.Context(), `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`).Scan(&n)
		if err != nil {
			t.Error(err)
			return
		}
	}
}
