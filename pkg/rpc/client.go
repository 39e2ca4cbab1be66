package rpc

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	"github.com/retepari/pari/pkg/identity"
)

// Every call of ours is safe to repeat: reads, and writes with a request id. So what says UNAVAILABLE is tried again, a few
// times and within the deadline, spread over all addresses of the service.
const serviceConfig = `{
  "loadBalancingConfig": [{"round_robin": {}}],
  "methodConfig": [{
    "name": [{}],
    "retryPolicy": {"maxAttempts": 3, "initialBackoff": "0.05s", "maxBackoff": "0.5s", "backoffMultiplier": 3, "retryableStatusCodes": ["UNAVAILABLE"]}
  }],
  "retryThrottling": {"maxTokens": 100, "tokenRatio": 0.1}
}`

// reserve is kept from the caller's deadline on each hop, so that there is time left to answer.
const reserve = 20 * time.Millisecond

// maxAnswer is the largest answer that a client takes. Answers come from services of the network alone, so this only bounds
// what a fault may cost: exports and proposals of a whole network are the largest.
const maxAnswer = 64 << 20

// Dial connects to a service of the network: with our certificate, and only to a server whose identity accept likes.
func Dial(target string, source *identity.Source, accept func(identity.ID) bool, options ...grpc.DialOption) (*grpc.ClientConn, error) {
	conn, err := grpc.NewClient(target, append([]grpc.DialOption{
		grpc.WithTransportCredentials(credentials.NewTLS(source.ClientTLS(accept))),
		grpc.WithStatsHandler(otelgrpc.NewClientHandler()),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswer)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}),
		grpc.WithChainUnaryInterceptor(keepReserve),
	}, options...)...)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	return conn, nil
}

// Service accepts a server by the name of its service, at one node or, where node is empty, at any.
func Service(name, node string) func(identity.ID) bool {
	return func(id identity.ID) bool {
		return id.Kind == identity.KindService && id.Name == name && (node == "" || id.Node == node)
	}
}

func keepReserve(ctx context.Context, method string, req, answer any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if until, has := ctx.Deadline(); has {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, until.Add(-reserve))
		defer cancel()
	}
	return invoke(ctx, method, req, answer, conn, options...)
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

// RequireTransportSecurity implements credentials.PerRPCCredentials: a token never travels in clear.
func (Bearer) RequireTransportSecurity() bool { return true }
