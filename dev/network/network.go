// Package network runs a complete development network in one process: the centre and some nodes with their services, a
// private Postgres, a NATS hub and one leaf per node, with its own certificates, keys and users.
//
// It promises that the services are the ones that operators deploy, configured through the same variables; that it
// listens on loopback only; and that all files are below one folder, where the next start continues with them. Start
// starts a goroutine for each service and for the OpenID provider; Wait and Stop end them.
package network

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/retepari/pari/cmd/pari/client"
	"github.com/retepari/pari/dev/idp"
	"github.com/retepari/pari/dev/testkit/natsserver"
	"github.com/retepari/pari/dev/testkit/pglocal"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/run"
	"github.com/retepari/pari/pkg/telemetry"
	"github.com/retepari/pari/pkg/tenant"
)

// Options of a network.
type Options struct {
	// Dir holds all files of the network.
	Dir   string
	Nodes []Node
	// DefaultPorts prefers the ports from 7400 on, where they are free.
	DefaultPorts bool
	// Progress is called with each step of the start. Version is that of the program.
	Progress func(string)
	Version  string
	// Settings are environment variables that every service gets. They override the service's own.
	Settings map[string]string
	// MemoryLimit is the soft memory limit of the Go runtime [180 MB]. The variable GOMEMLIMIT overrides it.
	MemoryLimit int64
	// Now replaces the clock by which intake receives reports.
	Now func() time.Time
}

// Network is a running network.
type Network struct {
	*Plan

	// Postgres holds all databases.
	Postgres *pglocal.Server

	group *run.Group
	log   *slog.Logger
}

const (
	// defaultMemoryLimit keeps the process below 250 MB when it is idle, also after a busy start.
	defaultMemoryLimit = 180 << 20
	// startTimeout bounds the start of all services.
	startTimeout = time.Minute

	logFile = "pari.log"
)

// Start starts the network and returns when all services accept calls. The caller must call Wait or Stop.
func Start(ctx context.Context, o Options) (*Network, error) {
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(cmp.Or(o.MemoryLimit, defaultMemoryLimit))
	}
	unlock, err := lock(o.Dir)
	if err != nil {
		return nil, err
	}
	if err := checkVersion(o.Dir); err != nil {
		return nil, errors.Join(err, unlock())
	}
	file, err := os.Create(filepath.Join(o.Dir, logFile))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("log: %w", err), unlock())
	}
	tel, err := telemetry.Start(ctx, "pari", o.Version, file)
	if err != nil {
		return nil, errors.Join(err, unlock())
	}
	n := &Network{group: run.New(tel.Log), log: tel.Log}
	n.group.OnStop("lock", func(context.Context) error { return unlock() })
	n.group.OnStop("log", func(context.Context) error { return file.Close() })
	n.group.OnStop("telemetry", tel.Stop)
	if err := n.start(ctx, o, tel, file); err != nil {
		return nil, errors.Join(err, n.Stop(ctx))
	}
	return n, nil
}

func (n *Network) start(ctx context.Context, o Options, tel *telemetry.Telemetry, log io.Writer) (err error) {
	o.Progress("certificates and keys")
	if n.Plan, err = NewPlan(ctx, o.Dir, o.Nodes, o.DefaultPorts); err != nil {
		return err
	}
	n.Settings = o.Settings
	o.Progress("Postgres")
	n.Postgres, err = pglocal.Start(ctx, pglocal.Options{Dir: n.path("postgres"), Durable: true, Log: log})
	if err != nil {
		return err
	}
	n.group.OnStop("postgres", func(context.Context) error { n.Postgres.Stop(); return nil })
	n.CentrePostgres, n.NodePostgres = n.Postgres, n.Postgres
	if err := n.Postgres.Provision(ctx, append(n.CentreDatabases(), n.NodeDatabases()...)...); err != nil {
		return err
	}
	o.Progress("databases and directory")
	if err := n.Migrate(ctx); err != nil {
		return err
	}
	o.Progress("NATS hub, leaves, sign-in")
	if err := errors.Join(n.startBrokers(ctx), n.startIdentityProvider(ctx)); err != nil {
		return err
	}
	o.Progress("services")
	if err := n.startServices(ctx, processOptions{telemetry: tel, now: o.Now}); err != nil {
		return err
	}
	return n.Client().Save()
}

func (n *Network) startBrokers(ctx context.Context) error {
	conf, err := n.HubConfig()
	if err != nil {
		return err
	}
	hub, err := natsserver.Start(ctx, conf, n.log)
	if err != nil {
		return err
	}
	n.group.OnStop("hub", func(context.Context) error { hub.Stop(); return nil })
	for _, node := range n.Nodes {
		if node.Hosted {
			continue
		}
		if conf, err = n.LeafConfig(node); err != nil {
			return err
		}
		leaf, err := natsserver.Start(ctx, conf, n.log)
		if err != nil {
			return err
		}
		n.group.OnStop("leaf "+node.Name, func(context.Context) error { leaf.Stop(); return nil })
	}
	return nil
}

func (n *Network) startIdentityProvider(ctx context.Context) error {
	provider, err := n.NewIdentityProvider(ctx, n.log)
	if err != nil {
		return err
	}
	n.group.Go("sign-in", provider.Run)
	return nil
}

// NewIdentityProvider returns the OpenID provider of the network, listening on its address.
func (p *Plan) NewIdentityProvider(ctx context.Context, log *slog.Logger) (*idp.Provider, error) {
	dir := p.IdentityDir("issuer")
	cert, err := tls.LoadX509KeyPair(filepath.Join(dir, identity.CertFile), filepath.Join(dir, identity.KeyFile))
	if err != nil {
		return nil, fmt.Errorf("sign-in: %w", err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", p.Addr["issuer"])
	if err != nil {
		return nil, fmt.Errorf("sign-in: %w", err)
	}
	return idp.New(idp.Config{
		Listener: listener, TLS: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12},
		Issuer: p.Issuer(), Users: p.SignIn().Users, Log: log,
		SigningKeyFile: p.path("signing", "tokens.key.pem"),
	})
}

// startServices starts all services and returns when each accepts calls. They stop together, before everything else.
func (n *Network) startServices(ctx context.Context, options processOptions) error {
	ready := make(chan string)
	failed := make(chan error, 1)
	services := n.Services()
	n.group.Go("services", func(ctx context.Context) error {
		g, ctx := errgroup.WithContext(ctx)
		for _, s := range services {
			g.Go(func() error {
				options := options
				options.ready = func() {
					select {
					case ready <- s:
					case <-ctx.Done():
					}
				}
				if err := serve(ctx, s, n.Env(s), options); err != nil {
					return fmt.Errorf("%s: %w", s, err)
				}
				return nil
			})
		}
		err := g.Wait()
		failed <- err
		return err
	})
	timeout := time.After(startTimeout)
	for range services {
		select {
		case <-ready:
		case err := <-failed:
			return errors.Join(errors.New("services did not start"), err)
		case <-timeout:
			return fmt.Errorf("services did not start within a minute: see %s", n.path(logFile))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Client returns the description of the network for its clients.
func (p *Plan) Client() client.Network {
	c := client.Network{Dir: p.Dir, Addr: p.Addr, Issuer: p.Issuer(), Tenants: map[string]tenant.ID{}}
	for _, n := range p.Nodes {
		c.Nodes = append(c.Nodes, n.Name)
		c.Tenants[n.Name] = n.Tenant
	}
	if len(p.hosted()) > 0 {
		c.Tenants[host] = tenant.Centre
	}
	return c
}

// Wait waits until ctx ends or a part fails, stops all parts, and returns when they have stopped.
func (n *Network) Wait(ctx context.Context) error { return n.group.Wait(ctx) }

// Stop stops all parts, and returns when they have stopped.
func (n *Network) Stop(ctx context.Context) error {
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	return n.group.Wait(stopped)
}
