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

// Ops serves HTTP for probes and scraping: /metrics, /healthz (the process is alive), /readyz (it can serve) and
// /status (JSON: which checks fail). It shows states, never content, and needs no certificate: keep its port inside the
// cluster.
type Ops struct {
	telemetry *Telemetry

	mu     sync.Mutex
	checks map[string]func(context.Context) error
}

// NewOps returns an Ops without checks.
func (t *Telemetry) NewOps() *Ops {
	return &Ops{telemetry: t, checks: map[string]func(context.Context) error{}}
}

// Check adds a readiness check.
func (o *Ops) Check(name string, check func(context.Context) error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.checks[name] = check
}

// Status is the response of /status.
type Status struct {
	Ready  bool              `json:"ready"`
	Checks map[string]string `json:"checks"`
}

// Status runs all checks.
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

// Handler returns the HTTP handler.
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
		var failing []string
		for name, state := range s.Checks {
			if state != "ok" {
				failing = append(failing, name)
			}
		}
		slices.Sort(failing)
		http.Error(w, fmt.Sprintf("waiting for %v", failing), http.StatusServiceUnavailable)
	})
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(o.Status(r.Context()))
	})
	return mux
}

// Serve serves HTTP on addr until ctx ends; an empty addr serves nothing.
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
