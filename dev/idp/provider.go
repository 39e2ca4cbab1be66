// Package idp is the OpenID provider of a development network. It implements discovery, the authorization code flow
// with PKCE, and signed access tokens. Its users are invented and have no passwords: naming one in login_hint, or
// choosing one on the login page, is enough to sign in.
//
// It listens on loopback only. Production uses any provider whose groups the file of issuers maps to grants. Run serves
// in the caller's goroutine.
package idp

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/zitadel/oidc/v3/pkg/op"
)

const (
	// Audience of the access tokens.
	Audience = "pari"
	// ClientID of the command line and of consoles, a public client.
	ClientID = "pari"
	// GroupsClaim lists the groups of the user.
	GroupsClaim = "groups"
	// UseClaim is UseAccess in access tokens; ID tokens do not have it.
	UseClaim  = "token_use"
	UseAccess = "access"

	tokenLifetime   = time.Hour
	shutdownTimeout = time.Second
)

// Config of a provider.
type Config struct {
	Listener net.Listener
	TLS      *tls.Config
	// Issuer is the URL https://host:port of the listener.
	Issuer string
	Users  []User
	Log    *slog.Logger
	// SigningKeyFile holds the key that signs tokens; it is created on the first start.
	SigningKeyFile string
}

// Provider is an OpenID provider.
type Provider struct {
	config  Config
	handler http.Handler
}

// New returns a provider that does not listen yet. It refuses a listener that is not on loopback.
func New(c Config) (*Provider, error) {
	if addr, ok := c.Listener.Addr().(*net.TCPAddr); !ok || !addr.IP.IsLoopback() {
		return nil, errors.New("the development identity provider listens on loopback only")
	}
	key, err := loadOrCreateKey(c.SigningKeyFile)
	if err != nil {
		return nil, err
	}
	s := newStorage(key, c.Users)
	config := &op.Config{CodeMethodS256: true, SupportedClaims: []string{"sub", "aud", GroupsClaim, UseClaim}}
	if _, err := rand.Read(config.CryptoKey[:]); err != nil {
		return nil, fmt.Errorf("identity provider: %w", err)
	}
	provider, err := op.NewProvider(config, s, op.StaticIssuer(c.Issuer), op.WithLogger(c.Log))
	if err != nil {
		return nil, fmt.Errorf("identity provider: %w", err)
	}
	login := loginHandler{storage: s, callbackURL: op.AuthCallbackURL(provider)}
	withIssuer := op.NewIssuerInterceptor(provider.IssuerFromRequest)
	mux := http.NewServeMux()
	mux.Handle("GET /login", withIssuer.HandlerFunc(login.show))
	mux.Handle("POST /login", withIssuer.HandlerFunc(login.submit))
	mux.Handle("/", provider)
	return &Provider{config: c, handler: mux}, nil
}

// Run serves until ctx ends, then waits for requests in flight.
func (p *Provider) Run(ctx context.Context) error {
	server := &http.Server{
		Handler: p.handler, ReadHeaderTimeout: 5 * time.Second,
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
		ErrorLog:    slog.NewLogLogger(p.config.Log.Handler(), slog.LevelDebug),
	}
	closed := make(chan struct{})
	context.AfterFunc(ctx, func() {
		defer close(closed)
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		if server.Shutdown(drain) != nil {
			_ = server.Close()
		}
	})
	if err := server.Serve(tls.NewListener(p.config.Listener, p.config.TLS)); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("identity provider: %w", err)
	}
	<-closed
	return nil
}
