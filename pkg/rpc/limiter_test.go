package rpc

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// Ensure a caller may call at its rate on average, and twice as much for a moment.
func TestLimiter_Allow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(10)
		burst := func(caller string) (n int) {
			for l.allow(caller) {
				n++
			}
			return n
		}
		for step, c := range []struct {
			wait   time.Duration
			caller string
			want   int
		}{{0, "a", 21}, {0, "a", 0}, {0, "b", 21}, {time.Second, "a", 10}, {time.Hour, "a", 21}} {
			<-time.After(c.wait) // on the bubble's clock
			if got := burst(c.caller); got != c.want {
				t.Errorf("step %d: %s made %d calls, want %d", step, c.caller, got, c.want)
			}
		}
	})
}

// Ensure ever new callers cannot fill the memory.
func TestLimiter_BoundsCallers(t *testing.T) {
	t.Parallel()
	l := newLimiter(0.001)
	for i := range maxCallers + 10 {
		if !l.allow(strconv.Itoa(i)) {
			t.Fatalf("the first call of caller %d was refused", i)
		}
		if len(l.callers) > maxCallers {
			t.Fatalf("%d callers are known, want %d at most", len(l.callers), maxCallers)
		}
	}
	if l.allow(strconv.Itoa(maxCallers + 9)) {
		t.Error("the second call of the last caller was allowed")
	}
}
