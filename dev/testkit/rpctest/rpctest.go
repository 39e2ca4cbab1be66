// Package rpctest runs a service behind the real chain for tests: real TLS on loopback, certificates of an authority of its
// own, and access tokens signed by an OIDC issuer that is discovered as any other.
package rpctest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/retepari/pari/dev/testkit/devpki"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/rpc"
)

// TrustDomain of all test identities.
const TrustDomain = "pari.test"

// ID is the identity of a program of a test network; kind is "service", "system" or "ops".
func ID(region, node, kind, name string) identity.ID {
	return identity.ID{TrustDomain: TrustDomain, Region: region, Node: node, Kind: kind, Name: name}
}

// World is an authority and an issuer.
type World struct {
	Authority *devpki.Authority
	dir       string
	issuer    *httptest.Server
	signer    jose.Signer
}

// NewWorld makes a world that ends with the test.
func NewWorld(t testing.TB) *World {
	t.Helper()
	w := &World{dir: t.TempDir()}
	var err error
	if w.Authority, err = devpki.Open(filepath.Join(w.dir, "ca")); err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jwk := jose.JSONWebKey{Key: key, KeyID: "test", Algorithm: string(jose.ES256), Use: "sig"}
	if w.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jwk}, (&jose.SignerOptions{}).WithType("at+jwt")); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(rw http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(rw).Encode(map[string]any{
			"issuer": w.issuer.URL, "jwks_uri": w.issuer.URL + "/keys", "authorization_endpoint": w.issuer.URL + "/auth",
			"token_endpoint": w.issuer.URL + "/token", "id_token_signing_alg_values_supported": []string{"ES256"},
		})
	})
	mux.HandleFunc("/keys", func(rw http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(rw).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{jwk.Public()}})
	})
	w.issuer = httptest.NewServer(mux)
	t.Cleanup(w.issuer.Close)
	return w
}

// Verifier trusts the world's issuer.
func (w *World) Verifier() *identity.Verifier { return identity.NewVerifier(w.issuer.URL, nil) }

// Token returns an access token for a person with grants such as "lombardia/cremona/operator".
func (w *World) Token(t testing.TB, subject string, grants ...string) string {
	return w.Sign(t, map[string]any{"sub": subject, "pari_grants": grants})
}

// Sign returns a token with claims of the test's choice; issuer, audience and dates are right unless it names others.
func (w *World) Sign(t testing.TB, claims map[string]any) string {
	t.Helper()
	all := map[string]any{"iss": w.issuer.URL, "aud": identity.Audience, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix()}
	for k, v := range claims {
		all[k] = v
	}
	raw, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := w.signer.Sign(raw)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// Source issues an identity and loads it.
func (w *World) Source(t testing.TB, id identity.ID) *identity.Source {
	t.Helper()
	return w.SourceFor(t, id, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
}

// SourceFor is Source with a validity of its own.
func (w *World) SourceFor(t testing.TB, id identity.ID, from, to time.Time) *identity.Source {
	t.Helper()
	dir, err := os.MkdirTemp(w.dir, "identity-")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Authority.IssueFor(id, dir, from, to); err != nil {
		t.Fatal(err)
	}
	source, err := identity.LoadSource(dir)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// Server is a service behind the chain.
type Server struct {
	World *World
	Addr  string
}

// Start serves what register adds; config needs no identity, verifier or log: those of the world are used where it has none.
func (w *World) Start(t testing.TB, config rpc.Config, register func(grpc.ServiceRegistrar)) *Server {
	t.Helper()
	if config.Source == nil {
		config.Source = w.Source(t, ID(config.Region, config.Node, identity.KindService, config.Service))
	}
	if config.Verifier == nil {
		config.Verifier = w.Verifier()
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
			t.Errorf("server: %v", err)
		}
	})
	return &Server{World: w, Addr: listener.Addr().String()}
}

// As connects as a program, and with a token as a person through it.
func (s *Server) As(t testing.TB, id identity.ID, token string) *grpc.ClientConn {
	t.Helper()
	return s.With(t, s.World.Source(t, id), token)
}

// With is As with a source of the test's own.
func (s *Server) With(t testing.TB, source *identity.Source, token string) *grpc.ClientConn {
	t.Helper()
	var options []grpc.DialOption
	if token != "" {
		options = append(options, grpc.WithPerRPCCredentials(rpc.Bearer(func(context.Context) (string, error) { return token, nil })))
	}
	conn, err := rpc.Dial(s.Addr, source, func(identity.ID) bool { return true }, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// Bare connects with a TLS configuration of the test's own, for instance without a certificate.
func (s *Server) Bare(t testing.TB, config *tls.Config) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(s.Addr, grpc.WithTransportCredentials(credentials.NewTLS(config)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
