package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"buf.build/go/protovalidate"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/text"
)

// minTimeout is the least time in which a call is worth starting.
const minTimeout = 100 * time.Millisecond

// pipeline is what every call passes before its handler, unary and streaming alike.
type pipeline struct {
	config    Config
	rules     map[string]rule
	validator protovalidate.Validator
	rates     *rates
	// concurrency is nil where there is one tenant.
	concurrency *concurrency
	refusals    metric.Int64Counter // at the headers
	running     atomic.Int64        // calls
	// stopping is done when the server begins to drain.
	stopping context.Context //nolint:containedctx // it is the server's, not a call's
}

// call is one RPC on its way through the pipeline.
type call struct {
	method string
	rule   rule
	// server is the implementation of the service.
	server any
	stream bool

	principal     identity.Principal
	received      int    // messages
	reason, cause string // for the log
}

// step does one thing before and after the rest of the call.
type step struct {
	name string
	run  func(ctx context.Context, c *call, next func(context.Context) error) error
}

func (p *pipeline) steps() []step {
	return []step{
		{"path", p.path}, {"log", p.log}, {"status", p.status}, {"recover", p.recover},
		{"identity", p.identity}, {"access", p.access}, {"deadline", p.deadline}, {"rate", p.rate},
		{"turn", p.turn},
	}
}

// run passes a call through the steps to its handler.
func (p *pipeline) run(ctx context.Context, c *call, handler func(context.Context) error) error {
	p.running.Add(1)
	defer p.running.Add(-1)
	next := handler
	steps := p.steps()
	for i := len(steps) - 1; i >= 0; i-- {
		s, inner := steps[i], next
		next = func(ctx context.Context) error { return s.run(ctx, c, inner) }
	}
	return next(ctx)
}

// unary is the pipeline as an interceptor.
func (p *pipeline) unary(
	ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler,
) (resp any, err error) {
	c := &call{method: info.FullMethod, server: info.Server}
	err = p.run(ctx, c, func(ctx context.Context) error {
		if err := p.check(c, req); err != nil {
			return err
		}
		resp, err = next(ctx, req)
		return err
	})
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// stream is the pipeline as an interceptor. Each message that the handler receives is checked like a unary request.
func (p *pipeline) stream(server any, s grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	c := &call{method: info.FullMethod, server: server, stream: true}
	return p.run(s.Context(), c, func(ctx context.Context) error {
		check := func(m any) error { return p.check(c, m) }
		err := next(server, &checkedStream{ServerStream: s, ctx: ctx, check: check})
		if errors.Is(context.Cause(ctx), errDraining) {
			return fault.New(fault.Unavailable).WithCause(errDraining)
		}
		return err
	})
}

// errDraining ends the streams that have no end of their own. A client connects again, to another server.
var errDraining = errors.New("the server is stopping")

// checkedStream checks what it receives, and has the context of the pipeline.
type checkedStream struct {
	grpc.ServerStream

	ctx   context.Context //nolint:containedctx // grpc.ServerStream has it so
	check func(m any) error
}

// Context implements grpc.ServerStream.
func (s *checkedStream) Context() context.Context { return s.ctx }

// RecvMsg implements grpc.ServerStream.
func (s *checkedStream) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return streamError(err)
	}
	return s.check(m)
}

// SendMsg implements grpc.ServerStream.
func (s *checkedStream) SendMsg(m any) error { return streamError(s.ServerStream.SendMsg(m)) }

// streamError returns what ended a stream: a caller that leaves, or takes too long, is no fault of the server.
func streamError(err error) error {
	switch status.Code(err) {
	case codes.Canceled:
		return fmt.Errorf("stream: %w", context.Canceled)
	case codes.DeadlineExceeded:
		return fmt.Errorf("stream: %w", context.DeadlineExceeded)
	case codes.ResourceExhausted:
		return fault.New(fault.MessageTooLarge).WithMeta("max_bytes", strconv.Itoa(maxMessage)).WithCause(err)
	default:
		return err // nil and io.EOF too
	}
}

// path refuses a call whose path is not exactly that of a registered method.
func (p *pipeline) path(ctx context.Context, c *call, next func(context.Context) error) error {
	r, known := p.rules[c.method]
	if !known {
		return fault.ToStatus(fault.New(fault.MethodUnknown), nil).Err()
	}
	c.rule = r
	return next(ctx)
}

// log writes one line per call. A quiet method has none for a call that succeeds.
func (p *pipeline) log(ctx context.Context, c *call, next func(context.Context) error) error {
	start := time.Now()
	err := next(ctx)
	if err == nil && c.rule.GetQuiet() {
		return nil
	}
	level := slog.LevelInfo
	if code := status.Code(err); code == codes.Internal || code == codes.Unknown || code == codes.DataLoss {
		level = slog.LevelError
	}
	program := c.principal.Program
	attributes := []slog.Attr{
		slog.String("method", c.method), slog.String("code", status.Code(err).String()),
		slog.String("reason", c.reason), slog.String("caller_region", program.Tenant.Region),
		slog.String("caller_node", program.Tenant.Node), slog.String("caller_kind", program.Kind),
		slog.String("caller_system", program.Name), slog.Bool("person", c.principal.Person != ""),
		slog.Duration("duration", time.Since(start)),
	}
	if c.cause != "" {
		attributes = append(attributes, slog.String("cause", c.cause))
	}
	p.config.Log.LogAttrs(ctx, level, "call", attributes...)
	return err
}

// status turns faults into gRPC statuses.
func (p *pipeline) status(ctx context.Context, c *call, next func(context.Context) error) error {
	err := next(ctx)
	if err == nil {
		return nil
	}
	c.reason = string(fault.ReasonOf(err))
	switch fault.ReasonOf(err) { //nolint:exhaustive // the cause of the others is the caller's
	case "", fault.Internal, fault.Unavailable, fault.BadCertificate:
		c.cause = err.Error() // our errors hold no personal data; see package fault
	}
	return fault.ToStatus(err, traceMeta(ctx)).Err()
}

// access applies the method's access rule. From here on the principal has only the grants that the rule asks for.
func (p *pipeline) access(ctx context.Context, c *call, next func(context.Context) error) error {
	principal, err := c.rule.apply(c.principal, p.config.Tenants)
	if err != nil {
		return err
	}
	c.principal = principal
	return next(identity.With(ctx, principal))
}

// deadline refuses a call that has too little time left. It has begun at the headers.
func (p *pipeline) deadline(ctx context.Context, c *call, next func(context.Context) error) error {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < minTimeout {
		return fault.New(fault.DeadlineTooShort)
	}
	return next(ctx)
}

// check checks one message that a caller has sent: size, content, and what its bytes weigh. It mends the texts of the
// message before anything looks at them.
func (p *pipeline) check(c *call, message any) error {
	m, ok := message.(proto.Message)
	if !ok || c.rule.infrastructure {
		return nil
	}
	note := takeWireNote(m)
	if limit := c.rule.maxRequest(); note.size > limit {
		return fault.New(fault.MessageTooLarge).WithMeta("max_bytes", strconv.Itoa(limit))
	}
	units := note.size / bytesPerUnit
	if c.received++; c.received > 1 {
		units = max(units, 1) // the first message is part of the call
	}
	if !p.rates.allowBytes(c.principal, units) {
		return fault.New(fault.TooManyRequests)
	}
	if note.malformed {
		return fault.New(fault.MalformedRequest)
	}
	text.Normalize(m)
	checker, _ := c.server.(Checker)
	return p.validate(m, checker)
}
