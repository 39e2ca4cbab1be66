package rpc

import (
	"sync"

	"golang.org/x/time/rate"
)

// limiter lets each caller have its share. It knows as many callers as a network has programs; should there ever be more
// than maxCallers, it starts anew rather than grow.
type limiter struct {
	perSecond float64

	mu      sync.Mutex
	callers map[string]*rate.Limiter
}

const maxCallers = 10_000

func newLimiter(perSecond float64) *limiter {
	return &limiter{perSecond: perSecond, callers: map[string]*rate.Limiter{}}
}

func (l *limiter) allow(caller string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	own, known := l.callers[caller]
	if !known {
		if len(l.callers) >= maxCallers {
			clear(l.callers)
		}
		own = rate.NewLimiter(rate.Limit(l.perSecond), int(l.perSecond*2)+1)
		l.callers[caller] = own
	}
	return own.Allow()
}
