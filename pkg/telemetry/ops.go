package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Ops is the HTTP side of a service, for probes and scrapes: /metrics, /healthz (the process lives), /readyz (it can
// serve) and /status (JSON: what it waits for). It tells states, never content, and needs no certificate: keep its port
// inside the cluster.
type Ops struct {
	telemetry *Telemetry

	mu     sync.Mutex
	checks map[string]func(context.Context) error
}

// NewOps returns an Ops without checks.
func (t *Telemetry) NewOps() *Ops {
	return &Ops{telemetry: t, checks: map[string]func(context.Context) error{}}
}

// Check adds something that must work for the service to be ready.
func (o *Ops) Check(name string, check func(context.Context) error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.checks[name] = check
}

// Status is what /status says.
type Status struct {
	Ready  bool              `json:"ready"`
	Checks map[string]string `json:"checks"`
}

// Status runs every check.
func (o *Ops) Status(ctx context.Context) Status {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	o.mu.Lock()
	defer o.mu.Unlock()
	s := Status{Ready: true, Checks: map[string]string{}}
	for name, check := range o.checks {
		s.Checks[name] = "ok"
		if err := check(ctx); err != nil {
			s.Ready, s.Checks[name] = false, "failing"
		}
	}
	return s
}

// Handler serves the pages.
func (o *Ops) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.telemetry.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		s := o.Status(r.Context())
		if s.Ready {
			_, _ = fmt.Fprintln(w, "ready")
			return
		}
		var waits []string
		for name, state := range s.Checks {
			if state != "ok" {
				waits = append(waits, name)
			}
		}
		slices.Sort(waits)
		http.Error(w, fmt.Sprintf("waiting for %v", waits), http.StatusServiceUnavailable)
	})
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(o.Status(r.Context()))
	})
	return mux
}

// Serve serves the pages on addr until ctx ends; an empty addr serves nothing.
func (o *Ops) Serve(ctx context.Context, addr string) error {
	if addr == "" {
		<-ctx.Done()
		return nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("ops address: %w", err)
	}
	server := &http.Server{Handler: o.Handler(), ReadHeaderTimeout: 5 * time.Second}
	stopped := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stopped()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("ops: %w", err)
	}
	return nil
}
