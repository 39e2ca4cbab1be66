package outbox

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// Why a line is not sending.
const (
	BlockedDatabase = "database" // the lease or a transaction failed
	BlockedBroker   = "broker"   // the hub does not answer
	BlockedRefused  = "refused"  // the hub refuses the next event itself; nothing is skipped
	BlockedRestored = "restored" // the centre has numbers that this database never drew: it was restored from a backup
)

// Status is what a relay knows about its line.
type Status struct {
	Leading   bool  // this relay holds the lease
	LastSeq   int64 // highest number drawn
	Sent      int64 // acknowledged by the hub up to here
	Confirmed int64 // applied by the centre up to here
	Pending   int64 // events that the hub has not acknowledged, counted up to a limit
	Resends   int64 // events sent again since the start
	Oldest    time.Duration
	Blocked   string // "" or one of the constants above
}

// Relay sends one line. Several may run for the same line: one leads, the others wait.
type Relay struct {
	c    Config
	wake chan struct{}
	down inbox // watermarks that arrived

	mu      sync.Mutex
	status  Status
	waiting time.Time // since when the first event that is not acknowledged is known
}

// NewRelay checks the configuration.
func NewRelay(c Config) (*Relay, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	return &Relay{c: c, wake: make(chan struct{}, 1), down: newInbox()}, nil
}

// Wake tells the relay that something was committed. It never blocks and may be called from anywhere.
func (r *Relay) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Status tells how the line stands.
func (r *Relay) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.status
	if !r.waiting.IsZero() {
		s.Oldest = time.Since(r.waiting)
	}
	return s
}

func (r *Relay) update(change func(*Status)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.status)
}

// Run leads, or waits to lead, until ctx ends; it returns nil then. Whatever fails on the way is logged, shown by Status
// and tried again.
func (r *Relay) Run(ctx context.Context) error {
	unregister, err := r.observe()
	if err != nil {
		return err
	}
	defer unregister()
	sub, err := r.c.Conn.Subscribe(r.c.Line.WatermarkSubject(), r.hear)
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }()

	for ctx.Err() == nil {
		err := r.hold(ctx, func(l *leader) error { return l.run(ctx) })
		r.update(func(s *Status) { s.Leading = false })
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			r.update(func(s *Status) { s.Blocked = BlockedDatabase })
			r.c.Log.WarnContext(ctx, "relay lost its database connection, and its lease with it", slog.Any("error", err))
		}
		pause(ctx, jitter(r.c.LeaseRetry))
	}
	return nil
}

// jitter is d, give or take a quarter.
func jitter(d time.Duration) time.Duration {
	return d - d/4 + rand.N(d/2+1) //nolint:gosec // spreads the load, guards nothing
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
