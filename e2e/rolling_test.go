package e2e_test

import (
	"context"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"

	"github.com/retepari/pari/e2e/cluster"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/rpc"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
)

// dialAll connects as Cremona's registry to replicas of Cremona's intake.
func (h *harness) dialAll(t *testing.T, addrs ...string) *grpc.ClientConn {
	t.Helper()
	source, err := identity.LoadSource(h.IdentityDir("protocollo.cremona"))
	if err != nil {
		t.Fatal(err)
	}
	var state resolver.State
	for _, addr := range addrs {
		state.Addresses = append(state.Addresses, resolver.Address{Addr: addr})
	}
	replicas := manual.NewBuilderWithScheme("replicas")
	replicas.InitialState(state)
	conn, err := rpc.Dial("replicas:///intake", source, rpc.Service("intake", h.Client().Tenants["cremona"]),
		grpc.WithResolvers(replicas), grpc.WithDisableRetry()) // a call that was cut must fail
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// Ensure that replicas can be restarted one after the other, thirty times, under load, and no call fails, although the
// connection repeats none.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	const service, restarts, clients = "intake.cremona", 30, 4
	h := &harness{cluster.Start(t, cluster.Options{Nodes: []string{"cremona"}})}
	second, addr, err := h.AddReplica(t.Context(), service)
	if err != nil {
		t.Fatal(err)
	}
	addrs := map[string]string{service: h.Addr[service], second: addr}
	waitReady := func(name string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		conn := h.dialAll(t, addrs[name])
		defer func() { _ = conn.Close() }()
		check, err := healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{}, grpc.WaitForReady(true))
		if err != nil || check.GetStatus() != healthv1.HealthCheckResponse_SERVING {
			t.Fatalf("%s is %v, %v; see %s", name, check, err, filepath.Join(h.Dir, "logs", name+".log"))
		}
	}
	waitReady(second)
	intake := intakev1.NewIntakeServiceClient(h.dialAll(t, addrs[service], addrs[second]))
	var calls, failures atomic.Int64
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				calls.Add(1)
				if _, err := intake.SubmitReport(callContext(t), report()); err != nil {
					failures.Add(1)
					t.Errorf("call %d: %v", calls.Load(), err)
				}
			}
		})
	}
	for i := range restarts {
		name := []string{service, second}[i%2]
		before := calls.Load()
		h.StopGently(name)
		if err := h.Restart(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		waitReady(name)
		eventually(t, "calls go on", func() bool { return calls.Load() > before+clients })
	}
	close(stop)
	wg.Wait()
	t.Logf("%d calls during %d restarts, %d failed", calls.Load(), restarts, failures.Load())
}
