package rpc

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
)

// ServiceConfig is the gRPC configuration of all clients, and the only place that retries calls. Every call is safe to
// repeat: reads, and writes with a request id. So UNAVAILABLE is retried a few times within the deadline, spread over
// all addresses of the service.
const ServiceConfig = `{
  "loadBalancingConfig": [{"round_robin": {}}],
  "methodConfig": [{
    "name": [{}],
    "retryPolicy": {
      "maxAttempts": 3, "initialBackoff": "0.05s", "maxBackoff": "0.5s", "backoffMultiplier": 3,
      "retryableStatusCodes": ["UNAVAILABLE"]
    }
  }],
  "retryThrottling": {"maxTokens": 100, "tokenRatio": 0.1}
}`

// deadlineReserve is taken off the caller's deadline on each hop, so that there is time left to answer.
const deadlineReserve = 20 * time.Millisecond

// maxResponse is the largest response that a client accepts. Exports and proposals of a whole network are the largest;
// responses come from services of the network only, so this bounds the cost of a bug.
const maxResponse = 64 << 20

// Peer is a server that a client wants to talk to.
type Peer struct {
	// Accept reports whether an identity is that server's.
	Accept func(identity.ID) bool
	// ServerName is sent in the handshake, for a server that hosts several tenants; "" sends the target's.
	ServerName string
}

// Dial connects to a service of the network with the program's certificate. It accepts no other server than the peer.
func Dial(
	target string, source *identity.Source, peer Peer, options ...grpc.DialOption,
) (*grpc.ClientConn, error) {
	config := source.ClientTLS(peer.Accept)
	config.ServerName = peer.ServerName
	conn, err := grpc.NewClient(target, append([]grpc.DialOption{
		grpc.WithTransportCredentials(credentials.NewTLS(config)),
		grpc.WithPerRPCCredentials(serverCheck{source, peer.Accept}),
		grpc.WithStatsHandler(otelgrpc.NewClientHandler()),
		grpc.WithDefaultServiceConfig(ServiceConfig),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxResponse)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}),
		grpc.WithChainUnaryInterceptor(reserveDeadline),
	}, options...)...)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	return conn, nil
}

// Service is a service at one of the tenants. A server that hosts several is asked for the first.
func Service(name string, at ...tenant.ID) Peer {
	p := Peer{Accept: func(id identity.ID) bool {
		return id.Kind == identity.KindService && id.Name == name && slices.Contains(at, id.Tenant)
	}}
	if len(at) > 0 {
		p.ServerName = identity.ServerName(at[0])
	}
	return p
}

// serverCheck verifies the server's certificate before each call: it may have been denied since the handshake. It sends
// nothing.
type serverCheck struct {
	source *identity.Source
	accept func(identity.ID) bool
}

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (c serverCheck) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	info, _ := credentials.RequestInfoFromContext(ctx)
	connection, ok := info.AuthInfo.(credentials.TLSInfo)
	if !ok {
		return nil, status.Error(codes.Unavailable, "the connection is not encrypted")
	}
	if err := c.source.VerifyServer(connection.State, c.accept, time.Now()); err != nil {
		return nil, status.Error(codes.Unavailable, "server: "+err.Error()) // another server may be accepted
	}
	return nil, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials.
func (serverCheck) RequireTransportSecurity() bool { return true }

func reserveDeadline(
	ctx context.Context, method string, req, resp any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker,
	options ...grpc.CallOption,
) error {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-deadlineReserve))
		defer cancel()
	}
	return invoke(ctx, method, req, resp, conn, options...)
}

// Bearer sends a person's access token with every call of a connection.
type Bearer func(ctx context.Context) (token string, err error)

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (b Bearer) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	token, err := b(ctx)
	if err != nil {
		return nil, err
	}
	return map[string]string{"authorization": "Bearer " + token}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials: a token is never sent in clear.
func (Bearer) RequireTransportSecurity() bool { return true }
