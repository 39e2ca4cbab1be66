package rpc

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"buf.build/go/protovalidate"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/identity"
)

// Deadlines: what a caller does not say, and what is too little to be worth beginning.
const (
	defaultDeadline = 15 * time.Second
	leastDeadline   = 100 * time.Millisecond
)

type chain struct {
	config    Config
	rules     map[string]rule
	validator protovalidate.Validator
	limiter   *limiter
}

// step is one link of the chain; its name is what the order is tested by.
type step struct {
	name string
	run  grpc.UnaryServerInterceptor
}

func (c *chain) steps() []step {
	return []step{
		{"path", c.path}, {"recover", c.recover}, {"log", c.log}, {"status", c.status}, {"identity", c.identity},
		{"access", c.access}, {"deadline", c.deadline}, {"rate", c.rate}, {"size", c.size}, {"validation", c.validation},
	}
}

func (c *chain) interceptors() []grpc.UnaryServerInterceptor {
	var all []grpc.UnaryServerInterceptor
	for _, s := range c.steps() {
		all = append(all, s.run)
	}
	return all
}

// path refuses what is not exactly the path of a method that we have.
func (c *chain) path(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if _, known := c.rules[info.FullMethod]; !known {
		return nil, fault.ToStatus(fault.New(fault.MethodUnknown), nil).Err()
	}
	return next(ctx, req)
}

// recover turns a panic into INTERNAL. The value of a panic may hold what a person told: only its type and a hash of the
// stack are logged.
func (c *chain) recover(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (answer any, err error) {
	defer func() {
		if value := recover(); value != nil {
			stack := debug.Stack()
			sum := fnv.New64a()
			_, _ = sum.Write(stack)
			c.config.Log.ErrorContext(ctx, "panic", slog.String("method", info.FullMethod), slog.String("type", fmt.Sprintf("%T", value)),
				slog.String("stack_hash", fmt.Sprintf("%x", sum.Sum64())), slog.String("at", panicSite(string(stack))))
			answer, err = nil, fault.ToStatus(fault.New(fault.Internal), traceMeta(ctx)).Err()
		}
	}()
	return next(ctx, req)
}

// panicSite is the function that panicked: the first frame after the runtime's own.
func panicSite(stack string) string {
	_, after, _ := strings.Cut(stack, "panic(")
	for _, line := range strings.Split(after, "\n") {
		if name, _, found := strings.Cut(line, "("); found && !strings.HasPrefix(line, "\t") && !strings.HasPrefix(line, "runtime") && strings.Contains(name, "/") {
			return name
		}
	}
	return "unknown"
}

func (c *chain) log(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	began := time.Now()
	ctx = context.WithValue(ctx, lineKey{}, &line{})
	answer, err := next(ctx, req)
	l, _ := ctx.Value(lineKey{}).(*line)
	level := slog.LevelInfo
	if code := status.Code(err); code == codes.Internal || code == codes.Unknown || code == codes.DataLoss {
		level = slog.LevelError
	}
	attributes := []slog.Attr{
		slog.String("method", info.FullMethod), slog.String("code", status.Code(err).String()), slog.String("reason", l.reason),
		slog.String("node", l.caller.ID.Node), slog.String("kind", l.caller.ID.Kind), slog.String("system", l.caller.ID.Name),
		slog.Bool("person", l.caller.Person != ""), slog.Duration("took", time.Since(began)),
	}
	if l.cause != "" {
		attributes = append(attributes, slog.String("cause", l.cause))
	}
	c.config.Log.LogAttrs(ctx, level, "call", attributes...)
	return answer, err
}

// line collects what the inner links know for the one log line of the call.
type line struct {
	caller        identity.Caller
	reason, cause string
}

type lineKey struct{}

func lineOf(ctx context.Context) *line {
	if l, ok := ctx.Value(lineKey{}).(*line); ok {
		return l
	}
	return &line{}
}

// status turns faults into statuses, once.
func (c *chain) status(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	answer, err := next(ctx, req)
	if err == nil {
		return answer, nil
	}
	l := lineOf(ctx)
	l.reason = string(fault.ReasonOf(err))
	if fault.ReasonOf(err) == "" || fault.Is(err, fault.Internal) || fault.Is(err, fault.Unavailable) || fault.Is(err, fault.BadCertificate) {
		l.cause = err.Error() // our own errors hold no contents; see package fault
	}
	return nil, fault.ToStatus(err, traceMeta(ctx)).Err()
}

func traceMeta(ctx context.Context) map[string]string {
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		return map[string]string{"trace_id": span.TraceID().String()}
	}
	return nil
}

func (c *chain) identity(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	caller, err := c.caller(ctx)
	if err != nil {
		return nil, err
	}
	lineOf(ctx).caller = caller
	return next(identity.With(ctx, caller), req)
}

// caller proves who calls: the certificate first, then the token, if one came.
func (c *chain) caller(ctx context.Context) (identity.Caller, error) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return identity.Caller{}, fault.New(fault.NoCertificate)
	}
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok {
		return identity.Caller{}, fault.New(fault.NoCertificate)
	}
	id, err := c.config.Source.Peer(info.State, c.config.Now())
	switch {
	case errors.Is(err, identity.ErrNoCertificate):
		return identity.Caller{}, fault.New(fault.NoCertificate)
	case err != nil:
		return identity.Caller{}, fault.New(fault.BadCertificate).WithCause(err)
	case id.Kind == identity.KindLeaf:
		return identity.Caller{}, fault.New(fault.NotAllowed)
	}
	system := identity.Caller{ID: id, Roles: c.config.Grants[id.String()], Regions: []string{id.Region}}
	md, _ := metadata.FromIncomingContext(ctx)
	values := md.Get("authorization")
	if len(values) == 0 {
		return system, nil
	}
	raw, bearer := strings.CutPrefix(values[0], "Bearer ")
	if len(values) > 1 || !bearer || id.Kind != identity.KindSystem || c.config.Verifier == nil {
		return identity.Caller{}, fault.New(fault.BadToken)
	}
	person, err := c.config.Verifier.Verify(ctx, raw)
	switch {
	case errors.Is(err, identity.ErrTokenExpired):
		return identity.Caller{}, fault.New(fault.ExpiredToken)
	case errors.Is(err, identity.ErrIssuer):
		return identity.Caller{}, fault.New(fault.Unavailable).WithCause(err)
	case err != nil:
		return identity.Caller{}, fault.New(fault.BadToken)
	}
	caller, ok := person.Through(id)
	if !ok {
		return identity.Caller{}, fault.New(fault.WrongNode)
	}
	return caller, nil
}

func (c *chain) access(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	caller, _ := identity.From(ctx)
	if err := c.rules[info.FullMethod].allow(caller, c.config.Nodes); err != nil {
		return nil, err
	}
	return next(ctx, req)
}

func (c *chain) deadline(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	until, has := ctx.Deadline()
	if !has {
		limited, cancel := context.WithTimeout(ctx, defaultDeadline)
		defer cancel()
		return next(limited, req)
	}
	if time.Until(until) < leastDeadline {
		return nil, fault.New(fault.DeadlineTooShort)
	}
	return next(ctx, req)
}

func (c *chain) rate(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	caller, _ := identity.From(ctx)
	if !c.limiter.allow(caller.ID.String()) {
		return nil, fault.New(fault.TooManyRequests)
	}
	return next(ctx, req)
}

func (c *chain) size(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if m, ok := req.(proto.Message); ok && proto.Size(m) > c.config.MaxRequest {
		return nil, fault.New(fault.MessageTooLarge)
	}
	return next(ctx, req)
}

func (c *chain) validation(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if m, ok := req.(proto.Message); ok {
		checker, _ := info.Server.(Checker)
		if err := c.validate(m, checker); err != nil {
			return nil, err
		}
	}
	return next(ctx, req)
}

// stream guards the streams that gRPC itself offers, reflection and health watches; Pari has none. Everything else,
// methods that do not exist included, is refused.
func (c *chain) stream(server any, s grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if r, known := c.rules[info.FullMethod]; !known || !r.infrastructure {
		return fault.ToStatus(fault.New(fault.MethodUnknown), nil).Err()
	}
	if _, err := c.caller(s.Context()); err != nil {
		return fault.ToStatus(err, nil).Err()
	}
	return next(server, s)
}
