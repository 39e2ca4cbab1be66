package rpc

import (
	"context"
	"errors"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/tap"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/identity"
)

// maxRefusable is the longest time that a caller may have left whose call is refused at its headers: gRPC holds what it
// knows of such a call, a few hundred bytes, until the caller's deadline.
const maxRefusable = 10 * time.Second

// refusalTime bounds how long a call is read that is refused in the pipeline although its headers were enough.
const refusalTime = time.Second

// refusalKey is set in the context of a call that its headers were enough to refuse.
type refusalKey struct{}

// headers turns strangers away, and programs above their rate, before the body of a request is read. It also begins
// the time of the call: reading it counts. It runs in the goroutine that reads the connection, so it does nothing slow:
// the handshake has verified the certificate, and the result is remembered. Tokens are verified later.
func (p *pipeline) headers(ctx context.Context, info *tap.Info) (context.Context, error) {
	r, known := p.rules[info.FullMethodName]
	err := p.admit(ctx, r, known)
	if err == nil {
		ctx = withTimeout(ctx, r.deadline())
		if r.endless {
			ctx = withEnd(ctx, p.stopping)
		}
		return ctx, nil
	}
	p.refusals.Add(ctx, 1, metric.WithAttributes(attribute.String("reason", string(fault.ReasonOf(err)))))
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) > maxRefusable {
		return withTimeout(context.WithValue(ctx, refusalKey{}, err), refusalTime), nil
	}
	return nil, fault.ToStatus(err, nil).Err()
}

// withTimeout is context.WithTimeout for a context that gRPC cancels when the call ends.
func withTimeout(ctx context.Context, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(ctx, d) //nolint:gosec // see above
	_ = cancel
	return ctx
}

// withEnd returns a context that ends with errDraining when stopping ends.
func withEnd(ctx, stopping context.Context) context.Context {
	ctx, cancel := context.WithCancelCause(ctx)
	release := context.AfterFunc(stopping, func() { cancel(errDraining) })
	context.AfterFunc(ctx, func() { release() })
	return ctx
}

// admit returns why the headers of a call are enough to refuse it, or nil.
func (p *pipeline) admit(ctx context.Context, r rule, known bool) error {
	if !known {
		return fault.New(fault.MethodUnknown)
	}
	id, err := p.program(ctx)
	if err != nil {
		return err
	}
	if !p.rates.allowProgram(id, r.weight()) {
		return fault.New(fault.TooManyRequests)
	}
	return nil
}

// identity authenticates the caller: the certificate, then the access token or receipt code if there is one. Only
// programs that are within their rate get this far, because verifying costs more than refusing.
func (p *pipeline) identity(ctx context.Context, c *call, next func(context.Context) error) error {
	id, err := p.program(ctx)
	c.principal = identity.Principal{Program: id}
	if err != nil {
		return err
	}
	if refusal, ok := ctx.Value(refusalKey{}).(error); ok {
		return refusal
	}
	if c.principal, err = p.authenticate(ctx, id); err != nil {
		return err
	}
	return next(ctx)
}

// program verifies the certificate of the connection.
func (p *pipeline) program(ctx context.Context) (identity.ID, error) {
	info, ok := peer.FromContext(ctx)
	if !ok {
		return identity.ID{}, fault.New(fault.NoCertificate)
	}
	tls, ok := info.AuthInfo.(credentials.TLSInfo)
	if !ok {
		return identity.ID{}, fault.New(fault.NoCertificate)
	}
	id, err := p.config.Source.VerifyPeer(tls.State, p.config.Now())
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

// The metadata with which a system says for whom it calls.
const (
	tokenHeader   = "authorization"
	receiptHeader = "pari-receipt"
)

func (p *pipeline) authenticate(ctx context.Context, id identity.ID) (identity.Principal, error) {
	program := identity.Principal{Program: id}
	now := p.config.Now()
	md, _ := metadata.FromIncomingContext(ctx)
	tokens, receipts := md.Get(tokenHeader), md.Get(receiptHeader)
	switch {
	case len(tokens) == 0 && len(receipts) == 0:
		principal, _ := identity.NewPrincipal(id, "", p.config.Grants.Of(id, now), now)
		return principal, nil
	case len(receipts) > 0:
		return p.receiptHolder(ctx, id, tokens, receipts)
	}
	raw, bearer := strings.CutPrefix(tokens[0], "Bearer ")
	if len(tokens) > 1 || !bearer || id.Kind != identity.KindSystem || p.config.Issuers == nil {
		return program, fault.New(fault.BadToken)
	}
	person, grants, err := p.config.Issuers.Verify(ctx, raw)
	switch {
	case errors.Is(err, identity.ErrTokenExpired):
		return program, fault.New(fault.ExpiredToken)
	case errors.Is(err, identity.ErrIssuer):
		return program, fault.New(fault.Unavailable).WithCause(err)
	case err != nil:
		return program, fault.New(fault.BadToken)
	}
	principal, ok := identity.NewPrincipal(id, person, grants, now)
	if !ok || len(grants) == 0 {
		return program, fault.New(fault.WrongNode)
	}
	return principal, nil
}

// receiptHolder looks the receipt code up among the reports of the system's own tenant. A code never comes with a
// token: the holder of a receipt is nobody else at the same time.
func (p *pipeline) receiptHolder(
	ctx context.Context, id identity.ID, tokens, receipts []string,
) (identity.Principal, error) {
	program := identity.Principal{Program: id}
	if len(tokens) > 0 || len(receipts) > 1 || id.Kind != identity.KindSystem || p.config.Receipts == nil {
		return program, fault.New(fault.BadReceipt)
	}
	report, err := p.config.Receipts(ctx, id.Tenant, receipts[0])
	if err != nil {
		return program, err
	}
	return identity.NewReceiptHolder(id, report), nil
}
