package rpc

import (
	"context"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc/stats"
)

// tracing measures every call, and traces those whose method is not quiet.
type tracing struct {
	stats.Handler // traces

	quiet   stats.Handler // measures only
	isQuiet func(method string) bool
}

func newTracing(isQuiet func(method string) bool, options ...otelgrpc.Option) *tracing {
	// Without a propagator, the trace of the caller does not reach the call either, nor what it stores.
	untraced := append(options[:len(options):len(options)], otelgrpc.WithTracerProvider(noop.NewTracerProvider()),
		otelgrpc.WithPropagators(propagation.NewCompositeTextMapPropagator()))
	return &tracing{otelgrpc.NewServerHandler(options...), otelgrpc.NewServerHandler(untraced...), isQuiet}
}

// quietKey is set in the context of a call whose method is quiet.
type quietKey struct{}

// TagRPC implements stats.Handler.
func (t *tracing) TagRPC(ctx context.Context, info *stats.RPCTagInfo) context.Context {
	if t.isQuiet(info.FullMethodName) {
		return t.quiet.TagRPC(context.WithValue(ctx, quietKey{}, true), info)
	}
	return t.Handler.TagRPC(ctx, info)
}

// HandleRPC implements stats.Handler.
func (t *tracing) HandleRPC(ctx context.Context, s stats.RPCStats) {
	if ctx.Value(quietKey{}) != nil {
		t.quiet.HandleRPC(ctx, s)
		return
	}
	t.Handler.HandleRPC(ctx, s)
}
