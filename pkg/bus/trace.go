package bus

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
)

// Traceparent returns the W3C trace context of ctx, or "". Baggage never leaves the process.
func Traceparent(ctx context.Context) string {
	c := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, c)
	return c["traceparent"]
}

// WithTraceparent returns ctx with the trace of an event as its remote parent. Without a valid trace it returns ctx.
func WithTraceparent(ctx context.Context, traceparent string) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": traceparent})
}
