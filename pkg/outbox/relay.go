package outbox

import (
	"context"
)

// Status is what a relay knows about its line.
type Status struct {
	Leading   bool   // this relay holds the lease
	LastSeq   int64  // highest number drawn
	Pending   int64  // events not acknowledged by the hub
	Confirmed int64  // covered by the centre's watermark
	Blocked   string // why nothing is sent: "", "broker", "refused", "database"
}

// Relay sends one line. Several may run for the same line: one leads, the others wait.
type Relay struct {
	c    Config
	wake chan struct{}
}

// NewRelay checks the configuration.
func NewRelay(c Config) (*Relay, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	return &Relay{c: c, wake: make(chan struct{}, 1)}, nil
}

// Wake tells the relay that something was committed. It never blocks and may be called from anywhere.
func (r *Relay) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run leads or waits until ctx ends; it returns nil then.
func (r *Relay) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Status tells how the line stands.
func (r *Relay) Status() Status { return Status{} }
