package sequence

import (
	"time"

	"github.com/retepari/pari/pkg/tenant"
)

// Age makes the blocks look as if they had been reserved earlier by d.
func (a *Allocator) Age(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, b := range a.blocks {
		b.lock <- struct{}{}
		b.reservedAt = b.reservedAt.Add(-d)
		<-b.lock
	}
}

// Lock locks the block of a tenant and year, as a caller does that reserves one, until unlock is called.
func (a *Allocator) Lock(t tenant.ID, year int) (unlock func()) {
	b := a.block(blockKey{t, year})
	b.lock <- struct{}{}
	return func() { <-b.lock }
}
