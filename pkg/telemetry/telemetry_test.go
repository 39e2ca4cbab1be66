package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"

	"github.com/retepari/pari/pkg/telemetry"
)

// Ensure each line carries the ids of its trace, also with attributes and groups, and none outside a trace.
func TestNewLog_AddsTheTrace(t *testing.T) {
	t.Parallel()
	traced := trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2},
	}))
	for name, c := range map[string]struct {
		with  func(*slog.Logger) *slog.Logger
		group string
	}{
		"plain":      {func(l *slog.Logger) *slog.Logger { return l }, ""},
		"attributes": {func(l *slog.Logger) *slog.Logger { return l.With(slog.String("a", "b")) }, ""},
		"group":      {func(l *slog.Logger) *slog.Logger { return l.WithGroup("g") }, "g"},
	} {
		var out bytes.Buffer
		log := c.with(telemetry.NewLog(&out))
		log.InfoContext(traced, "call")
		line := map[string]any{}
		if err := json.Unmarshal(out.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if c.group != "" {
			line, _ = line[c.group].(map[string]any)
		}
		if line["trace_id"] != "01000000000000000000000000000000" || line["span_id"] != "0200000000000000" {
			t.Errorf("%s: %s", name, out.String())
		}
		out.Reset()
		log.InfoContext(context.Background(), "call")
		if bytes.Contains(out.Bytes(), []byte("trace_id")) {
			t.Errorf("%s, without a trace: %s", name, out.String())
		}
	}
}

// Ensure PARI_LOG_LEVEL sets the level, and an unknown one means info.
func TestNewLog_Level(t *testing.T) {
	for value, want := range map[string]slog.Level{
		"": slog.LevelInfo, "debug": slog.LevelDebug, "WARN": slog.LevelWarn, "loud": slog.LevelInfo,
	} {
		t.Setenv("PARI_LOG_LEVEL", value)
		log := telemetry.NewLog(&bytes.Buffer{})
		if !log.Enabled(t.Context(), want) || log.Enabled(t.Context(), want-1) {
			t.Errorf("%q does not mean %s", value, want)
		}
	}
}

// Ensure spans are recorded only where an endpoint says where to send them, and until Stop.
func TestStart_Traces(t *testing.T) {
	for _, variable := range []string{"", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"} {
		t.Run(variable, func(t *testing.T) {
			if variable != "" {
				t.Setenv(variable, "http://127.0.0.1:1")
			}
			tel, err := telemetry.Start(t.Context(), "test", "v0", &bytes.Buffer{})
			if err != nil {
				t.Fatal(err)
			}
			recording := func() bool {
				_, span := otel.Tracer("test").Start(t.Context(), "span") // not ended, so nothing is sent
				return span.IsRecording()
			}
			if got := recording(); got != (variable != "") {
				t.Errorf("recording %t", got)
			}
			if err := tel.Stop(t.Context()); err != nil {
				t.Error(err)
			}
			if recording() {
				t.Error("recording after Stop")
			}
		})
	}
}

// Ensure failures of telemetry itself are logged.
func TestStart_LogsFailures(t *testing.T) {
	var out bytes.Buffer
	tel, err := telemetry.Start(t.Context(), "test", "v0", &out)
	if err != nil {
		t.Fatal(err)
	}
	otel.Handle(errors.New("exporter is away"))
	if !strings.Contains(out.String(), `"msg":"telemetry failed","error":"exporter is away"`) {
		t.Errorf("the log is %s", out.String())
	}
	if err := tel.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if err := tel.Stop(t.Context()); err == nil {
		t.Error("Stop hides the error of a reader that is stopped already")
	}
}
