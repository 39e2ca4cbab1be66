package outbox_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/pkg/outbox"
)

// startLoad appends events until stop is called, which returns how many there are.
func (e *env) startLoad() (stop func() int) {
	ctx, cancel := context.WithCancel(context.Background())
	appended := make(chan int, 1)
	go func() {
		n := 0
		for tick := time.NewTicker(time.Millisecond); ctx.Err() == nil; <-tick.C {
			err := e.appendEvent(partition.Tenant, fmt.Sprintf("a%02d", n%20), fmt.Appendf(nil, "event %d", n))
			if err != nil {
				e.t.Errorf("append: %v", err)
				break
			}
			n++
		}
		appended <- n
	}()
	return func() int {
		cancel()
		return <-appended
	}
}

// waitForProgress waits until the relay has published more than at the call, and returns how long that took.
func waitForProgress(t *testing.T, r *outbox.Relay) time.Duration {
	t.Helper()
	start, published := time.Now(), r.Status().Published
	bustest.Eventually(t, func() bool { return r.Status().Published > published })
	return time.Since(start)
}

// Ensure under load that no fault of link or brokers loses, duplicates or reorders an event, and that a recovered link
// is used at once.
func TestRelay_SurvivesBrokerFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]struct {
		inject, recover func(*bustest.Network)
		within          time.Duration // from recovery to the next event at the hub
	}{
		"link cut": {
			func(n *bustest.Network) { n.Leaf(bustest.Cremona).Link.Cut() },
			func(n *bustest.Network) { n.Leaf(bustest.Cremona).Link.Heal() }, 3 * time.Second,
		},
		"link half open": {
			func(n *bustest.Network) { n.Leaf(bustest.Cremona).Link.Freeze() },
			func(n *bustest.Network) { n.Leaf(bustest.Cremona).Link.Heal() }, 3 * time.Second,
		},
		"hub restarted": {
			func(n *bustest.Network) { n.StopHub() },
			func(n *bustest.Network) { n.StartHub() }, 5 * time.Second,
		},
		"leaf restarted": {
			func(n *bustest.Network) { n.Leaf(bustest.Cremona).Stop() },
			func(n *bustest.Network) { n.StartLeaf(bustest.Cremona) }, 5 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t)
			c := e.config()
			c.Batch = 32
			r, _ := e.start(c)
			stop := e.startLoad()
			var slowest time.Duration
			for range 5 {
				waitForProgress(t, r)
				fault.inject(e.net)
				bustest.Eventually(t, func() bool { return r.Status().Blocked == outbox.BlockedBroker })
				fault.recover(e.net)
				slowest = max(slowest, waitForProgress(t, r))
			}
			total := stop()
			bustest.Eventually(t, func() bool { return r.Status().Published == int64(total) })
			e.expectStream(summary{events: total})
			t.Logf("%d events, 5 faults, slowest recovery %v", total, slowest.Round(time.Millisecond))
			if slowest > fault.within {
				t.Fatalf("the recovered link was used only after %v", slowest)
			}
		})
	}
}

const terminateRelay = `select pg_terminate_backend(pid) from pg_stat_activity
	where datname = current_database() and application_name = 'pari relay'`

// Ensure under load that a lost database connection loses, duplicates or reorders no event.
func TestRelay_SurvivesLostConnections(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	c := e.config()
	c.Batch = 16
	r, _ := e.start(c)
	stop := e.startLoad()
	for range 10 {
		waitForProgress(t, r)
		if _, err := e.db.Exec(t.Context(), terminateRelay); err != nil {
			t.Fatal(err)
		}
		waitForProgress(t, r)
	}
	total := stop()
	bustest.Eventually(t, func() bool { return r.Status().Published == int64(total) })
	e.expectStream(summary{events: total})
}
