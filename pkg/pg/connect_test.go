package pg_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/retepari/pari/pkg/pg"
)

// Ensure statements, locks and idle transactions are bounded, unless the address says otherwise.
func TestConnect_BoundsWaits(t *testing.T) {
	t.Parallel()
	url := newDB(t).URL
	for name, c := range map[string]struct {
		url      string
		settings map[string]string
		maxConns int32
	}{
		"defaults": {url, map[string]string{
			"statement_timeout": "15s", "lock_timeout": "5s", "idle_in_transaction_session_timeout": "30s",
		}, 16},
		"from the address": {url + "&statement_timeout=1s&lock_timeout=2s&pool_max_conns=3", map[string]string{
			"statement_timeout": "1s", "lock_timeout": "2s", "idle_in_transaction_session_timeout": "30s",
		}, 3},
	} {
		pool, err := pg.Connect(t.Context(), c.url)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		for setting, want := range c.settings {
			var got string
			err := pool.QueryRow(t.Context(), `select current_setting($1)`, setting).Scan(&got)
			if err != nil || got != want {
				t.Errorf("%s: %s is %s, %v; want %s", name, setting, got, err, want)
			}
		}
		if got := pool.Config(); got.MaxConns != c.maxConns || got.ConnConfig.ConnectTimeout != 5*time.Second {
			t.Errorf("%s: %d connections, want %d; connects within %s, want 5s",
				name, got.MaxConns, c.maxConns, got.ConnConfig.ConnectTimeout)
		}
	}
}

// Ensure an address that cannot be parsed is an error, which does not quote the password in it.
func TestConnect_HidesTheAddress(t *testing.T) {
	t.Parallel()
	const url = "postgres://pari:secret@127.0.0.1:port/db"
	if _, err := pg.Connect(t.Context(), url); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("connect: got %v", err)
	}
	if err := pg.Migrate(t.Context(), url, schema); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("migrate: got %v", err)
	}
}

// Ensure spans carry neither statements nor arguments: they may be personal data.
func TestConnect_TracesWithoutContent(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	before := otel.GetTracerProvider()
	otel.SetTracerProvider(trace.NewTracerProvider(trace.WithSyncer(spans)))
	t.Cleanup(func() { otel.SetTracerProvider(before) })
	pool := newDB(t).Pool(t)
	ctx, call := otel.Tracer("test").Start(t.Context(), "call") // only statements of a traced call have spans
	defer call.End()
	var got string
	if err := pool.QueryRow(ctx, `select 'Rossi' || $1`, "Anna").Scan(&got); err != nil {
		t.Fatal(err)
	}
	recorded := false
	for _, span := range spans.GetSpans() {
		recorded = recorded || span.Name == "select"
		if text := fmt.Sprint(span.Name, span.Attributes, span.Events); strings.Contains(text, "Rossi") ||
			strings.Contains(text, "Anna") {
			t.Errorf("the span has %s", text)
		}
	}
	if !recorded {
		t.Error("the statement has no span")
	}
}

// Ensure the name of a span is the statement's verb and nothing that could be content.
func TestSpanName(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"select 1": "select", "insert\ninto note": "insert", "commit": "statement", "": "statement",
	} {
		if got := pg.SpanName(sql); got != want {
			t.Errorf("%q is named %q, want %q", sql, got, want)
		}
	}
}
