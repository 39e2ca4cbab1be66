package rpc

import (
	"context"
	"errors"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/tap"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/identity"
)

// headers turns strangers away before the body of a request is read: a path that is no method's, a certificate that is
// not valid. It runs in the goroutine that reads the connection, so it does nothing slow: the handshake has verified
// the certificate, and the result is remembered. Tokens are verified later.
func (p *pipeline) headers(ctx context.Context, info *tap.Info) (context.Context, error) {
	err := error(nil)
	if _, known := p.rules[info.FullMethodName]; !known {
		err = fault.New(fault.MethodUnknown)
	} else {
		_, err = p.program(ctx)
	}
	if err != nil {
		p.refusals.Add(ctx, 1, metric.WithAttributes(attribute.String("reason", string(fault.ReasonOf(err)))))
		return nil, fault.ToStatus(err, nil).Err()
	}
	return ctx, nil
}

// identity authenticates the caller: the certificate, then the access token or receipt code if there is one. Only
// programs that are within their rate get those verified, because that costs more than refusing them.
func (p *pipeline) identity(ctx context.Context, c *call, next func(context.Context) error) error {
	id, err := p.program(ctx)
	c.principal = identity.Principal{Program: id}
	if err != nil {
		return err
	}
	if !p.rates.allowProgram(id, c.rule.weight()) {
		return fault.New(fault.TooManyRequests)
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
