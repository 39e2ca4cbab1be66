package batcher_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/retepari/pari/pkg/batcher"
)

// fakeStore records the items stored and the size of each successful write. A write takes a second and fails when an
// item is bad.
type fakeStore struct {
	mu            sync.Mutex
	stored        []int
	sizes         []int
	concurrent    int
	maxConcurrent int
}

var errBad = errors.New("bad item")

func bad(i int) bool { return i%10 == 9 }

func (store *fakeStore) write(ctx context.Context, items []int) error {
	store.mu.Lock()
	store.concurrent++
	store.maxConcurrent = max(store.maxConcurrent, store.concurrent)
	store.mu.Unlock()
	defer func() {
		store.mu.Lock()
		store.concurrent--
		store.mu.Unlock()
	}()
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return ctx.Err()
	}
	if slices.ContainsFunc(items, bad) {
		return errBad
	}
	store.mu.Lock()
	defer store.mu.Unlock()
	store.stored, store.sizes = append(store.stored, items...), append(store.sizes, len(items))
	return nil
}

// Ensure a lone caller writes immediately and concurrent callers share writes.
func TestDo_BatchesConcurrentCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &fakeStore{}
		b := batcher.New(store.write)
		start := time.Now()
		if err := b.Do(t.Context(), 1); err != nil || time.Since(start) != time.Second {
			t.Fatalf("lone caller: %v after %s", err, time.Since(start))
		}
		var wg sync.WaitGroup
		for i := range 9 {
			wg.Go(func() {
				if err := b.Do(t.Context(), 10+i); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("nine concurrent callers took %s", took-time.Second)
		}
		if len(store.stored) != 10 || len(store.sizes) > 1+2+2 || store.maxConcurrent != 2 {
			t.Errorf("stored %v in writes of %v, %d of them concurrent", store.stored, store.sizes, store.maxConcurrent)
		}
	})
}

// Ensure each call returns the result of its own item, whatever it shares a write with and whichever callers are
// canceled: an acknowledged item is stored, a bad one is refused, and no caller waits for ever.
func TestDo_ReturnsTheResultOfEachItem(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		type call struct{ start, timeout int }
		calls := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) call {
			return call{rapid.IntRange(0, 4000).Draw(t, "start"), rapid.IntRange(1, 9000).Draw(t, "timeout")}
		}), 1, 100).Draw(rt, "calls")
		synctest.Test(t, func(t *testing.T) {
			store := &fakeStore{}
			b := batcher.New(store.write)
			results := make([]error, len(calls))
			var wg sync.WaitGroup
			for i, c := range calls {
				wg.Go(func() {
					<-time.After(time.Duration(c.start) * time.Millisecond) // on the bubble's clock
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(c.timeout)*time.Millisecond)
					defer cancel()
					results[i] = b.Do(ctx, i)
				})
			}
			wg.Wait()
			for i, err := range results {
				stored := slices.Contains(store.stored, i)
				switch {
				case err == nil && !stored:
					rt.Errorf("item %d was acknowledged and is not stored", i)
				case bad(i) && err == nil:
					rt.Errorf("bad item %d was acknowledged", i)
				case err != nil && !errors.Is(err, context.DeadlineExceeded) && !bad(i):
					rt.Errorf("good item %d was refused: %v", i, err)
				}
			}
			before := len(store.sizes)
			if err := b.Do(t.Context(), 1000); err != nil || len(store.sizes) != before+1 {
				rt.Errorf("a slot is still taken: %v", err)
			}
		})
	})
}

// Ensure a write that panics leaves no caller waiting and frees its slot.
func TestDo_SurvivesAPanic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &fakeStore{}
		var panicOnce sync.Once
		b := batcher.New(func(ctx context.Context, items []int) error {
			if len(items) > 1 {
				panicOnce.Do(func() { panic("broken") })
			}
			return store.write(ctx, items)
		})
		var (
			wg     sync.WaitGroup
			panics atomic.Int32
		)
		for i := range 9 {
			wg.Go(func() {
				defer func() {
					if recover() != nil {
						panics.Add(1)
					}
				}()
				if err := b.Do(t.Context(), i); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if panics.Load() != 1 || len(store.stored) != 8 {
			t.Errorf("%d calls panicked, stored %v", panics.Load(), store.stored)
		}
	})
}

// Ensure a shared write has at most 64 items, so that many callers at once do not make one transaction ever larger.
func TestDo_LimitsABatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &fakeStore{}
		b := batcher.New(store.write)
		var wg sync.WaitGroup
		for i := range 500 {
			wg.Go(func() { _ = b.Do(t.Context(), 10*i) })
		}
		wg.Wait()
		if len(store.stored) != 500 || slices.Max(store.sizes) != 64 {
			t.Errorf("%d items in writes of %v, want 500 in writes of 64 at most", len(store.stored), store.sizes)
		}
	})
}

// Ensure the leader's deadline does not end a write that it shares, and that such a write is bounded all the same.
func TestDo_BoundsASharedWriteByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := batcher.New(func(ctx context.Context, items []int) error {
			if len(items) == 1 {
				<-time.After(time.Second)
				return nil
			}
			<-ctx.Done() // as a database that hangs
			return ctx.Err()
		})
		start := time.Now()
		var wg sync.WaitGroup
		for i := range 9 {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				_ = b.Do(ctx, i)
			})
		}
		wg.Wait()
		// One second for the writes before, ten for the shared ones, one for each item by itself.
		if took := time.Since(start); took != 12*time.Second {
			t.Errorf("all calls took %s, want 12s", took)
		}
	})
}

// Ensure a lone caller's deadline ends its write, which is not tried again.
func TestDo_PassesTheDeadlineOfALoneCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		writes := 0
		b := batcher.New(func(ctx context.Context, _ []int) error {
			writes++
			<-ctx.Done()
			return ctx.Err()
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		err := b.Do(ctx, 1)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second || writes != 1 {
			t.Errorf("got %v after %s and %d writes", err, time.Since(start), writes)
		}
	})
}

// Ensure a write that rejects an item stores the others once, together, and only the rejected item's caller gets the
// error, also when it leads or writes alone.
func TestDo_RejectsOneItem(t *testing.T) {
	t.Parallel()
	for _, rejectedItem := range []int{0, 20, 49} {
		synctest.Test(t, func(t *testing.T) {
			store := &fakeStore{}
			b := batcher.New(func(ctx context.Context, items []int) error {
				rejected, others := batcher.Rejected{}, []int{}
				for i, item := range items {
					if item == rejectedItem {
						rejected[i] = errBad
					} else {
						others = append(others, item+1000) // never bad
					}
				}
				for i := range others {
					others[i] *= 10
				}
				if err := store.write(ctx, others); err != nil || len(rejected) == 0 {
					return err
				}
				return rejected
			})
			var wg sync.WaitGroup
			for i := range 50 {
				wg.Go(func() {
					var want error
					if i == rejectedItem {
						want = errBad
					}
					if err := b.Do(t.Context(), i); !errors.Is(err, want) {
						t.Errorf("item %d: %v, want %v", i, err, want)
					}
				})
			}
			wg.Wait()
			// Three write at once: each leads alone at first, and once more when another has taken the whole queue.
			if len(store.stored) != 49 || len(store.sizes) > 6 {
				t.Errorf("%d items were stored in writes of %v", len(store.stored), store.sizes)
			}
		})
	}
}
