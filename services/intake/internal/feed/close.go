package feed

import (
	"context"
	"log/slog"
	"time"

	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/services/intake/internal/store"
)

// pollInterval is how often Run asks whether a day has closed.
const pollInterval = 5 * time.Second

// closeDelay is how long after midnight a day closes. It is longer than a call and the difference of two clocks, so
// that no report of the last seconds comes too late and leaves alone.
const closeDelay = 15 * time.Minute

// DayCloser sends the counts of anonymous reports whose day has closed. Several replicas may run one each.
type DayCloser struct {
	Reports *store.Reports
	Tenants []tenant.ID
	// Every is 0 in production. Otherwise today closes too, as often as this: for trying and developing only, because a
	// count then tells more than its day.
	Every time.Duration
	// WakeRelay is called after a commit that appended events to the outbox.
	WakeRelay func()
	Log       *slog.Logger
	Now       func() time.Time
}

// Run closes days, at once and then every five seconds, until ctx ends.
func (c *DayCloser) Run(ctx context.Context) error {
	interval := pollInterval
	if c.Every > 0 {
		interval = c.Every
		c.Log.WarnContext(ctx, "anonymous counts leave before their day has closed", slog.Duration("every", c.Every))
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		for _, t := range c.Tenants {
			c.Close(ctx, t)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Close sends what has to leave of one tenant.
func (c *DayCloser) Close(ctx context.Context, t tenant.ID) {
	today := c.Now().Add(-closeDelay)
	if c.Every > 0 {
		today = c.Now().AddDate(0, 0, 1)
	}
	n, err := c.Reports.CloseDays(ctx, t, today)
	if n > 0 {
		c.WakeRelay()
	}
	if err != nil && ctx.Err() == nil {
		c.Log.WarnContext(ctx, "day close failed", slog.Any("error", err))
	}
}
