package rpc

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"runtime"
	"strings"

	"go.opentelemetry.io/otel/trace"

	"github.com/retepari/pari/pkg/fault"
)

// recover turns a panic into INTERNAL. The panic's value may contain personal data, so only its type, the function and
// a hash of the functions on the stack are logged. The hash is the same for the same bug in every process.
func (p *pipeline) recover(ctx context.Context, c *call, next func(context.Context) error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			functions := panicFunctions()
			p.config.Log.ErrorContext(ctx, "panic", slog.String("method", c.method),
				slog.String("type", fmt.Sprintf("%T", value)), slog.String("stack_hash", hash(functions)),
				slog.String("function", functions[0]))
			err = fault.New(fault.Internal).WithCause(errPanic)
		}
	}()
	return next(ctx)
}

var errPanic = errors.New("panic")

// panicFunctions returns the functions that were running at a panic, the innermost first, up to the pipeline: gRPC runs
// handlers in more than one way. Those of the runtime are left out. It must be called by the deferred function.
func panicFunctions() []string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	var functions []string
	for below := false; ; {
		frame, more := frames.Next()
		if below && strings.HasSuffix(frame.Function, "(*pipeline).recover") {
			break
		}
		if below && !strings.HasPrefix(frame.Function, "runtime.") {
			functions = append(functions, frame.Function)
		}
		below = below || frame.Function == "runtime.gopanic"
		if !more {
			break
		}
	}
	if len(functions) == 0 {
		return []string{"unknown"}
	}
	return functions
}

func hash(functions []string) string {
	sum := fnv.New64a()
	for _, f := range functions {
		_, _ = sum.Write([]byte(f + "\n"))
	}
	return fmt.Sprintf("%x", sum.Sum64())
}

func traceMeta(ctx context.Context) map[string]string {
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		return map[string]string{"trace_id": span.TraceID().String()}
	}
	return nil
}
