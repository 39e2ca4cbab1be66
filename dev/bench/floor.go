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
)

// floorServer is the least that answers a call over the network: gRPC over mutual TLS, and what handle does with the bytes.
// No identity, no checks.
type floorServer struct {
	grpc *grpc.Server
	conn []*grpc.ClientConn
}

const floorMethod = "/pari.bench.Floor/Call"

// inserting keeps each body in one insert: the least that takes a report. No sealing, no receipt, no history, no event.
func inserting(ctx context.Context, pool *pgxpool.Pool) (func(ctx context.Context, body []byte) ([]byte, error), error) {
	if _, err := pool.Exec(ctx, `create table if not exists bench_floor (id bigint generated always as identity primary key, body bytea not null)`); err != nil {
		return nil, fmt.Errorf("create floor table: %w", err)
	}
	return func(ctx context.Context, body []byte) ([]byte, error) {
		if _, err := pool.Exec(ctx, `insert into bench_floor (body) values ($1)`, body); err != nil {
			return nil, fmt.Errorf("insert: %w", err)
		}
		return nil, nil
	}, nil
}

func startFloor(ctx context.Context, handle func(ctx context.Context, body []byte) ([]byte, error), server, client *tls.Config, connections int) (*floorServer, error) {
	call := func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		var body wrapperspb.BytesValue
		if err := decode(&body); err != nil {
			return nil, err
		}
		answer, err := handle(ctx, body.GetValue())
		return wrapperspb.Bytes(answer), err
	}
	s := grpc.NewServer(grpc.Creds(credentials.NewTLS(server)))
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: "pari.bench.Floor",
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Call", Handler: call}},
	}, struct{}{})
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	go func() { _ = s.Serve(listener) }()
	f := &floorServer{grpc: s}
	for range connections {
		conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(credentials.NewTLS(client)))
		if err != nil {
			f.stop()
			return nil, fmt.Errorf("dial floor: %w", err)
		}
		f.conn = append(f.conn, conn)
	}
	return f, nil
}

func (f *floorServer) call(ctx context.Context, client int, body []byte) error {
	return f.conn[client%len(f.conn)].Invoke(ctx, floorMethod, wrapperspb.Bytes(body), new(wrapperspb.BytesValue))
}

func (f *floorServer) stop() {
	for _, conn := range f.conn {
		_ = conn.Close()
	}
	f.grpc.Stop()
}
