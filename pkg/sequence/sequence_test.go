package sequence_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/sequence"
	"github.com/retepari/pari/pkg/tenant"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Tenants of the tests. The last two differ by region alone, as homonyms do.
var (
	cremona      = tenant.ID{Region: "lombardia", Node: "cremona"}
	cuneo        = tenant.ID{Region: "piemonte", Node: "cuneo"}
	livo         = tenant.ID{Region: "lombardia", Node: "livo"}
	trentinoLivo = tenant.ID{Region: "trentino", Node: "livo"}
)

func newPool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	return pgtest.New(t, "sequence", func(ctx context.Context, url string) error {
		return pg.Migrate(ctx, url, sequence.Schema)
	}).Pool(t)
}

func next(t *testing.T, a *sequence.Allocator, of tenant.ID, year int) int64 {
	t.Helper()
	n, err := a.Next(t.Context(), of, year)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSchema(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	pgtest.RowSecurity(t, pool)
	pgtest.PrepareStatements(t, pool)
}

// Ensure two processes with many concurrent callers never allocate a number twice.
func TestAllocator_NextIsUnique(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	var (
		mu   sync.Mutex
		seen = map[int64]bool{}
		wg   sync.WaitGroup
	)
	for _, process := range []*sequence.Allocator{sequence.New(pool, "report"), sequence.New(pool, "report")} {
		for range 8 {
			wg.Go(func() {
				for range 25 {
					n, err := process.Next(t.Context(), cremona, 2026)
					mu.Lock()
					if err != nil || seen[n] {
						t.Errorf("got %d, allocated before %t, %v", n, seen[n], err)
					}
					seen[n] = true
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
}

// Ensure one process counts 1, 2, 3 …, also across blocks, and each sequence, tenant and year by itself.
func TestAllocator_NextCountsFromOne(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	reports, cases := sequence.New(pool, "report"), sequence.New(pool, "case")
	for want := int64(1); want <= 200; want++ { // blocks of 32, 64, 128
		for _, c := range []struct {
			allocator *sequence.Allocator
			of        tenant.ID
			year      int
		}{
			{reports, cremona, 2026}, {reports, cuneo, 2026}, {reports, cremona, 2027}, {cases, cremona, 2026},
			{reports, livo, 2026}, {reports, trentinoLivo, 2026},
		} {
			if got := next(t, c.allocator, c.of, c.year); got != want {
				t.Fatalf("%s %d: got %d, want %d", c.of, c.year, got, want)
			}
		}
	}
}

// Ensure a process that restarts does not use the rest of a block that another instance reserved.
func TestAllocator_NextSkipsTheBlockOfAStoppedProcess(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	for _, want := range []int64{1, 33, 65} {
		if got := next(t, sequence.New(pool, "report"), cremona, 2026); got != want {
			t.Errorf("got %d, want %d", got, want)
		}
	}
}

// Ensure blocks grow under load up to 1024, so that writes seldom wait for one.
func TestAllocator_GrowsBlocks(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	busy := sequence.New(pool, "report")
	for range 2020 {
		next(t, busy, cremona, 2026)
	}
	// Blocks of 32 would end at 2048. The largest ones end at 32+64+128+256+512+1024 = 2016, so one more was reserved.
	if got := next(t, sequence.New(pool, "report"), cremona, 2026); got < 2500 || got > 2016+1024+1 {
		t.Errorf("after 2020 numbers the next block begins at %d", got)
	}
}

// Ensure a block that lasted a second is followed by a small one, of which little is lost.
func TestAllocator_ShrinksBlocks(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	a := sequence.New(pool, "report")
	for range 33 {
		next(t, a, cremona, 2026)
	}
	a.Age(time.Second) // the block from 33 to 96
	for range 96 - 33 {
		next(t, a, cremona, 2026)
	}
	if got := next(t, a, cremona, 2026); got != 97 {
		t.Fatalf("got %d, want 97", got)
	}
	if got := next(t, sequence.New(pool, "report"), cremona, 2026); got != 97+32 {
		t.Errorf("the next block begins at %d, want %d", got, 97+32)
	}
}

// Ensure a failed reservation is UNAVAILABLE, allocates nothing, and the next call reserves again.
func TestAllocator_NextWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	a := sequence.New(pool, "report")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if n, err := a.Next(ctx, cremona, 2026); err == nil || n != 0 {
		t.Errorf("canceled: got %d, %v", n, err)
	}
	if got := next(t, a, cremona, 2026); got != 1 {
		t.Errorf("after a failure: got %d, want 1", got)
	}
	away, err := pg.Connect(t.Context(), "postgres://pari@127.0.0.1:1/none")
	if err != nil {
		t.Fatal(err)
	}
	defer away.Close()
	if n, err := sequence.New(away, "report").Next(t.Context(), cremona, 2026); !fault.Is(err, fault.Unavailable) {
		t.Errorf("away: got %d, %v", n, err)
	}
}

// Ensure row security hides a block from other tenants, also from a namesake in another region, and lets none reserve
// it.
func TestSchema_SeparatesTenants(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	next(t, sequence.New(pool, "report"), livo, 2026)
	for of, want := range map[tenant.ID]int{livo: 1, trentinoLivo: 0, cuneo: 0} {
		var blocks int
		err := pg.InTenant(t.Context(), pool, of, func(ctx context.Context, tx pgx.Tx) error {
			return tx.QueryRow(ctx, `select count(*) from sequence_block`).Scan(&blocks)
		})
		if err != nil || blocks != want {
			t.Errorf("%s sees %d blocks, %v; want %d", of, blocks, err, want)
		}
	}
	err := pg.InTenant(t.Context(), pool, trentinoLivo, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `insert into sequence_block values ($1, 'case', 2026, 33)`, livo)
		return err
	})
	if err == nil {
		t.Error("a tenant reserved a block of its namesake")
	}
}

// Ensure a caller that waits for another's reservation ends with its context, and other tenants and years do not wait.
func TestAllocator_NextHonoursItsContext(t *testing.T) {
	t.Parallel()
	a := sequence.New(newPool(t), "report")
	unlock := a.Lock(cremona, 2026)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := a.Next(ctx, cremona, 2026); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
	if n := next(t, a, cuneo, 2026) + next(t, a, cremona, 2027); n != 2 {
		t.Errorf("the others got %d", n)
	}
	unlock()
	if n := next(t, a, cremona, 2026); n != 1 {
		t.Errorf("got %d", n)
	}
}
