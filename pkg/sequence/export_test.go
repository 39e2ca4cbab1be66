package sequence

import "time"

// Age makes the blocks look as if they had been reserved earlier by d.
func (a *Allocator) Age(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for key, b := range a.blocks {
		b.reservedAt = b.reservedAt.Add(-d)
		a.blocks[key] = b
	}
}
