package rpc

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/fault"
	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
)

// Ensure a call of a quiet method has neither span nor trace context, not even that of its caller, and is measured like
// the others.
func TestTracing(t *testing.T) {
	t.Parallel()
	spans, reader := tracetest.NewSpanRecorder(), metric.NewManualReader()
	handler := newTracing(func(method string) (quiet, known bool) { return method == "/a/Quiet", method != "/a/None" },
		otelgrpc.WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))),
		otelgrpc.WithMeterProvider(metric.NewMeterProvider(metric.WithReader(reader))),
		otelgrpc.WithPropagators(propagation.TraceContext{}))
	caller := metadata.Pairs("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	for method, traced := range map[string]bool{"/a/Quiet": false, "/a/Loud": true} {
		ctx := metadata.NewIncomingContext(t.Context(), caller)
		ctx = handler.TagRPC(ctx, &stats.RPCTagInfo{FullMethodName: method})
		if got := trace.SpanContextFromContext(ctx).IsValid(); got != traced || (bus.Traceparent(ctx) != "") != traced {
			t.Errorf("%s: traced %t, want %t", method, got, traced)
		}
		handler.HandleRPC(ctx, &stats.End{})
	}
	if ended := spans.Ended(); len(ended) != 1 || ended[0].Name() != "a/Loud" {
		t.Errorf("spans %v", ended)
	}
	var measured metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &measured); err != nil {
		t.Fatal(err)
	}
	methods := map[string]bool{}
	for _, m := range measured.ScopeMetrics[0].Metrics {
		if h, ok := m.Data.(metricdata.Histogram[float64]); ok && m.Name == "rpc.server.call.duration" {
			for _, p := range h.DataPoints {
				method, _ := p.Attributes.Value("rpc.method")
				methods[method.AsString()] = true
			}
		}
	}
	if len(methods) != 2 {
		t.Errorf("methods %v are measured", methods)
	}
}

// Ensure a quiet method logs failures only.
func TestPipeline_LogsFailuresOfQuietMethods(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	p := &pipeline{config: Config{Log: slog.New(slog.NewTextHandler(&log, nil))}}
	c := &call{method: "/a/Quiet", rule: rule{Rule: &accessv1.Rule{Quiet: true}}}
	_ = p.log(t.Context(), c, func(context.Context) error { return nil })
	if log.Len() > 0 {
		t.Errorf("a success was logged: %s", log.String())
	}
	_ = p.log(t.Context(), c, func(context.Context) error { return fault.New(fault.NotFound) })
	if !strings.Contains(log.String(), "method=/a/Quiet") {
		t.Errorf("a failure was not logged: %q", log.String())
	}
}
