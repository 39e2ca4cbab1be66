package sequence_test

import (
	"context"
	"sync"
	"testing"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/sequence"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Ensure two instances of a service, asked by many at once, never give a number twice, and each node and year counts from 1.
func TestNext_GivesEachNumberOnce(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "sequence", func(ctx context.Context, url string) error {
		return pg.Migrate(ctx, url, sequence.Schema)
	}).Pool(t)
	pgtest.RowSecurity(t, pool)
	var (
		mu   sync.Mutex
		seen = map[int64]bool{}
		all  sync.WaitGroup
	)
	for _, instance := range []*sequence.Allocator{sequence.New(pool, "report"), sequence.New(pool, "report")} {
		for range 8 {
			all.Go(func() {
				for range 25 {
					n, err := instance.Next(context.Background(), "cremona", 2026)
					mu.Lock()
					if err != nil || seen[n] {
						t.Errorf("got %d again, %v", n, err)
					}
					seen[n] = true
					mu.Unlock()
				}
			})
		}
	}
	all.Wait()
	for _, c := range []struct {
		node   string
		year   int
		series string
	}{{"cuneo", 2026, "report"}, {"cremona", 2027, "report"}, {"cremona", 2026, "case"}} {
		if n, err := sequence.New(pool, c.series).Next(context.Background(), c.node, c.year); err != nil || n != 1 {
			t.Errorf("%+v begins at %d, %v", c, n, err)
		}
	}
}

// Ensure many numbers in a row make larger blocks, so that writes seldom wait for one, and that a process that takes few
// loses few.
func TestNext_GrowsBlocksUnderLoad(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "sequence", func(ctx context.Context, url string) error {
		return pg.Migrate(ctx, url, sequence.Schema)
	}).Pool(t)
	for node, c := range map[string]struct{ take, least, most int64 }{
		"cuneo":   {1, 33, 33},
		"cremona": {2020, 2020 + 500, 2020 + 1025}, // in equal blocks of 32 the next one would begin at 2049
	} {
		busy := sequence.New(pool, "report")
		for range c.take {
			if _, err := busy.Next(context.Background(), node, 2026); err != nil {
				t.Fatal(err)
			}
		}
		if next, err := sequence.New(pool, "report").Next(context.Background(), node, 2026); err != nil || next < c.least || next > c.most {
			t.Errorf("%s: after %d numbers the next block begins at %d, %v", node, c.take, next, err)
		}
	}
}
