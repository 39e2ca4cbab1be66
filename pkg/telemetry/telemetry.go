// Package telemetry lets operators see what happens and nobody read what was told: traces, metrics and logs with the same
// trace id, states and counters, never a payload.
//
//	OTEL_EXPORTER_OTLP_ENDPOINT   where spans go; without it none are kept
//	PARI_LOG_LEVEL                debug, info (default), warn, error
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

// Telemetry of one process. Several services in one process share it.
type Telemetry struct {
	// Log writes JSON lines with the ids of the trace.
	Log *slog.Logger

	registry *prometheus.Registry
	stop     []func(context.Context) error
}

// Start sets up logs to w, metrics for a scrape, and traces when an endpoint is given. Call it once per process.
func Start(ctx context.Context, program, version string, w io.Writer) (*Telemetry, error) {
	t := &Telemetry{Log: NewLog(w), registry: prometheus.NewRegistry()}
	res := resource.NewSchemaless(attribute.String("service.name", program), attribute.String("service.version", version))
	reader, err := otelprometheus.New(otelprometheus.WithRegisterer(t.registry), otelprometheus.WithoutScopeInfo())
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	meters := metric.NewMeterProvider(metric.WithReader(reader), metric.WithResource(res))
	otel.SetMeterProvider(meters)
	t.stop = append(t.stop, meters.Shutdown)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		t.Log.WarnContext(context.Background(), "telemetry", slog.Any("error", err))
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

// Stop sends what is still to be sent.
func (t *Telemetry) Stop(ctx context.Context) error {
	var errs []error
	for _, stop := range t.stop {
		errs = append(errs, stop(ctx))
	}
	return errors.Join(errs...)
}

// NewLog returns the log that Start uses, for programs that want nothing else.
func NewLog(w io.Writer) *slog.Logger {
	level := slog.LevelInfo
	if err := level.UnmarshalText([]byte(strings.ToUpper(os.Getenv("PARI_LOG_LEVEL")))); err != nil {
		level = slog.LevelInfo
	}
	return slog.New(traced{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})})
}

// traced adds the trace of the context to each line.
type traced struct{ slog.Handler }

func (h traced) Handle(ctx context.Context, r slog.Record) error {
	if span := oteltrace.SpanContextFromContext(ctx); span.IsValid() {
		r.AddAttrs(slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

func (h traced) WithAttrs(attrs []slog.Attr) slog.Handler { return traced{h.Handler.WithAttrs(attrs)} }

func (h traced) WithGroup(name string) slog.Handler { return traced{h.Handler.WithGroup(name)} }
