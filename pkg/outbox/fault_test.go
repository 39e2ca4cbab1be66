package outbox_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/pkg/outbox"
)

// load writes events until stop is called, which returns how many there are.
func (b *bundle) load() (stop func() int) {
	ctx, cancel := context.WithCancel(context.Background())
	written := make(chan int, 1)
	go func() {
		n := 0
		for tick := time.NewTicker(time.Millisecond); ctx.Err() == nil; <-tick.C {
			if err := write(context.Background(), b.pool, line.Node, fmt.Sprintf("a%02d", n%20), fmt.Appendf(nil, "event %d", n)); err != nil {
				b.t.Errorf("write: %v", err)
				break
			}
			n++
		}
		written <- n
	}()
	return func() int {
		cancel()
		return <-written
	}
}

// progress waits until the relay has sent what it had not sent at the call, and returns how long that took.
func progress(t *testing.T, r *outbox.Relay) time.Duration {
	t.Helper()
	start, from := time.Now(), r.Status().Published
	bustest.Eventually(t, func() bool { return r.Status().Published > from })
	return time.Since(start)
}

// Ensure that whatever happens to link and brokers under load, every event is in the stream once, in order, and that a
// healed link is used at once.
func TestRelay_survives_faults_of_the_cable(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]struct {
		breakIt, mend func(*bustest.Network)
		within        time.Duration // from mending to the first event at the hub
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
			b := setup(t)
			c := b.config()
			c.Batch = 32
			r, _ := b.start(c)
			stop := b.load()
			var slowest time.Duration
			for range 5 {
				progress(t, r)
				fault.breakIt(b.net)
				bustest.Eventually(t, func() bool { return r.Status().Blocked == outbox.BlockedBroker })
				fault.mend(b.net)
				slowest = max(slowest, progress(t, r))
			}
			total := stop()
			bustest.Eventually(t, func() bool { return r.Status().Published == int64(total) })
			b.want(check(b.net.Keys(), b.stream()), verdict{events: total})
			t.Logf("%d events, 5 faults, slowest use of the mended link %v", total, slowest.Round(time.Millisecond))
			if slowest > fault.within {
				t.Fatalf("the mended link was used after %v only", slowest)
			}
		})
	}
}

// Ensure that a database that goes away and comes back costs nothing but time.
func TestRelay_survives_the_loss_of_its_connection(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.config()
	c.Batch = 16
	r, _ := b.start(c)
	stop := b.load()
	for range 10 {
		progress(t, r)
		if _, err := b.pool.Exec(t.Context(), `select pg_terminate_backend(pid) from pg_stat_activity
			where datname = current_database() and application_name = 'pari relay'`); err != nil {
			t.Fatal(err)
		}
		progress(t, r)
	}
	total := stop()
	bustest.Eventually(t, func() bool { return r.Status().Published == int64(total) })
	b.want(check(b.net.Keys(), b.stream()), verdict{events: total})
}
