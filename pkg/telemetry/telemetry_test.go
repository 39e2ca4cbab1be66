package telemetry_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"

	"github.com/retepari/pari/pkg/telemetry"
)

func get(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

// Ensure a service that waits for something says for what, and not why: a reason may hold more than states.
func TestOps_NamesWhatIsMissing(t *testing.T) {
	var out bytes.Buffer
	tel, err := telemetry.Start(context.Background(), "test", "v0", &out)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tel.Stop(context.Background()) }()
	counter, err := otel.Meter("test").Int64Counter("pari_test_things")
	if err != nil {
		t.Fatal(err)
	}
	counter.Add(context.Background(), 3)
	ops := tel.NewOps()
	broken := true
	ops.Check("database", func(context.Context) error {
		if broken {
			return errors.New("password of Anna is wrong")
		}
		return nil
	})
	if code, body := get(t, ops.Handler(), "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "database") || strings.Contains(body, "Anna") {
		t.Errorf("readyz says %d %s", code, body)
	}
	broken = false
	for path, want := range map[string]string{"/readyz": "ready", "/healthz": "ok", "/status": `"database":"ok"`, "/metrics": "pari_test_things_total 3"} {
		if code, body := get(t, ops.Handler(), path); code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s says %d, without %q", path, code, want)
		}
	}
}

func TestLog_CarriesTheTrace(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	ctx := trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}}))
	telemetry.NewLog(&out).With(slog.String("a", "b")).InfoContext(ctx, "call")
	if !strings.Contains(out.String(), `"trace_id":"01000000000000000000000000000000"`) {
		t.Error(out.String())
	}
}
