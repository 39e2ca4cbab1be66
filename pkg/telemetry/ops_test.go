package telemetry_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel"

	"github.com/retepari/pari/pkg/telemetry"
)

func get(t *testing.T, h http.Handler, path string) (code int, body string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

// newOps starts telemetry, which sets global providers: its tests do not run in parallel.
func newOps(t *testing.T) *telemetry.Ops {
	t.Helper()
	tel, err := telemetry.Start(t.Context(), "test", "v0", io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tel.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return tel.NewOps()
}

// Ensure probes name the checks that fail and not the errors, which may quote secrets.
func TestOps_NamesFailingChecks(t *testing.T) {
	ops := newOps(t)
	failing := true
	check := func(context.Context) error {
		if failing {
			return errors.New("password of Anna is wrong")
		}
		return nil
	}
	ops.Check("key database", check)
	ops.Check("database", check)
	ops.Check("code lists", func(context.Context) error { return nil })
	code, body := get(t, ops.Handler(), "/readyz")
	if code != http.StatusServiceUnavailable || body != "waiting for [database key database]\n" {
		t.Errorf("readyz is %d %q", code, body)
	}
	code, body = get(t, ops.Handler(), "/status")
	var status telemetry.Status
	if err := json.Unmarshal([]byte(body), &status); err != nil || code != http.StatusOK {
		t.Fatalf("status is %d %q, %v", code, body, err)
	}
	if status.Ready || status.Checks["database"] != "failing" || status.Checks["code lists"] != "ok" {
		t.Errorf("status is %+v", status)
	}
	if code, body := get(t, ops.Handler(), "/healthz"); code != http.StatusOK || body != "ok\n" {
		t.Errorf("healthz is %d %q", code, body)
	}
	failing = false
	if code, body := get(t, ops.Handler(), "/readyz"); code != http.StatusOK || body != "ready\n" {
		t.Errorf("readyz is %d %q", code, body)
	}
	if _, body := get(t, ops.Handler(), "/status"); !strings.Contains(body, `"ready":true`) {
		t.Errorf("status is %s", body)
	}
}

// Ensure a check that hangs is ended after two seconds, and counts as failing.
func TestOps_BoundsChecks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ops := new(telemetry.Telemetry).NewOps()
		ops.Check("database", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		start := time.Now()
		if s := ops.Status(t.Context()); s.Ready || time.Since(start) != 2*time.Second {
			t.Errorf("got %+v after %s", s, time.Since(start))
		}
	})
}

// Ensure metrics of the process are there for scraping.
func TestOps_Metrics(t *testing.T) {
	ops := newOps(t)
	counter, err := otel.Meter("test").Int64Counter("pari_test_things")
	if err != nil {
		t.Fatal(err)
	}
	counter.Add(t.Context(), 3)
	code, body := get(t, ops.Handler(), "/metrics")
	if code != http.StatusOK || !strings.Contains(body, "pari_test_things_total 3") {
		t.Errorf("metrics are %d %s", code, body)
	}
}

// Ensure Serve listens until its context ends, fails on a busy address, and serves nothing without one.
func TestOps_Serve(t *testing.T) {
	ops := newOps(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	busy := l.Addr().String()
	if err := ops.Serve(t.Context(), busy); err == nil || !strings.HasPrefix(err.Error(), "ops address: ") {
		t.Errorf("busy address: %v", err)
	}
	_ = l.Close()
	for _, addr := range []string{"", "127.0.0.1:0"} {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- ops.Serve(ctx, addr) }()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("address %q: %v", addr, err)
		}
	}
}
