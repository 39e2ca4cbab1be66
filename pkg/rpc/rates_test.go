package rpc

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
)

// Ensure a caller may call at its rate on average, and twice as much for a moment.
func TestLimiter_Allow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(10)
		burst := func(caller string) (n int) {
			for l.allow(caller, 1) {
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
		if !l.allow(strconv.Itoa(i), 1) {
			t.Fatalf("the first call of caller %d was refused", i)
		}
		if len(l.callers) > maxCallers {
			t.Fatalf("%d callers are known, want %d at most", len(l.callers), maxCallers)
		}
	}
	if l.allow(strconv.Itoa(maxCallers+9), 1) {
		t.Error("the second call of the last caller was allowed")
	}
}

// Ensure a heavy call takes more of the rate than a light one, one that weighs more than all of it is possible after a
// rest, and a person, its program and its tenant have rates of their own.
func TestRates_Weights(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(10)
		for step, c := range []struct {
			wait  time.Duration
			units int
			want  bool
		}{
			{0, 20, true}, {0, 2, false}, {0, 1, true}, {time.Second, 11, false}, {0, 10, true},
			{time.Hour, 1000, true}, {0, 1, false},
		} {
			<-time.After(c.wait)
			if got := l.allow("a", c.units); got != c.want {
				t.Errorf("step %d: %d units allowed %t", step, c.units, got)
			}
		}
	})
	r := newRates(4)
	cremona := tenant.ID{Region: "lombardia", Node: "cremona"}
	anna := identity.Principal{Program: identity.ID{Tenant: cremona}, Person: "anna@test"}
	ugo := identity.Principal{Program: identity.ID{Tenant: cremona}, Person: "ugo@test"}
	elsewhere := identity.Principal{
		Program: identity.ID{Tenant: tenant.ID{Region: "piemonte", Node: "cremona"}}, Person: "anna@test",
	}
	count := func(p identity.Principal) (n int) {
		for r.allow(p, 1) {
			n++
		}
		return n
	}
	if a, u, e := count(anna), count(ugo), count(elsewhere); a != 3 || u != 3 || e != 3 {
		t.Errorf("people made %d, %d and %d calls, want 3 each", a, u, e)
	}
	if n := count(identity.Principal{Program: identity.ID{Tenant: cremona}}); n != 33-6 {
		t.Errorf("the tenant had %d calls left, want 27", n)
	}
}
