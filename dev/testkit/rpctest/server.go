package rpctest

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/rpc"
	"github.com/retepari/pari/pkg/tenant"
)

// Server is a running server.
type Server struct {
	Env  *Env
	Addr string
}

// Start serves the services that register adds, until the test ends. Identity, issuers and log default to those of the
// env: a certificate for config.Service of the first tenant or else of the centre, the issuer, and a log that is
// discarded.
func (e *Env) Start(t testing.TB, config rpc.Config, register func(grpc.ServiceRegistrar)) *Server {
	t.Helper()
	if config.Source == nil {
		at := tenant.Centre
		if len(config.Tenants) > 0 {
			at = config.Tenants[0]
		}
		config.Source = e.Source(t, ID(at.Region, at.Node, identity.KindService, config.Service))
	}
	if config.Issuers == nil {
		config.Issuers = e.Issuers(t)
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	server, err := rpc.NewServer(config)
	if err != nil {
		t.Fatal(err)
	}
	register(server)
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return &Server{Env: e, Addr: listener.Addr().String()}
}

// As connects with a fresh certificate for id. A token that is not empty is sent with every call.
func (s *Server) As(t testing.TB, id identity.ID, token string) *grpc.ClientConn {
	t.Helper()
	return s.With(t, s.Env.Source(t, id), token)
}

// With is As with the certificate in source.
func (s *Server) With(t testing.TB, source *identity.Source, token string) *grpc.ClientConn {
	t.Helper()
	var options []grpc.DialOption
	if token != "" {
		bearer := rpc.Bearer(func(context.Context) (string, error) { return token, nil })
		options = append(options, grpc.WithPerRPCCredentials(bearer))
	}
	conn, err := rpc.Dial(s.Addr, source, rpc.Peer{Accept: func(identity.ID) bool { return true }}, options...)
	return closeAtEnd(t, conn, err)
}

// WithTLS connects with the given TLS configuration and without the client options of package rpc, for instance to test
// a client without a certificate.
func (s *Server) WithTLS(t testing.TB, config *tls.Config) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(s.Addr, grpc.WithTransportCredentials(credentials.NewTLS(config)))
	return closeAtEnd(t, conn, err)
}

func closeAtEnd(t testing.TB, conn *grpc.ClientConn, err error) *grpc.ClientConn {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
