package rpc

import (
	"context"
	"runtime"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/tenant"
)

// minConcurrency is how many calls a tenant may always have in progress, so that one that waits for a lock does not
// hold up the others.
const minConcurrency = 2

// concurrency bounds the unary calls of one tenant that a process handles at the same time. Further calls wait in
// order. Streams are bounded by the connections; they would hold their place for as long as they last.
type concurrency struct {
	perTenant int64

	mu      sync.Mutex
	tenants map[tenant.ID]*semaphore.Weighted
}

// newConcurrency returns nil, no bound, for a process that serves one tenant.
func newConcurrency(tenants int) *concurrency {
	if tenants <= 1 {
		return nil
	}
	return &concurrency{
		perTenant: int64(max(minConcurrency, runtime.GOMAXPROCS(0))), tenants: map[tenant.ID]*semaphore.Weighted{},
	}
}

func (c *concurrency) of(t tenant.ID) *semaphore.Weighted {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.tenants[t]
	if !ok {
		s = semaphore.NewWeighted(c.perTenant)
		c.tenants[t] = s
	}
	return s
}

// turn lets a call wait until its tenant has a place.
func (p *pipeline) turn(ctx context.Context, c *call, next func(context.Context) error) error {
	if p.concurrency == nil || c.stream || c.rule.infrastructure {
		return next(ctx)
	}
	places := p.concurrency.of(c.principal.Tenant())
	if err := places.Acquire(ctx, 1); err != nil {
		return fault.New(fault.TooManyRequests).WithCause(err)
	}
	defer places.Release(1)
	return next(ctx)
}
