package bus

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/retepari/pari/pkg/identity"
)

// Broker tells which server a program may take for its broker, for identity.Source's ClientTLS: the leaf of its own node,
// or the hub.
func Broker(own identity.ID) func(identity.ID) bool {
	return func(server identity.ID) bool {
		mine := server.Region == own.Region && server.Node == own.Node
		hub := server.Region == identity.AllRegions && server.Node == identity.Centre
		return server.TrustDomain == own.TrustDomain && server.Kind == identity.KindLeaf && (mine || hub)
	}
}

// Config says how to reach the broker: the leaf beside a node's services, the hub beside the centre's.
type Config struct {
	URL         string      // tls://host:port
	Name        string      // name of the connection, for who watches the broker
	TLS         *tls.Config // client certificate and the authorities trusted; from identity.Source
	InboxPrefix string      // see InboxPrefix
	Log         *slog.Logger
}

// Connect opens a connection that mends itself for ever. It returns at once, also while the broker is away: what needs
// the broker then fails and is tried again by its caller. Only a configuration that can never work is an error.
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
		// What is written while the broker is away must fail rather than wait: the outbox keeps it.
		nats.ReconnectBufSize(-1),
		nats.IgnoreDiscoveredServers(),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err == nil { // closed on purpose
				return
			}
			log.WarnContext(ctx, "broker connection lost", slog.String("connection", c.Name), slog.Any("error", err))
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			log.InfoContext(ctx, "broker connection is back", slog.String("connection", c.Name), slog.String("server", nc.ConnectedServerName()))
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			log.WarnContext(ctx, "broker refused something", slog.String("connection", c.Name), slog.Any("error", err))
		}),
	}
	if c.InboxPrefix != "" {
		opts = append(opts, nats.CustomInboxPrefix(c.InboxPrefix))
	}
	if c.TLS != nil {
		opts = append(opts, nats.Secure(c.TLS))
	}
	nc, err := nats.Connect(c.URL, opts...)
	if err != nil {
		return nil, fmt.Errorf("broker connection: %w", err)
	}
	return nc, nil
}
