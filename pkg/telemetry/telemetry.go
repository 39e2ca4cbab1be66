// Package telemetry sets up traces, metrics and logs, which share trace ids. They carry states and counters, never a
// payload.
//
//	OTEL_EXPORTER_OTLP_ENDPOINT   where spans are sent; without it spans are dropped
//	PARI_LOG_LEVEL                debug, info (default), warn, error
//
// It promises that a service works without a collector of traces. It does not promise that a span arrives: those that
// cannot be sent are dropped. With an endpoint, a goroutine of the exporter sends spans until Stop. Ops.Serve runs in
// the caller's goroutine.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"
)

// Telemetry of a process. Several services in one process share it.
type Telemetry struct {
	// Log writes JSON lines with trace and span ids.
	Log *slog.Logger

	registry *prometheus.Registry
	stop     []func(context.Context) error
}

// Start sets up logs to w, metrics for scraping, and traces when an endpoint is set. Call it once per process.
func Start(ctx context.Context, program, version string, w io.Writer) (*Telemetry, error) {
	t := &Telemetry{Log: NewLog(w), registry: prometheus.NewRegistry()}
	res := resource.NewSchemaless(
		attribute.String("service.name", program), attribute.String("service.version", version))
	reader, err := otelprometheus.New(otelprometheus.WithRegisterer(t.registry), otelprometheus.WithoutScopeInfo())
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	meters := metric.NewMeterProvider(metric.WithReader(reader), metric.WithResource(res))
	otel.SetMeterProvider(meters)
	t.stop = append(t.stop, meters.Shutdown)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		t.Log.WarnContext(context.Background(), "telemetry failed", slog.Any("error", err))
	}))
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != "" {
		exporter, err := otlptracegrpc.New(ctx)
		if err != nil {
			return nil, fmt.Errorf("traces: %w", err)
		}
		tracers := trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithResource(res))
		otel.SetTracerProvider(tracers)
		t.stop = append(t.stop, tracers.Shutdown)
	}
	return t, nil
}

// Stop flushes spans and metrics.
func (t *Telemetry) Stop(ctx context.Context) error {
	var errs []error
	for _, stop := range t.stop {
		errs = append(errs, stop(ctx))
	}
	return errors.Join(errs...)
}

// NewLog returns the log that Start sets up, for programs that need nothing else.
func NewLog(w io.Writer) *slog.Logger {
	level := slog.LevelInfo
	if err := level.UnmarshalText([]byte(strings.ToUpper(os.Getenv("PARI_LOG_LEVEL")))); err != nil {
		level = slog.LevelInfo
	}
	return slog.New(traceHandler{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})})
}

// traceHandler adds the trace and span ids of the context to each line.
type traceHandler struct{ slog.Handler }

func (h traceHandler) Handle(ctx context.Context, r slog.Record) error {
	if span := oteltrace.SpanContextFromContext(ctx); span.IsValid() {
		r.AddAttrs(slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

func (h traceHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return traceHandler{h.Handler.WithAttrs(attrs)}
}

func (h traceHandler) WithGroup(name string) slog.Handler {
	return traceHandler{h.Handler.WithGroup(name)}
}
