package client

import (
	"context"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"
)

type attemptsKey struct{}

// CountAttempts returns a context for one call, and a function that returns how often the connection has sent it. Only
// connections with WithAttempts count, as those of Network.Conn do.
func CountAttempts(ctx context.Context) (counted context.Context, attempts func() int) {
	var n atomic.Int32
	return context.WithValue(ctx, attemptsKey{}, &n), func() int { return int(n.Load()) }
}

// WithAttempts makes a connection count the attempts of its calls.
func WithAttempts() grpc.DialOption { return grpc.WithStatsHandler(attemptCounter{}) }

// attemptCounter counts each attempt that a service may have seen.
type attemptCounter struct{}

// TagRPC implements stats.Handler.
func (attemptCounter) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC implements stats.Handler.
func (attemptCounter) HandleRPC(ctx context.Context, s stats.RPCStats) {
	begin, ok := s.(*stats.Begin)
	if !ok || begin.IsTransparentRetryAttempt { // no service has seen the attempt that it replaces
		return
	}
	if n, ok := ctx.Value(attemptsKey{}).(*atomic.Int32); ok {
		n.Add(1)
	}
}

// TagConn implements stats.Handler.
func (attemptCounter) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn implements stats.Handler.
func (attemptCounter) HandleConn(context.Context, stats.ConnStats) {}
