// Package rpc builds the gRPC servers and clients of Pari.
//
// A call passes these steps, outermost first:
//
//	headers: path, certificate, rate of the program ► trace and metrics ► path ► log ► status ► recover ► identity ►
//	access ► deadline ► rates of person and tenant ► turn of the tenant ► each message: size, bytes, validation ►
//	handler
//
// So a stranger is refused before a body is read, like a program above its rate, and costs a counter. All other
// refusals are counted and logged, and an unauthenticated caller learns nothing. Successful calls of a method that the
// contract calls quiet are measured, and neither logged nor traced one by one. Unary calls and streams pass the same
// steps.
//
// It promises: a service with a method that has no access rule does not start; a handler runs only for a caller whom
// the rule allows, with a request that is valid in every field; a call ends with its method's deadline, also when its
// caller sends or reads nothing; a refusal names reason, field and remedy in both languages; a panic ends its call
// only, and its value is not logged. Requests and responses are never logged or traced. It does not promise that a call
// runs once: callers may repeat calls, and request ids make that safe. gRPC serves connections and calls in goroutines
// of its own; Serve waits for calls in flight, for a limited time, before it returns.
package rpc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"buf.build/go/protovalidate"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/pkg/vocabulary"
)

// streamWorkers are goroutines that serve calls one after the other. They keep the stacks that the interceptors have
// grown; further concurrent calls get goroutines of their own.
const streamWorkers = 32

const (
	// maxMessage is the largest message that the transport takes, of any method. The limit of the method itself is the
	// pipeline's: it can give a reason.
	maxMessage = 5 << 20
	// maxStreams bounds the concurrent calls of one connection.
	maxStreams = 250
)

// Config of a server.
type Config struct {
	// Service is the name of the service.
	Service string
	// Source is the server's identity.
	Source *identity.Source
	// Hosted are the identities of further tenants that the server presents to clients that ask for them.
	Hosted []*identity.Source
	// Tenants are those whose callers the methods of scope node serve; empty means the tenant of Source alone.
	Tenants []tenant.ID
	// Grants are the grants of systems; nil means none.
	Grants *identity.Grants
	// Issuers verify access tokens; nil refuses every token.
	Issuers *identity.Issuers
	// Receipts returns the report of a tenant to which a receipt code belongs, or a fault. Nil refuses every code.
	Receipts func(ctx context.Context, t tenant.ID, code string) (report string, err error)
	// Vocabulary returns the code lists in force; nil when the requests hold no codes.
	Vocabulary func() *vocabulary.Set
	// Log gets one line per call.
	Log *slog.Logger
	// Reflection serves the contract to tools; for development.
	Reflection bool
	// PerSecond limits what one program's calls weigh per second, on average; 0 means 2000. See accessv1.Cost.
	PerSecond float64
	// MaxConnections bounds the open connections of one program, and of the strangers at one address; 0 means 256.
	MaxConnections int
	// DrainDelay is how long a server that stops takes new calls, after it has reported that it stops: as long as load
	// balancers need to notice.
	DrainDelay time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Server is a gRPC server with Pari's interceptors.
type Server struct {
	config      Config
	pipeline    *pipeline
	stopStreams context.CancelFunc
	grpc        *grpc.Server
	health      *health.Server
	rules       map[string]rule
	// longestDeadline is how long the longest call may take that was begun before the server stopped.
	longestDeadline atomic.Int64
}

// NewServer returns a server without services.
func NewServer(c Config) (*Server, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.PerSecond == 0 {
		c.PerSecond = 2000
	}
	if c.MaxConnections == 0 {
		c.MaxConnections = 256
	}
	if len(c.Tenants) == 0 {
		c.Tenants = []tenant.ID{c.Source.ID().Tenant}
	}
	validator, err := protovalidate.New()
	if err != nil {
		return nil, fmt.Errorf("validator: %w", err)
	}
	refused, err := otel.Meter("github.com/retepari/pari/pkg/rpc").Int64Counter("pari.rpc.refused",
		metric.WithDescription("calls refused at their headers"), metric.WithUnit("{call}"))
	if err != nil {
		return nil, fmt.Errorf("server metrics: %w", err)
	}
	s := &Server{config: c, health: health.NewServer(), rules: map[string]rule{}}
	s.pipeline = &pipeline{
		config: c, rules: s.rules, validator: validator, rates: newRates(c.PerSecond),
		concurrency: newConcurrency(len(c.Tenants)), refusals: refused,
	}
	s.pipeline.stopping, s.stopStreams = context.WithCancel(context.Background())
	s.grpc = grpc.NewServer(
		grpc.Creds(identifying{
			credentials.NewTLS(c.Source.ServerTLS(c.Hosted...)),
			func(state tls.ConnectionState) (identity.ID, error) { return c.Source.VerifyPeer(state, c.Now()) },
		}),
		grpc.StatsHandler(newTracing(func(method string) (quiet, known bool) {
			r, known := s.rules[method]
			return r.GetQuiet(), known
		})),
		grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error { return fault.New(fault.MethodUnknown) }),
		grpc.InTapHandle(s.pipeline.headers),
		grpc.UnaryInterceptor(s.pipeline.unary),
		grpc.StreamInterceptor(s.pipeline.stream),
		grpc.ForceServerCodecV2(newLenientCodec()),
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.MaxHeaderListSize(16<<10),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.NumStreamWorkers(streamWorkers),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionAge: 5 * time.Minute, MaxConnectionAgeGrace: maxDeadline + drainMargin,
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

// Serve serves calls until ctx ends. Then it reports NOT_SERVING, ends the streams that have no end of their own, lets
// all other calls finish within their deadlines, and cuts what is left. It returns an error at once when a method has
// no access rule.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	if err := s.readRules(); err != nil {
		_ = listener.Close()
		return err
	}
	s.SetReady(true)
	failed := make(chan error, 1)
	go func() { failed <- s.grpc.Serve(boundConnections(listener, s.config.MaxConnections)) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	s.health.Shutdown()
	<-time.After(max(s.config.DrainDelay, noticeTime))
	s.stopStreams()
	if !s.drain() {
		return errors.New("serve: calls did not end within their deadlines")
	}
	if err := <-failed; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// drain lets the calls in progress finish. Those that have not at the end of the longest deadline are cut, and so are
// answers that nobody reads. It returns false when a call goes on all the same.
func (s *Server) drain() bool {
	stopped := make(chan struct{})
	go func() {
		s.grpc.GracefulStop()
		close(stopped)
	}()
	deadline := time.After(time.Duration(s.longestDeadline.Load()) + drainMargin)
	tick := time.NewTicker(drainMargin / 2)
	defer tick.Stop()
	for idle := 0; idle < 3; { // of the ticks in a row
		select {
		case <-stopped:
			return true
		case <-deadline:
			idle = 3
		case <-tick.C:
			if idle++; s.pipeline.running.Load() > 0 {
				idle = 0
			}
		}
	}
	s.grpc.Stop()
	select {
	case <-stopped:
		return true
	case <-time.After(drainMargin):
		return false
	}
}

// StopTimeout is the longest that Serve takes to return when its context has ended.
func (s *Server) StopTimeout() time.Duration {
	return s.config.DrainDelay + time.Duration(s.longestDeadline.Load()) + 3*drainMargin
}

// noticeTime is how long streams of health checks stay open to report that the server stops.
const noticeTime = 50 * time.Millisecond

// drainMargin is how long handlers may need to return after their deadline.
const drainMargin = time.Second
