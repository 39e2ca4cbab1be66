package identity

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// checkInterval is how often calls check the files for changes. A new connection always does.
	checkInterval = time.Second
	// maxStale is how old the last check may be at a call. A program that was idle for longer checks first.
	maxStale = 10 * time.Second
)

// reloading calls reload at most once per checkInterval, and once at a time, in a goroutine of its own: calls may hold
// a lock that others wait for, and must not wait for a disk.
type reloading struct {
	reload func()

	checkedAt atomic.Int64 // Unix time in nanoseconds of the call that caused the last reload
	running   atomic.Bool
	mu        sync.Mutex // held during reload
}

// check reloads if checkInterval has passed. It returns at once, unless the last check is older than maxStale.
func (r *reloading) check(now time.Time) {
	switch since := r.since(now); {
	case since < 0 || since >= maxStale: // the clock was set back, or the program was idle
		r.mu.Lock()
		defer r.mu.Unlock()
		if since := r.since(now); since < 0 || since >= checkInterval {
			r.runLocked(now)
		}
	case since >= checkInterval && r.running.CompareAndSwap(false, true):
		go func() {
			defer r.running.Store(false)
			r.mu.Lock()
			defer r.mu.Unlock()
			r.runLocked(now)
		}()
	}
}

func (r *reloading) since(now time.Time) time.Duration {
	return now.Sub(time.Unix(0, r.checkedAt.Load()))
}

// checkNow reloads, and waits for it.
func (r *reloading) checkNow(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.runLocked(now)
}

func (r *reloading) runLocked(now time.Time) {
	r.reload()
	r.checkedAt.Store(now.UnixNano())
}
