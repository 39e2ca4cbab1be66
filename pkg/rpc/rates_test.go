package rpc

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
)

func allowed(l *limiter, caller string, units int) bool {
	now := time.Now()
	return allow(now, l.reserve(now, caller, units))
}

// Ensure a caller may call at its rate on average, and twice as much for a moment.
func TestLimiter_Allow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(10)
		burst := func(caller string) (n int) {
			for allowed(l, caller, 1) {
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
		if !allowed(l, strconv.Itoa(i), 1) {
			t.Fatalf("the first call of caller %d was refused", i)
		}
		if len(l.callers) > maxCallers {
			t.Fatalf("%d callers are known, want %d at most", len(l.callers), maxCallers)
		}
	}
	if allowed(l, strconv.Itoa(maxCallers+9), 1) {
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
			if got := allowed(l, "a", c.units); got != c.want {
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

// Ensure the bytes of messages weigh on the program as well, and what one rate refuses is not taken off the others.
func TestRates_AllowBytes(t *testing.T) {
	t.Parallel()
	r := newRates(4)
	portal := identity.ID{Tenant: tenant.ID{Region: "lombardia", Node: "cremona"}, Kind: "system", Name: "portal"}
	anna := identity.Principal{Program: portal, Person: "anna@test"}
	if !r.allowBytes(identity.Principal{Program: portal}, 9) || r.allowProgram(portal, 1) {
		t.Error("the bytes were not taken off the program's rate")
	}
	if r.allowBytes(anna, 1) || !r.allow(anna, 3) {
		t.Error("what the program may not send was taken off the person's rate")
	}
}

// Ensure each further message of a stream weighs something.
func TestPipeline_WeighsMessages(t *testing.T) {
	t.Parallel()
	validator, err := protovalidate.New()
	if err != nil {
		t.Fatal(err)
	}
	p := &pipeline{rates: newRates(0.001), validator: validator}
	c := &call{rule: rule{Rule: &accessv1.Rule{}}}
	for i, want := range []fault.Reason{"", "", fault.TooManyRequests} {
		if err := p.check(c, wrapperspb.String("x")); reasonOf(err) != want {
			t.Errorf("message %d: %v, want %q", i, err, want)
		}
	}
}
