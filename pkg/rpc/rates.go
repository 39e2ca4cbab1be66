package rpc

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/identity"
)

// bytesPerUnit is how many bytes of a request weigh as much as one light call.
const bytesPerUnit = 16 << 10

// rates limits what programs, people and tenants cost, each by itself: one person behind a portal is not the portal,
// and a tenant with many programs does not use up what others need.
type rates struct{ program, person, tenant *limiter }

// newRates takes the units per second of one program. A person gets a quarter of that, a tenant four times as much.
func newRates(perSecond float64) *rates {
	return &rates{
		program: newLimiter(perSecond), person: newLimiter(perSecond / 4), tenant: newLimiter(perSecond * 4),
	}
}

// allowProgram takes a call's weight off the rate of a program, before its body is read and anything is verified.
func (r *rates) allowProgram(id identity.ID, units int) bool {
	now := time.Now()
	return allow(now, r.program.reserve(now, id.String(), units))
}

// allow takes a call's weight off the rates of the person and of the tenant, or off neither.
func (r *rates) allow(p identity.Principal, units int) bool {
	now := time.Now()
	return allow(now, r.callers(now, p, units)...)
}

// allowBytes takes what the bytes of a message weigh off the rates of all three, or off none.
func (r *rates) allowBytes(p identity.Principal, units int) bool {
	if units == 0 {
		return true
	}
	now := time.Now()
	return allow(now, append(r.callers(now, p, units), r.program.reserve(now, p.Program.String(), units))...)
}

func (r *rates) callers(now time.Time, p identity.Principal, units int) []*rate.Reservation {
	all := []*rate.Reservation{r.tenant.reserve(now, p.Tenant().String(), units)}
	if p.Person != "" {
		all = append(all, r.person.reserve(now, p.Tenant().String()+" "+p.Person, units))
	}
	return all
}

// allow reports whether all reservations hold at once. Otherwise it gives them back.
func allow(now time.Time, reservations ...*rate.Reservation) bool {
	ok := true
	for _, r := range reservations {
		ok = ok && r.DelayFrom(now) == 0
	}
	if !ok {
		for _, r := range reservations {
			r.CancelAt(now)
		}
	}
	return ok
}

// rate limits the calls of one person and of one tenant.
func (p *pipeline) rate(ctx context.Context, c *call, next func(context.Context) error) error {
	if !p.rates.allow(c.principal, c.rule.weight()) {
		return fault.New(fault.TooManyRequests)
	}
	return next(ctx)
}

// limiter limits each caller's rate, in units. It forgets a caller when there are more than maxCallers, which is far
// more than a network has programs and people.
type limiter struct {
	perSecond float64

	mu      sync.Mutex
	callers map[string]*rate.Limiter
}

const maxCallers = 10_000

func newLimiter(perSecond float64) *limiter {
	return &limiter{perSecond: perSecond, callers: map[string]*rate.Limiter{}}
}

// reserve takes units off a caller's rate. A call that weighs more than the caller can ever have is allowed when
// nothing has been taken yet.
func (l *limiter) reserve(now time.Time, caller string, units int) *rate.Reservation {
	l.mu.Lock()
	defer l.mu.Unlock()
	limit, ok := l.callers[caller]
	if !ok {
		for other := range l.callers {
			if len(l.callers) < maxCallers {
				break
			}
			delete(l.callers, other)
		}
		limit = rate.NewLimiter(rate.Limit(l.perSecond), int(l.perSecond*2)+1)
		l.callers[caller] = limit
	}
	return limit.ReserveN(now, min(units, limit.Burst()))
}
