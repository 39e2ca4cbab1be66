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

// floorServer is the least that takes a report over the network and keeps it: gRPC over mutual TLS, and one insert of the
// same bytes. No identity, no checks, no sealing, no receipt, no history, no event.
type floorServer struct {
	grpc *grpc.Server
	conn []*grpc.ClientConn
}

const floorMethod = "/pari.bench.Floor/Insert"

func startFloor(ctx context.Context, pool *pgxpool.Pool, server, client *tls.Config, connections int) (*floorServer, error) {
	if _, err := pool.Exec(ctx, `create table if not exists bench_floor (id bigint generated always as identity primary key, body bytea not null)`); err != nil {
		return nil, fmt.Errorf("create floor table: %w", err)
	}
	insert := func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		var body wrapperspb.BytesValue
		if err := decode(&body); err != nil {
			return nil, err
		}
		if _, err := pool.Exec(ctx, `insert into bench_floor (body) values ($1)`, body.GetValue()); err != nil {
			return nil, fmt.Errorf("insert: %w", err)
		}
		return &wrapperspb.BoolValue{Value: true}, nil
	}
	s := grpc.NewServer(grpc.Creds(credentials.NewTLS(server)))
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: "pari.bench.Floor",
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Insert", Handler: insert}},
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

func (f *floorServer) insert(ctx context.Context, client int, body []byte) error {
	return f.conn[client%len(f.conn)].Invoke(ctx, floorMethod, wrapperspb.Bytes(body), new(wrapperspb.BoolValue))
}

func (f *floorServer) stop() {
	for _, conn := range f.conn {
		_ = conn.Close()
	}
	f.grpc.Stop()
}
