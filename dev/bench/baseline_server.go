package bench

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"

	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/rpc"
)

const (
	baselineService = "pari.bench.Baseline"
	baselineMethod  = "/" + baselineService + "/Call"
)

const (
	createBaselineTable = `create table if not exists bench_baseline
		(id bigint generated always as identity primary key, body bytea not null)`
	insertBaseline = `insert into bench_baseline (body) values ($1)`
)

// handler returns the response to a request of the baseline server.
type handler func(ctx context.Context, body []byte) ([]byte, error)

// baselineServer is a gRPC server over mutual TLS with one method and no checks, together with connections to it.
type baselineServer struct {
	grpc  *grpc.Server
	conns []*grpc.ClientConn
}

// insertHandler returns a handler that stores each request with one insert, the least that a report needs: it does not
// seal, and writes no receipt, history or event.
func insertHandler(ctx context.Context, pool *pgxpool.Pool) (handler, error) {
	if _, err := pool.Exec(ctx, createBaselineTable); err != nil {
		return nil, fmt.Errorf("create baseline table: %w", err)
	}
	return func(ctx context.Context, body []byte) ([]byte, error) {
		if _, err := pool.Exec(ctx, insertBaseline, body); err != nil {
			return nil, fmt.Errorf("insert: %w", err)
		}
		return nil, nil
	}, nil
}

// startBaselineServer starts a goroutine that serves until stop is called.
func startBaselineServer(ctx context.Context, e *env, connections int, handle handler) (*baselineServer, error) {
	serverTLS, clientTLS, err := e.tlsConfigs()
	if err != nil {
		return nil, err
	}
	call := func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		var body wrapperspb.BytesValue
		if err := decode(&body); err != nil {
			return nil, err
		}
		resp, err := handle(ctx, body.GetValue())
		return wrapperspb.Bytes(resp), err
	}
	s := grpc.NewServer(grpc.Creds(credentials.NewTLS(serverTLS)))
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: baselineService,
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Call", Handler: call}},
	}, struct{}{})
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	go func() { _ = s.Serve(listener) }()
	b := &baselineServer{grpc: s}
	for range connections {
		creds := credentials.NewTLS(clientTLS)
		conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(creds))
		if err != nil {
			b.stop()
			return nil, fmt.Errorf("dial baseline: %w", err)
		}
		b.conns = append(b.conns, conn)
	}
	return b, nil
}

func (b *baselineServer) call(ctx context.Context, client int, body []byte) error {
	conn := b.conns[client%len(b.conns)]
	return conn.Invoke(ctx, baselineMethod, wrapperspb.Bytes(body), new(wrapperspb.BytesValue))
}

func (b *baselineServer) stop() {
	for _, conn := range b.conns {
		_ = conn.Close()
	}
	b.grpc.Stop()
}

// tlsConfigs returns both sides of mutual TLS, with the certificates of the network.
func (e *env) tlsConfigs() (server, client *tls.Config, err error) {
	service, err := identity.LoadSource(e.net.IdentityDir("intake.cremona"))
	if err != nil {
		return nil, nil, err
	}
	system, err := identity.LoadSource(e.net.IdentityDir("protocollo.cremona"))
	if err != nil {
		return nil, nil, err
	}
	return service.StrictServerTLS(), system.ClientTLS(rpc.Service("intake", cremona).Accept), nil
}
