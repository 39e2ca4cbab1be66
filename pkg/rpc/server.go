// Package rpc builds gRPC servers and clients the one way that Pari uses them.
//
// A call passes, outermost first:
//
//	trace and metrics ► path ► recover ► log ► fault to status ► identity ► access rule ► deadline ► rate ► size ► validation ► handler
//
// so that refusals are counted and logged too, and nobody learns anything before being known. It promises: a method without
// an access rule in the contract stops the service from starting; a handler runs only for a caller whom its rule allows,
// with a request that is valid in every field; a refusal names reason, field and remedy in both languages; a panic ends its
// call and says nothing of what it held. Nothing of a request or an answer is logged or traced.
package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"buf.build/go/protovalidate"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/vocabulary"
)

// workers is how many calls find a goroutine ready; more calls at once get goroutines of their own.
const workers = 32

// Limits of a server.
const (
	// MaxRequest is the largest request that a handler sees, unless its service takes larger ones. Up to margin beyond it a
	// request gets a precise refusal; then the transport's.
	MaxRequest = 64 << 10
	margin     = 1 << 20

	stopBudget = 3 * time.Second
)

// Config of a server.
type Config struct {
	// Service is its name, for logs and health.
	Service string
	// Region and Node are what the server serves. A server that hosts several nodes lists them all in Nodes.
	Region, Node string
	// Nodes are the tenants whose callers are welcome; empty means Node alone.
	Nodes []string
	// Source is its identity.
	Source *identity.Source
	// Grants are the roles of systems.
	Grants identity.Grants
	// Verifier checks people's tokens; nil refuses every token.
	Verifier *identity.Verifier
	// Vocabulary gives the code lists in force; nil when the service's requests hold no codes.
	Vocabulary func() *vocabulary.Set
	// Log takes one line per call.
	Log *slog.Logger
	// Reflection lets tools read the contract from the server; for development.
	Reflection bool
	// MaxRequest is the largest request that a handler sees, in bytes; 0 means 64 KiB.
	MaxRequest int
	// PerSecond is how many calls one caller may make per second, on average; 0 means 2000.
	PerSecond float64
	// Now is the clock; nil for time.Now.
	Now func() time.Time
}

// Server is a gRPC server with Pari's chain.
type Server struct {
	config Config
	chain  *chain
	grpc   *grpc.Server
	health *health.Server
	rules  map[string]rule
}

// NewServer returns a server without services.
func NewServer(c Config) (*Server, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.PerSecond == 0 {
		c.PerSecond = 2000
	}
	if c.MaxRequest == 0 {
		c.MaxRequest = MaxRequest
	}
	if len(c.Nodes) == 0 {
		c.Nodes = []string{c.Node}
	}
	validator, err := protovalidate.New()
	if err != nil {
		return nil, fmt.Errorf("validator: %w", err)
	}
	s := &Server{config: c, health: health.NewServer(), rules: map[string]rule{}}
	s.chain = &chain{config: c, rules: s.rules, validator: validator, limiter: newLimiter(c.PerSecond)}
	s.grpc = grpc.NewServer(
		grpc.Creds(credentials.NewTLS(c.Source.ServerTLS())),
		grpc.StatsHandler(otelgrpc.NewServerHandler()),
		grpc.ChainUnaryInterceptor(s.chain.interceptors()...),
		grpc.ChainStreamInterceptor(s.chain.stream),
		grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error { return nil }), // the stream chain has refused it before
		grpc.MaxRecvMsgSize(c.MaxRequest+margin),
		grpc.MaxHeaderListSize(16<<10),
		grpc.MaxConcurrentStreams(250),
		grpc.NumStreamWorkers(workers), // they keep the stacks that our chain has grown: a goroutine per call would grow them anew
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionAge: 5 * time.Minute, MaxConnectionAgeGrace: 30 * time.Second, Time: time.Minute, Timeout: 10 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 20 * time.Second, PermitWithoutStream: true}),
	)
	healthv1.RegisterHealthServer(s.grpc, s.health)
	s.health.SetServingStatus("", healthv1.HealthCheckResponse_NOT_SERVING)
	if c.Reflection {
		reflection.Register(s.grpc)
	}
	return s, nil
}

// RegisterService lets a generated Register function add its service. It implements grpc.ServiceRegistrar.
func (s *Server) RegisterService(desc *grpc.ServiceDesc, impl any) {
	s.grpc.RegisterService(desc, impl)
}

// SetReady tells health checks whether calls can be served.
func (s *Server) SetReady(ready bool) {
	state := healthv1.HealthCheckResponse_NOT_SERVING
	if ready {
		state = healthv1.HealthCheckResponse_SERVING
	}
	s.health.SetServingStatus("", state)
	for name := range s.grpc.GetServiceInfo() {
		s.health.SetServingStatus(name, state)
	}
}

// Serve takes calls until ctx ends, then stops: health says so first, calls in flight may finish for a moment, then the
// rest is cut. It refuses to start when a method has no access rule.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	if err := s.readRules(); err != nil {
		_ = listener.Close()
		return err
	}
	s.SetReady(true)
	failed := make(chan error, 1)
	go func() { failed <- s.grpc.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	s.health.Shutdown()
	stopped := make(chan struct{})
	go func() {
		s.grpc.GracefulStop()
		close(stopped)
	}()
	select {
	case <-stopped:
	case <-time.After(stopBudget):
		s.grpc.Stop()
		<-stopped
	}
	if err := <-failed; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
