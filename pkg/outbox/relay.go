package outbox

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// Reasons for which a partition is not sending.
const (
	BlockedDatabase = "database" // the lease or a transaction failed
	BlockedBroker   = "broker"   // the hub does not answer
	BlockedRefused  = "refused"  // the hub refuses the next event; nothing is skipped
	// BlockedUnconfirmed: the centre has sent no watermark since this relay leads, so its database may be an old one.
	BlockedUnconfirmed = "unconfirmed"
	// BlockedRestored: the centre has events that this database has not. It was restored from a backup; see Repair.
	BlockedRestored = "restored"
	// BlockedPruned: the centre was restored from a backup, and what it lacks now was pruned here. The partition goes
	// on when the centre has it again, from the hub.
	BlockedPruned = "pruned"
)

var blockedReasons = []string{
	BlockedDatabase, BlockedBroker, BlockedRefused, BlockedUnconfirmed, BlockedRestored, BlockedPruned,
}

// Status is the state of a relay.
type Status struct {
	Leading      bool  // this relay holds the lease
	LastSeq      int64 // highest number drawn
	Published    int64 // acknowledged by the hub up to here
	Acknowledged int64 // acknowledged by the centre up to here
	Regressed    int64 // events that the centre has acknowledged before and lacks now
	Pending      int64 // events that the hub has not acknowledged, counted up to a limit
	Resends      int64 // events sent again since the start
	OldestAge    time.Duration
	Blocked      string // "" or one of the reasons above
}

// Relay sends one partition. Several relays may run for it: one leads, the others wait for the lease.
type Relay struct {
	c         Config
	wake      chan struct{}
	watermark latestWatermark

	mu           sync.Mutex
	status       Status
	pendingSince time.Time // since when the first event that the hub has not acknowledged is known
}

// NewRelay checks the configuration. Run starts the relay.
func NewRelay(c Config) (*Relay, error) {
	if err := c.setDefaults(); err != nil {
		return nil, err
	}
	return &Relay{c: c, wake: make(chan struct{}, 1), watermark: newLatestWatermark()}, nil
}

// Wake tells the relay that an event was committed. It never blocks and is safe for concurrent use.
func (r *Relay) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Status returns the state of the partition.
func (r *Relay) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.status
	if !r.pendingSince.IsZero() {
		s.OldestAge = time.Since(r.pendingSince)
	}
	return s
}

func (r *Relay) update(change func(*Status)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.status)
}

// Run leads, or waits to lead, until ctx ends; then it returns nil. Failures are logged, shown by Status and retried.
func (r *Relay) Run(ctx context.Context) error {
	unregister, err := r.registerMetrics()
	if err != nil {
		return err
	}
	defer unregister()
	sub, err := r.c.Conn.Subscribe(r.c.Partition.WatermarkSubject(), r.onWatermark)
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }()

	for ctx.Err() == nil {
		err := r.withLease(ctx, func(l *leader) error { return l.run(ctx) })
		leading := r.Status().Leading
		r.update(func(s *Status) { s.Leading = false })
		if ctx.Err() != nil {
			break
		}
		if errors.Is(err, errChanged) && !errors.Is(err, errDatabase) {
			r.c.Log.InfoContext(ctx, "partition changed by another process")
			continue
		}
		if err != nil {
			r.update(func(s *Status) { s.Blocked = BlockedDatabase })
			r.c.Log.WarnContext(ctx, "relay database error", slog.Bool("leading", leading), slog.Any("error", err))
		}
		sleep(ctx, jitter(r.c.LeaseRetry))
	}
	return nil
}

// jitter returns d plus or minus up to a quarter.
func jitter(d time.Duration) time.Duration {
	return d - d/4 + rand.N(d/2+1) //nolint:gosec // spreads load, protects nothing
}

// sleep returns after d or when ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
