package gather_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/retepari/pari/pkg/gather"
)

// book keeps what was written, and how many items each write held. It takes a second for each write, and refuses whatever
// holds a bad item.
type book struct {
	mu      sync.Mutex
	kept    []int
	sizes   []int
	atOnce  int
	highest int
}

var errBad = errors.New("bad item")

func bad(i int) bool { return i%10 == 9 }

func (b *book) write(ctx context.Context, items []int) error {
	b.mu.Lock()
	b.atOnce++
	b.highest = max(b.highest, b.atOnce)
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		b.atOnce--
		b.mu.Unlock()
	}()
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return ctx.Err()
	}
	if slices.ContainsFunc(items, bad) {
		return errBad
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept, b.sizes = append(b.kept, items...), append(b.sizes, len(items))
	return nil
}

// Ensure one who comes alone writes at once, and those who come meanwhile share the writes after it.
func TestGather(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &book{}
		g := gather.New(b.write)
		began := time.Now()
		if err := g.Do(t.Context(), 1); err != nil || time.Since(began) != time.Second {
			t.Fatalf("one alone: %v after %s", err, time.Since(began))
		}
		var wg sync.WaitGroup
		for i := range 9 {
			wg.Go(func() {
				if err := g.Do(t.Context(), 10+i); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("nine at once were written after %s", took-time.Second)
		}
		if len(b.kept) != 10 || len(b.sizes) > 1+3+3 || b.highest != 3 {
			t.Errorf("kept %v in writes of %v, %d at once", b.kept, b.sizes, b.highest)
		}
	})
}

// Ensure each call is answered for its own item, whoever it shares a write with and whoever goes away: what was acknowledged
// is kept, what is bad is refused, and nobody waits for ever.
func TestGather_EachForItself(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		type call struct{ after, patience int }
		calls := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) call {
			return call{rapid.IntRange(0, 4000).Draw(t, "after"), rapid.IntRange(1, 9000).Draw(t, "patience")}
		}), 1, 100).Draw(rt, "calls")
		synctest.Test(t, func(t *testing.T) {
			b := &book{}
			g := gather.New(b.write)
			answers := make([]error, len(calls))
			var wg sync.WaitGroup
			for i, c := range calls {
				wg.Go(func() {
					<-time.After(time.Duration(c.after) * time.Millisecond) // of the bubble's clock
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(c.patience)*time.Millisecond)
					defer cancel()
					answers[i] = g.Do(ctx, i)
				})
			}
			wg.Wait()
			for i, err := range answers {
				kept := slices.Contains(b.kept, i)
				switch {
				case err == nil && !kept:
					rt.Errorf("item %d was acknowledged and is not kept", i)
				case bad(i) && err == nil:
					rt.Errorf("bad item %d was acknowledged", i)
				case err != nil && !errors.Is(err, context.DeadlineExceeded) && !bad(i):
					rt.Errorf("good item %d was refused: %v", i, err)
				}
			}
			// The lanes are free again.
			before := len(b.sizes)
			if err := g.Do(t.Context(), 1000); err != nil || len(b.sizes) != before+1 {
				rt.Errorf("one after all: %v", err)
			}
		})
	})
}

// Ensure a write that panics leaves nobody waiting and gives its lane back.
func TestGather_Panic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first := true
		b := &book{}
		var mu sync.Mutex
		g := gather.New(func(ctx context.Context, items []int) error {
			mu.Lock()
			several := len(items) > 1 && first
			first = first && !several
			mu.Unlock()
			if several {
				panic("broken")
			}
			return b.write(ctx, items)
		})
		var wg sync.WaitGroup
		panicked := 0
		for i := range 9 {
			wg.Go(func() {
				defer func() {
					if recover() != nil {
						mu.Lock()
						panicked++
						mu.Unlock()
					}
				}()
				if err := g.Do(t.Context(), i); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if panicked != 1 || len(b.kept) != 8 {
			t.Errorf("%d calls panicked, kept %v", panicked, b.kept)
		}
	})
}
