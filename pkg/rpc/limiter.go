package rpc

import (
	"sync"

	"golang.org/x/time/rate"
)

// limiter limits each caller's rate. It forgets all callers when there are more than maxCallers, which is far more than
// a network has programs.
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
	limit, ok := l.callers[caller]
	if !ok {
		if len(l.callers) >= maxCallers {
			clear(l.callers)
		}
		limit = rate.NewLimiter(rate.Limit(l.perSecond), int(l.perSecond*2)+1)
		l.callers[caller] = limit
	}
	return limit.Allow()
}
