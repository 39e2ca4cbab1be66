// Package rpc builds the gRPC servers and clients of Pari.
//
// A call passes these interceptors, outermost first:
//
//	trace and metrics ► path ► recover ► log ► status ► identity ► access ► deadline ► rate ► size ► validation
//
// So refusals are counted and logged too, and an unauthenticated caller learns nothing. It promises: a service with a
// method that has no access rule does not start; a handler runs only for a caller whom the rule allows, with a request
// that is valid in every field; a refusal names reason, field and remedy in both languages; a panic ends its call only,
// and its value is not logged. Requests and responses are never logged or traced. It does not promise that a call runs
// once: callers may repeat calls, and request ids make that safe. gRPC serves connections and calls in goroutines of
// its own; Serve waits for calls in flight, for a limited time, before it returns.
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

// streamWorkers are goroutines that serve calls one after the other. They keep the stacks that the interceptors have
// grown; further concurrent calls get goroutines of their own.
const streamWorkers = 32

const (
	// MaxRequest is the default of Config.MaxRequest. A request that is larger by up to transportMargin is refused with
	// a reason; a larger one by the transport.
	MaxRequest      = 64 << 10
	transportMargin = 1 << 20
	// drainTimeout is how long calls in flight may finish when the server stops.
	drainTimeout = 3 * time.Second
)

// Config of a server.
type Config struct {
	// Service is the name of the service.
	Service string
	// Region and Node are the tenant of the server. A server that hosts several nodes lists all of them in Nodes.
	Region, Node string
	// Nodes are the tenants whose callers are served; empty means Node alone.
	Nodes []string
	// Source is the server's identity.
	Source *identity.Source
	// Grants are the roles of systems.
	Grants identity.Grants
	// Verifier verifies access tokens; nil refuses every token.
	Verifier *identity.Verifier
	// Vocabulary returns the code lists in force; nil when the requests hold no codes.
	Vocabulary func() *vocabulary.Set
	// Log gets one line per call.
	Log *slog.Logger
	// Reflection serves the contract to tools; for development.
	Reflection bool
	// MaxRequest is the largest request that the handlers take, in bytes; 0 means 64 KiB.
	MaxRequest int
	// PerSecond limits the calls of one caller, on average; 0 means 2000.
	PerSecond float64
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Server is a gRPC server with Pari's interceptors.
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
		grpc.ChainUnaryInterceptor(s.chain.unary()...),
		grpc.ChainStreamInterceptor(s.chain.stream),
		grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error { return nil }), // chain.stream has refused it
		grpc.MaxRecvMsgSize(c.MaxRequest+transportMargin),
		grpc.MaxHeaderListSize(16<<10),
		grpc.MaxConcurrentStreams(250),
		grpc.NumStreamWorkers(streamWorkers),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionAge: 5 * time.Minute, MaxConnectionAgeGrace: 30 * time.Second,
			Time: time.Minute, Timeout: 10 * time.Second,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{
			MinTime: 20 * time.Second, PermitWithoutStream: true,
		}),
	)
	healthv1.RegisterHealthServer(s.grpc, s.health)
	s.health.SetServingStatus("", healthv1.HealthCheckResponse_NOT_SERVING)
	if c.Reflection {
		reflection.Register(s.grpc)
	}
	return s, nil
}

// RegisterService implements grpc.ServiceRegistrar, for the generated Register functions.
func (s *Server) RegisterService(desc *grpc.ServiceDesc, impl any) {
	s.grpc.RegisterService(desc, impl)
}

// SetReady sets the status that health checks report.
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

// Serve serves calls until ctx ends. Then it reports NOT_SERVING, lets calls in flight finish within drainTimeout, and
// cuts the rest. It returns an error at once when a method has no access rule.
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
	case <-time.After(drainTimeout):
		s.grpc.Stop()
		<-stopped
	}
	if err := <-failed; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
