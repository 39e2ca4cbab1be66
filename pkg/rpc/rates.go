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

// allowProgram takes a call's weight off the rate of a program, before anything is verified.
func (r *rates) allowProgram(id identity.ID, units int) bool {
	return r.program.allow(id.String(), units)
}

// allow takes units off the rates of the person and of the tenant.
func (r *rates) allow(p identity.Principal, units int) bool {
	if units == 0 {
		return true
	}
	if p.Person != "" && !r.person.allow(p.Tenant().String()+" "+p.Person, units) {
		return false
	}
	return r.tenant.allow(p.Tenant().String(), units)
}

// rate limits the calls of one person and of one tenant.
func (p *pipeline) rate(ctx context.Context, c *call, next func(context.Context) error) error {
	if !p.rates.allow(c.principal, c.rule.weight()) {
		return fault.New(fault.TooManyRequests)
	}
	return next(ctx)
}

// limiter limits each caller's rate, in units. It forgets all callers when there are more than maxCallers, which is far
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

// allow takes units off a caller's rate. A call that weighs more than the caller can ever have is allowed when nothing
// has been taken yet.
func (l *limiter) allow(caller string, units int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	limit, ok := l.callers[caller]
	if !ok {
		if len(l.callers) >= maxCallers {
			clear(l.callers)
		}
		limit = rate.NewLimiter(rate.Limit(l.perSecond), int(l.perSecond*2)+1)
		l.callers[caller] = limit
	}
	return limit.AllowN(time.Now(), min(units, limit.Burst()))
}
