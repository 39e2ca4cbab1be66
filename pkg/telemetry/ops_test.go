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

// Ensure Serve serves until its context ends, and fails on a busy address.
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
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- ops.Serve(ctx, busy) }() // free now
	if body := getUntilServed(t, "http://"+busy+"/healthz"); body != "ok\n" {
		t.Errorf("healthz is %q", body)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if c, err := net.Dial("tcp", busy); err == nil {
		_ = c.Close()
		t.Error("served after the end of the context")
	}
}

// getUntilServed waits until a server listens, and returns its response.
func getUntilServed(t *testing.T, url string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if ctx.Err() != nil {
			t.Fatalf("not served: %v", err)
		}
		if err != nil {
			<-time.After(10 * time.Millisecond)
			continue
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s, %v", url, resp.Status, err)
		}
		return string(body)
	}
}

// Ensure Serve without an address waits for the end of its context: a part that returns would stop the service.
func TestOps_ServeNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- new(telemetry.Telemetry).NewOps().Serve(ctx, "") }()
		synctest.Wait()
		select {
		case err := <-done:
			t.Fatalf("returned %v before the end of its context", err)
		default:
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
