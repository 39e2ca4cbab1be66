package replica

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/vocabulary"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func newPool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	return pgtest.New(t, "vocabulary", func(ctx context.Context, url string) error {
		return pg.Migrate(ctx, url, Schema)
	}).Pool(t)
}

func newReplica(pool *pgxpool.Pool, fetch Fetch) *Replica {
	return New(pool, fetch, slog.New(slog.DiscardHandler))
}

type lists = []*vocabularyv1.Vocabulary

func list(name string, codes ...string) *vocabularyv1.Vocabulary {
	l := &vocabularyv1.Vocabulary{Name: name}
	for _, code := range codes {
		l.Terms = append(l.Terms, &vocabularyv1.Term{Code: code})
	}
	return l
}

var errAway = errors.New("away")

func away(context.Context, string) (lists, error) { return nil, errAway }

func TestSchema(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	pgtest.RowSecurity(t, pool)
	pgtest.PrepareStatements(t, pool)
}

// Ensure a replica starts from the stored lists while the directory is away.
func TestReplica_StartsFromStoredLists(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	first := newReplica(pool, func(context.Context, string) (lists, error) {
		return lists{list("ground", "SEX"), list("field", "WORK")}, nil
	})
	if err := first.refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	second := newReplica(pool, away)
	if second.Current() != nil {
		t.Error("a new replica has lists")
	}
	done := make(chan error, 1)
	go func() { done <- second.Run(ctx) }()
	<-second.Ready()
	if diff := cmp.Diff(first.Current().Digest(), second.Current().Digest()); diff != "" {
		t.Error(diff)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Ensure a refresh sends the digest of the lists in force, replaces them when they differ and keeps them otherwise.
func TestReplica_Refresh(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	var known string
	var served lists
	var err error
	r := newReplica(pool, func(_ context.Context, digest string) (lists, error) {
		known = digest
		return served, err
	})
	if err := r.refresh(t.Context()); err == nil || r.Current() != nil {
		t.Errorf("without lists: got %v, %v", r.Current(), err)
	}
	served = lists{list("ground", "SEX")}
	if err := r.refresh(t.Context()); err != nil || known != "" {
		t.Fatalf("first lists: %v, known %q", err, known)
	}
	first := r.Current()
	for name, unchanged := range map[string]lists{"none": nil, "the same": {list("ground", "SEX")}} {
		served = unchanged
		if err := r.refresh(t.Context()); err != nil || known != first.Digest() || r.Current() != first {
			t.Errorf("%s: %v, known %q, current %p; want %q, %p", name, err, known, r.Current(), first.Digest(), first)
		}
	}
	err = errAway
	if err := r.refresh(t.Context()); !errors.Is(err, errAway) || r.Current() != first {
		t.Errorf("away: %v, current %p, want %p", err, r.Current(), first)
	}
	err, served = nil, lists{list("ground", "SEX", "AGE")}
	if err := r.refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ok := r.Current().Lookup("ground", "AGE"); !ok {
		t.Error("the changed list is not in force")
	}
	stored := newReplica(pool, away)
	if err := stored.load(t.Context()); err != nil || stored.Current().Digest() != r.Current().Digest() {
		t.Errorf("the changed list is not stored: %v", err)
	}
}

// Ensure lists that cannot be stored do not take effect: after a restart the service would have others.
func TestReplica_RefreshFailsWithoutItsDatabase(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	pool.Close()
	r := newReplica(pool, func(context.Context, string) (lists, error) { return lists{list("ground", "SEX")}, nil })
	if err := r.refresh(t.Context()); err == nil || r.Current() != nil {
		t.Errorf("got %v, %v", r.Current(), err)
	}
	if err := r.load(t.Context()); err == nil {
		t.Error("lists were loaded")
	}
}

// Ensure damaged or missing stored lists are an error, and the replica stays without.
func TestReplica_LoadRefusesDamagedLists(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	r := newReplica(pool, away)
	if err := r.load(t.Context()); err == nil || r.Current() != nil {
		t.Errorf("nothing stored: got %v, %v", r.Current(), err)
	}
	if _, err := pool.Exec(t.Context(), upsertList, "ground", []byte{0xff}); err != nil {
		t.Fatal(err)
	}
	if err := r.load(t.Context()); err == nil || r.Current() != nil {
		t.Errorf("damaged: got %v, %v", r.Current(), err)
	}
}

// Ensure a failed refresh is tried again soon and then ever less often, and a successful one every minute; a directory
// that hangs is given up after ten seconds.
func TestReplica_RunBacksOff(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fetch Fetch
		want  []time.Duration
	}{
		"unchanged": {func(context.Context, string) (lists, error) { return nil, nil }, []time.Duration{
			0, time.Minute, time.Minute,
		}},
		"away": {away, []time.Duration{
			0, 200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond, 1600 * time.Millisecond,
			3200 * time.Millisecond, 6400 * time.Millisecond, 12800 * time.Millisecond, 25600 * time.Millisecond,
			51200 * time.Millisecond, time.Minute, time.Minute,
		}},
		"hangs": {func(ctx context.Context, _ string) (lists, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, []time.Duration{0, 10*time.Second + 200*time.Millisecond, 10*time.Second + 400*time.Millisecond}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				last, intervals := time.Now(), []time.Duration{}
				r := newReplica(closedPool(t), func(ctx context.Context, digest string) (lists, error) {
					intervals = append(intervals, time.Since(last))
					last = time.Now()
					if len(intervals) == len(c.want) {
						cancel()
					}
					return c.fetch(ctx, digest)
				})
				r.use(vocabulary.NewSet())
				if err := r.Run(ctx); err != nil {
					t.Error(err)
				}
				if diff := cmp.Diff(c.want, intervals); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// closedPool is a database that fails at once, without a network.
func closedPool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), "postgres://127.0.0.1:1/none")
	if err != nil {
		t.Fatal(err)
	}
	pool.Close()
	return pool
}
