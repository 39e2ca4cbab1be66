package batcher_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/retepari/pari/pkg/batcher"
)

// fakeStore records the items written and the size of each write. A write takes a second, and fails when an item is bad.
type fakeStore struct {
	mu          sync.Mutex
	stored      []int
	sizes       []int
	concurrent  int
	maxObserved int
}

var errBad = errors.New("bad item")

func bad(i int) bool { return i%10 == 9 }

func (store *fakeStore) write(ctx context.Context, items []int) error {
	store.mu.Lock()
	store.concurrent++
	store.maxObserved = max(store.maxObserved, store.concurrent)
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
		began := time.Now()
		if err := b.Do(t.Context(), 1); err != nil || time.Since(began) != time.Second {
			t.Fatalf("lone caller: %v after %s", err, time.Since(began))
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
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("nine at once were written after %s", took-time.Second)
		}
		if len(store.stored) != 10 || len(store.sizes) > 1+3+3 || store.maxObserved != 3 {
			t.Errorf("stored %v in writes of %v, %d at once", store.stored, store.sizes, store.maxObserved)
		}
	})
}

// Ensure each call is answered for its own item, whatever it shares a write with and whichever callers give up: an
// acknowledged item is stored, a bad one is refused, and no caller waits for ever.
func TestDo_AnswersEachCallForItsItem(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		type call struct{ start, timeout int }
		calls := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) call {
			return call{rapid.IntRange(0, 4000).Draw(t, "start"), rapid.IntRange(1, 9000).Draw(t, "timeout")}
		}), 1, 100).Draw(rt, "calls")
		synctest.Test(t, func(t *testing.T) {
			store := &fakeStore{}
			b := batcher.New(store.write)
			answers := make([]error, len(calls))
			var wg sync.WaitGroup
			for i, c := range calls {
				wg.Go(func() {
					<-time.After(time.Duration(c.start) * time.Millisecond) // of the bubble's clock
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(c.timeout)*time.Millisecond)
					defer cancel()
					answers[i] = b.Do(ctx, i)
				})
			}
			wg.Wait()
			for i, err := range answers {
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
			// All slots are free again.
			before := len(store.sizes)
			if err := b.Do(t.Context(), 1000); err != nil || len(store.sizes) != before+1 {
				rt.Errorf("a call after all: %v", err)
			}
		})
	})
}

// Ensure a write that panics leaves no caller waiting and frees its slot.
func TestDo_SurvivesAPanic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first := true
		store := &fakeStore{}
		var mu sync.Mutex
		b := batcher.New(func(ctx context.Context, items []int) error {
			mu.Lock()
			several := len(items) > 1 && first
			first = first && !several
			mu.Unlock()
			if several {
				panic("broken")
			}
			return store.write(ctx, items)
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
				if err := b.Do(t.Context(), i); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if panicked != 1 || len(store.stored) != 8 {
			t.Errorf("%d calls panicked, stored %v", panicked, store.stored)
		}
	})
}
