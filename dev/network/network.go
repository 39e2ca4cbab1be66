// Package network runs a whole development network in one process: the centre and some nodes, each with its services, on a
// private Postgres, a NATS hub and one leaf per node, with certificates, keys and people of its own. It listens on loopback,
// keeps everything below one folder, and finds it there at the next start. What it runs is what operators deploy, configured
// through the same variables.
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
)

// Options of a network.
type Options struct {
	// Dir keeps everything.
	Dir   string
	Nodes []Node
	// UsualPorts takes the ports from 7400 on where they are free.
	UsualPorts bool
	// Progress hears what is being done; Version is that of the program.
	Progress func(string)
	Version  string
	// Settings are given to every service on top of its own, by their names in the environment.
	Settings map[string]string
	// Memory is what the Go side may take before it is swept more often [180 MB]; GOMEMLIMIT goes before it.
	Memory int64
}

// Network is a running network.
type Network struct {
	*Plan

	// First tells that nothing was here before this start.
	First bool
	// Postgres keeps all databases.
	Postgres *pglocal.Server

	group *run.Group
	log   *slog.Logger
}

// memory is what the Go side of a whole network of the usual size may take before it is swept more often: it idles below
// 250 MB, also after a busy start.
const memory = 180 << 20

// Start starts everything and returns when all services take calls. Stop it with Wait.
func Start(ctx context.Context, o Options) (*Network, error) {
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(cmp.Or(o.Memory, memory))
	}
	unlock, err := lock(o.Dir)
	if err != nil {
		return nil, err
	}
	file, err := os.Create(o.Dir + "/pari.log")
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
		stopped, cancel := context.WithCancel(ctx)
		cancel()
		return nil, errors.Join(err, n.group.Wait(stopped))
	}
	return n, nil
}

func (n *Network) start(ctx context.Context, o Options, tel *telemetry.Telemetry, logFile io.Writer) (err error) {
	if _, err := os.Stat(o.Dir + "/postgres"); errors.Is(err, os.ErrNotExist) {
		n.First = true
	}
	o.Progress("certificates and keys")
	if n.Plan, err = NewPlan(ctx, o.Dir, o.Nodes, o.UsualPorts); err != nil {
		return err
	}
	n.Settings = o.Settings
	o.Progress("Postgres")
	if n.Postgres, err = pglocal.Start(ctx, pglocal.Options{Dir: n.path("postgres"), Durable: true, Log: logFile}); err != nil {
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
	if err := errors.Join(n.startBrokers(ctx), n.startIssuer(ctx)); err != nil {
		return err
	}
	o.Progress("services")
	if err := n.startServices(ctx, tel); err != nil {
		return err
	}
	return n.Access().Save()
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

func (n *Network) startIssuer(ctx context.Context) error {
	provider, err := n.NewIssuer(ctx, n.log)
	if err != nil {
		return err
	}
	n.group.Go("sign-in", provider.Run)
	return nil
}

// NewIssuer is the provider of people's tokens, on its address.
func (p *Plan) NewIssuer(ctx context.Context, log *slog.Logger) (*idp.Provider, error) {
	dir := p.Identity("issuer")
	cert, err := tls.LoadX509KeyPair(dir+"/"+identity.CertFile, dir+"/"+identity.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("sign-in: %w", err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", p.Addr["issuer"])
	if err != nil {
		return nil, fmt.Errorf("sign-in: %w", err)
	}
	regions := map[string]string{}
	for _, node := range p.Nodes {
		regions[node.Name] = node.Region
	}
	return idp.New(idp.Config{
		Listener: listener, TLS: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, Issuer: p.Issuer(),
		Users: idp.Users(regions), Log: log, SigningKeyFile: p.path("signing", "tokens.key.pem"),
	})
}

// startServices runs all services, and returns when each takes calls. They stop together, before all else.
func (n *Network) startServices(ctx context.Context, tel *telemetry.Telemetry) error {
	ready := make(chan string)
	failed := make(chan error, 1)
	services := n.Services()
	n.group.Go("services", func(ctx context.Context) error {
		g, ctx := errgroup.WithContext(ctx)
		for _, s := range services {
			g.Go(func() error {
				f := frame{tel, func() {
					select {
					case ready <- s:
					case <-ctx.Done():
					}
				}}
				if err := serve(ctx, s, n.Env(s), f); err != nil {
					return fmt.Errorf("%s: %w", s, err)
				}
				return nil
			})
		}
		err := g.Wait()
		failed <- err
		return err
	})
	late := time.After(60 * time.Second)
	for range services {
		select {
		case <-ready:
		case err := <-failed:
			return errors.Join(errors.New("services did not start"), err)
		case <-late:
			return fmt.Errorf("services did not start within a minute: see %s", n.path("pari.log"))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Access describes the network to its clients.
func (p *Plan) Access() client.Network {
	a := client.Network{Dir: p.Dir, Addr: p.Addr, Issuer: p.Issuer()}
	for _, n := range p.Nodes {
		a.Nodes = append(a.Nodes, n.Name)
	}
	return a
}

// Wait returns when ctx has ended or a part has failed, and everything has stopped.
func (n *Network) Wait(ctx context.Context) error { return n.group.Wait(ctx) }
