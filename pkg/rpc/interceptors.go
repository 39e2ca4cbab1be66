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

const (
	// defaultTimeout bounds a call whose caller set no deadline.
	defaultTimeout = 15 * time.Second
	// minTimeout is the least time in which a call is worth starting.
	minTimeout = 100 * time.Millisecond
)

// chain is the interceptors of a server.
type chain struct {
	config    Config
	rules     map[string]rule
	validator protovalidate.Validator
	limiter   *limiter
}

// interceptor has a name so that a test can check the order.
type interceptor struct {
	name string
	run  grpc.UnaryServerInterceptor
}

func (c *chain) interceptors() []interceptor {
	return []interceptor{
		{"path", c.path}, {"recover", c.recover}, {"log", c.log}, {"status", c.status},
		{"identity", c.identity}, {"access", c.access}, {"deadline", c.deadline},
		{"size", c.size}, {"validation", c.validation},
	}
}

func (c *chain) unary() []grpc.UnaryServerInterceptor {
	var all []grpc.UnaryServerInterceptor
	for _, i := range c.interceptors() {
		all = append(all, i.run)
	}
	return all
}

// path refuses a call whose path is not exactly that of a registered method.
func (c *chain) path(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if _, known := c.rules[info.FullMethod]; !known {
		return nil, fault.ToStatus(fault.New(fault.MethodUnknown), nil).Err()
	}
	return next(ctx, req)
}

// recover turns a panic into INTERNAL. The panic's value may contain personal data, so only its type and a hash of the
// stack are logged.
func (c *chain) recover(
	ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler,
) (resp any, err error) {
	defer func() {
		if value := recover(); value != nil {
			stack := debug.Stack()
			sum := fnv.New64a()
			_, _ = sum.Write(stack)
			c.config.Log.ErrorContext(ctx, "panic", slog.String("method", info.FullMethod),
				slog.String("type", fmt.Sprintf("%T", value)),
				slog.String("stack_hash", fmt.Sprintf("%x", sum.Sum64())),
				slog.String("function", panicFunction(string(stack))))
			resp, err = nil, fault.ToStatus(fault.New(fault.Internal), traceMeta(ctx)).Err()
		}
	}()
	return next(ctx, req)
}

// panicFunction returns the function that panicked: the first frame after the runtime's own.
func panicFunction(stack string) string {
	_, after, _ := strings.Cut(stack, "panic(")
	for _, line := range strings.Split(after, "\n") {
		name, _, found := strings.Cut(line, "(")
		isFrame := found && !strings.HasPrefix(line, "\t") && !strings.HasPrefix(line, "runtime")
		if isFrame && strings.Contains(name, "/") {
			return name
		}
	}
	return "unknown"
}

// log writes one line per call.
func (c *chain) log(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	start := time.Now()
	ctx = context.WithValue(ctx, logFieldsKey{}, &logFields{})
	resp, err := next(ctx, req)
	f := logFieldsFrom(ctx)
	level := slog.LevelInfo
	if code := status.Code(err); code == codes.Internal || code == codes.Unknown || code == codes.DataLoss {
		level = slog.LevelError
	}
	attributes := []slog.Attr{
		slog.String("method", info.FullMethod), slog.String("code", status.Code(err).String()),
		slog.String("reason", f.reason), slog.String("caller_region", f.caller.Program.Tenant.Region),
		slog.String("caller_node", f.caller.Program.Tenant.Node), slog.String("caller_kind", f.caller.Program.Kind),
		slog.String("caller_system", f.caller.Program.Name),
		slog.Bool("person", f.caller.Person != ""),
		slog.Duration("duration", time.Since(start)),
	}
	if f.cause != "" {
		attributes = append(attributes, slog.String("cause", f.cause))
	}
	c.config.Log.LogAttrs(ctx, level, "call", attributes...)
	return resp, err
}

// logFields collects what inner interceptors know, for the log line of the call.
type logFields struct {
	caller        identity.Principal
	reason, cause string
}

type logFieldsKey struct{}

func logFieldsFrom(ctx context.Context) *logFields {
	if f, ok := ctx.Value(logFieldsKey{}).(*logFields); ok {
		return f
	}
	return &logFields{}
}

// status turns faults into gRPC statuses.
func (c *chain) status(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	resp, err := next(ctx, req)
	if err == nil {
		return resp, nil
	}
	f := logFieldsFrom(ctx)
	f.reason = string(fault.ReasonOf(err))
	switch fault.ReasonOf(err) { //nolint:exhaustive // the cause of the others is the caller's
	case "", fault.Internal, fault.Unavailable, fault.BadCertificate:
		f.cause = err.Error() // our errors hold no personal data; see package fault
	}
	return nil, fault.ToStatus(err, traceMeta(ctx)).Err()
}

func traceMeta(ctx context.Context) map[string]string {
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		return map[string]string{"trace_id": span.TraceID().String()}
	}
	return nil
}

// identity authenticates the caller.
func (c *chain) identity(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	caller, err := c.authenticate(ctx)
	logFieldsFrom(ctx).caller = caller
	if err != nil {
		return nil, err
	}
	return next(identity.With(ctx, caller), req)
}

// authenticate verifies the certificate, then the access token if there is one. Only programs that are within their
// rate get a token verified, because that costs more than refusing it.
func (c *chain) authenticate(ctx context.Context) (identity.Principal, error) {
	id, err := c.program(ctx)
	if err != nil {
		return identity.Principal{}, err
	}
	if !c.limiter.allow(id.String()) {
		return identity.Principal{Program: id}, fault.New(fault.TooManyRequests)
	}
	now := c.config.Now()
	md, _ := metadata.FromIncomingContext(ctx)
	values := md.Get("authorization")
	if len(values) == 0 {
		p, _ := identity.NewPrincipal(id, "", c.config.Grants.Of(id, now), now)
		return p, nil
	}
	person, grants, err := c.verifyToken(ctx, id, values)
	if err != nil {
		return identity.Principal{Program: id}, err
	}
	p, ok := identity.NewPrincipal(id, person, grants, now)
	if !ok || len(grants) == 0 {
		return identity.Principal{Program: id}, fault.New(fault.WrongNode)
	}
	return p, nil
}

// program verifies the certificate of the connection.
func (c *chain) program(ctx context.Context) (identity.ID, error) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return identity.ID{}, fault.New(fault.NoCertificate)
	}
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok {
		return identity.ID{}, fault.New(fault.NoCertificate)
	}
	id, err := c.config.Source.VerifyPeer(info.State, c.config.Now())
	switch {
	case errors.Is(err, identity.ErrNoCertificate):
		return identity.ID{}, fault.New(fault.NoCertificate)
	case err != nil:
		return identity.ID{}, fault.New(fault.BadCertificate).WithCause(err)
	case id.Kind == identity.KindLeaf:
		return identity.ID{}, fault.New(fault.NotAllowed)
	}
	return id, nil
}

func (c *chain) verifyToken(ctx context.Context, id identity.ID, values []string) (string, []identity.Grant, error) {
	raw, bearer := strings.CutPrefix(values[0], "Bearer ")
	if len(values) > 1 || !bearer || id.Kind != identity.KindSystem || c.config.Issuers == nil {
		return "", nil, fault.New(fault.BadToken)
	}
	person, grants, err := c.config.Issuers.Verify(ctx, raw)
	switch {
	case errors.Is(err, identity.ErrTokenExpired):
		return "", nil, fault.New(fault.ExpiredToken)
	case errors.Is(err, identity.ErrIssuer):
		return "", nil, fault.New(fault.Unavailable).WithCause(err)
	case err != nil:
		return "", nil, fault.New(fault.BadToken)
	}
	return person, grants, nil
}

// access applies the method's access rule. From here on the principal has only the grants that the rule asks for.
func (c *chain) access(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	caller, _ := identity.From(ctx)
	caller, err := c.rules[info.FullMethod].apply(caller, c.config.Tenants)
	if err != nil {
		return nil, err
	}
	return next(identity.With(ctx, caller), req)
}

// deadline sets a deadline where the caller set none, and refuses a call that has too little time left.
func (c *chain) deadline(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	deadline, ok := ctx.Deadline()
	if !ok {
		limited, cancel := context.WithTimeout(ctx, defaultTimeout)
		defer cancel()
		return next(limited, req)
	}
	if time.Until(deadline) < minTimeout {
		return nil, fault.New(fault.DeadlineTooShort)
	}
	return next(ctx, req)
}

// size refuses a request that is larger than the service takes.
func (c *chain) size(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if m, ok := req.(proto.Message); ok && proto.Size(m) > c.config.MaxRequest {
		return nil, fault.New(fault.MessageTooLarge)
	}
	return next(ctx, req)
}

// validation checks the request.
func (c *chain) validation(
	ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler,
) (any, error) {
	if m, ok := req.(proto.Message); ok {
		checker, _ := info.Server.(Checker)
		if err := c.validate(m, checker); err != nil {
			return nil, err
		}
	}
	return next(ctx, req)
}

// stream admits the streams of gRPC itself, reflection and health; Pari has none. It refuses all others, unknown
// methods included.
func (c *chain) stream(server any, s grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if r, known := c.rules[info.FullMethod]; !known || !r.infrastructure {
		return fault.ToStatus(fault.New(fault.MethodUnknown), nil).Err()
	}
	if _, err := c.authenticate(s.Context()); err != nil {
		return fault.ToStatus(err, nil).Err()
	}
	return next(server, s)
}
