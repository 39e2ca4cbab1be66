package rpc

import (
	"context"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc/stats"
)

// tracing measures every call of a known method, and traces those whose method is not quiet. The name of an unknown one
// must not become a label.
type tracing struct {
	stats.Handler // traces

	quiet  stats.Handler // measures only
	lookup func(method string) (quiet, known bool)
}

func newTracing(lookup func(method string) (quiet, known bool), options ...otelgrpc.Option) *tracing {
	// Without a propagator, the trace of the caller does not reach the call either, nor what it stores.
	untraced := append(options[:len(options):len(options)], otelgrpc.WithTracerProvider(noop.NewTracerProvider()),
		otelgrpc.WithPropagators(propagation.NewCompositeTextMapPropagator()))
	return &tracing{otelgrpc.NewServerHandler(options...), otelgrpc.NewServerHandler(untraced...), lookup}
}

// handlerKey is set in the context of a call whose handler is not the one that traces.
type handlerKey struct{}

// TagRPC implements stats.Handler.
func (t *tracing) TagRPC(ctx context.Context, info *stats.RPCTagInfo) context.Context {
	switch quiet, known := t.lookup(info.FullMethodName); {
	case !known:
		return context.WithValue(ctx, handlerKey{}, unmeasured{})
	case quiet:
		return t.quiet.TagRPC(context.WithValue(ctx, handlerKey{}, t.quiet), info)
	default:
		return t.Handler.TagRPC(ctx, info)
	}
}

// HandleRPC implements stats.Handler.
func (t *tracing) HandleRPC(ctx context.Context, s stats.RPCStats) {
	switch h := ctx.Value(handlerKey{}).(type) {
	case unmeasured:
	case stats.Handler:
		h.HandleRPC(ctx, s)
	default:
		t.Handler.HandleRPC(ctx, s)
	}
}

// unmeasured marks a call that is neither measured nor traced.
type unmeasured struct{}
