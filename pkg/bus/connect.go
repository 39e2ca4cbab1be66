package bus

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
)

// AcceptBroker returns which brokers a program accepts: the leaf of its own node, and the hub.
func AcceptBroker(own identity.ID) func(identity.ID) bool {
	return func(server identity.ID) bool {
		mine, hub := server.Tenant == own.Tenant, server.Tenant == tenant.Centre
		return server.TrustDomain == own.TrustDomain && server.Kind == identity.KindLeaf && (mine || hub)
	}
}

// Config says how to reach the broker: the leaf beside a node's services, the hub beside the centre's.
type Config struct {
	URL         string           // tls://host:port
	Name        string           // shown in the broker's monitoring
	Identity    *identity.Source // nil connects without TLS, for tests
	InboxPrefix string           // see InboxPrefix
	Log         *slog.Logger
}

// verifyInterval is how often the broker of an open connection is verified.
const verifyInterval = 5 * time.Second

// Connect opens a connection that reconnects for ever. It returns at once, also while the broker is away; calls then
// fail and their callers retry. Only a configuration that can never work is an error.
//
// A broker whose certificate expires or is denied is left within seconds; the connection then waits for another.
func Connect(ctx context.Context, c Config) (*nats.Conn, error) {
	log := c.Log
	if log == nil {
		log = slog.Default()
	}
	ctx = context.WithoutCancel(ctx)
	opts := []nats.Option{
		nats.Name(c.Name),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(100*time.Millisecond, 250*time.Millisecond),
		nats.Timeout(3 * time.Second),
		nats.PingInterval(10 * time.Second),
		nats.MaxPingsOutstanding(2),
		// A publish while disconnected must fail, not be buffered: the outbox keeps the event.
		nats.ReconnectBufSize(-1),
		nats.IgnoreDiscoveredServers(),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err == nil { // closed on purpose
				return
			}
			log.WarnContext(ctx, "broker connection lost", slog.String("connection", c.Name), slog.Any("error", err))
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			log.InfoContext(ctx, "broker connection restored", slog.String("connection", c.Name),
				slog.String("server", nc.ConnectedServerName()))
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			log.WarnContext(ctx, "broker error", slog.String("connection", c.Name), slog.Any("error", err))
		}),
	}
	if c.InboxPrefix != "" {
		opts = append(opts, nats.CustomInboxPrefix(c.InboxPrefix))
	}
	closed := make(chan struct{})
	opts = append(opts, nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
	var broker atomic.Pointer[tls.ConnectionState] // of the last handshake
	if c.Identity != nil {
		config := c.Identity.ClientTLS(AcceptBroker(c.Identity.ID()))
		verify := config.VerifyConnection
		config.VerifyConnection = func(state tls.ConnectionState) error {
			err := verify(state)
			if err == nil {
				broker.Store(&state)
			}
			return err
		}
		opts = append(opts, nats.Secure(config))
	}
	nc, err := nats.Connect(c.URL, opts...)
	if err != nil {
		return nil, fmt.Errorf("broker connection: %w", err)
	}
	if c.Identity != nil {
		go leaveRefusedBrokers(ctx, nc, c, &broker, log, closed)
	}
	return nc, nil
}

// leaveRefusedBrokers drops the connection while the broker would be refused in a handshake, until the connection is
// closed.
func leaveRefusedBrokers(
	ctx context.Context, nc *nats.Conn, c Config, broker *atomic.Pointer[tls.ConnectionState], log *slog.Logger,
	closed <-chan struct{},
) {
	tick := time.NewTicker(verifyInterval)
	defer tick.Stop()
	for {
		select {
		case <-closed:
			return
		case now := <-tick.C:
			state := broker.Load() // the connection's own method may not be called while it reconnects
			if state == nil || !nc.IsConnected() {
				continue
			}
			if err := c.Identity.VerifyServer(*state, AcceptBroker(c.Identity.ID()), now); err != nil {
				log.ErrorContext(ctx, "broker refused", slog.String("connection", c.Name), slog.Any("error", err))
				_ = nc.ForceReconnect() // fails only when the connection is closed
			}
		}
	}
}
