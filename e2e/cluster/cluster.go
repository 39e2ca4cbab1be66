// Package cluster runs a network the way operators do: every service, the hub and each leaf a process of its own, built from
// this checkout, with one Postgres for the nodes and one for the centre. Any part can be killed and started again; what was
// stored stays. Certificates, keys and configuration are those of package network; people sign in at its provider.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/retepari/pari/dev/network"
	"github.com/retepari/pari/dev/testkit/loopback"
	"github.com/retepari/pari/dev/testkit/pglocal"
)

// Options of a cluster.
type Options struct {
	// Nodes of the network by name; empty takes Cremona and Cuneo.
	Nodes []string
	// Durable leaves Postgres at its durable defaults, for tests that kill it.
	Durable bool
	// Observe collects spans and opens the page of metrics of every service.
	Observe bool
}

// Cluster is a running network.
type Cluster struct {
	*network.Plan

	// Collector has the spans, and OpsAddr the address of each service's page of metrics, when they are observed.
	Collector *Collector
	OpsAddr   map[string]string

	processes map[string]*Process
	postgres  map[string]*pglocal.Server
	stop      []func()
}

// Start runs a cluster that ends with the test.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	c, err := New(t.Context(), t.TempDir(), o)
	if c != nil {
		t.Cleanup(c.Stop)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// New runs a cluster below dir; the caller stops it, also after an error.
func New(ctx context.Context, dir string, o Options) (*Cluster, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	if len(o.Nodes) == 0 {
		o.Nodes = []string{"cremona", "cuneo"}
	}
	nodes := slices.DeleteFunc(network.DefaultNodes(), func(n network.Node) bool { return !slices.Contains(o.Nodes, n.Name) })
	c := &Cluster{processes: map[string]*Process{}, postgres: map[string]*pglocal.Server{}, OpsAddr: map[string]string{}}
	if c.Plan, err = network.NewPlan(ctx, dir, nodes, false); err != nil {
		return c, err
	}
	for _, name := range []string{"postgres.node", "postgres.centre"} {
		s, err := pglocal.Start(ctx, pglocal.Options{Dir: filepath.Join(dir, name), Durable: o.Durable})
		if err != nil {
			return c, err
		}
		c.postgres[name] = s
		c.stop = append(c.stop, s.Stop)
	}
	c.NodePostgres, c.CentrePostgres = c.postgres["postgres.node"], c.postgres["postgres.centre"]
	if err := errors.Join(c.NodePostgres.Provision(ctx, c.NodeDatabases()...), c.CentrePostgres.Provision(ctx, c.CentreDatabases()...)); err != nil {
		return c, err
	}
	if err := c.Migrate(ctx); err != nil {
		return c, err
	}
	if err := c.signIn(ctx); err != nil {
		return c, err
	}
	if err := c.brokers(bin); err != nil {
		return c, err
	}
	return c, c.services(ctx, bin, o)
}

func (c *Cluster) signIn(ctx context.Context) error {
	provider, err := c.NewIdentityProvider(ctx, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() { defer close(done); _ = provider.Run(running) }()
	c.stop = append(c.stop, func() { cancel(); <-done })
	return nil
}

func (c *Cluster) brokers(bin string) error {
	confs := map[string]func() (string, error){"hub": c.HubConfig}
	for _, n := range c.Nodes {
		confs["leaf."+n.Name] = func() (string, error) { return c.LeafConfig(n) }
	}
	for name, conf := range confs {
		text, err := conf()
		if err != nil {
			return err
		}
		file := filepath.Join(c.Dir, name+".conf")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return fmt.Errorf("configuration of %s: %w", name, err)
		}
		if err := c.run(name, &Process{binary: filepath.Join(bin, "nats-server"), args: []string{"-c", file}}); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) services(ctx context.Context, bin string, o Options) error {
	if o.Observe {
		var err error
		if c.Collector, err = startCollector(ctx); err != nil {
			return err
		}
		c.stop = append(c.stop, c.Collector.stop)
	}
	for _, name := range c.Services() {
		env := c.Env(name)
		if o.Observe {
			addr, err := loopback.Addr(ctx, 0)
			if err != nil {
				return err
			}
			c.OpsAddr[name] = addr
			env["PARI_OPS_ADDR"], env["PARI_LOG_LEVEL"] = addr, "debug"
			env["OTEL_EXPORTER_OTLP_ENDPOINT"], env["OTEL_BSP_SCHEDULE_DELAY"] = "http://"+c.Collector.addr, "200"
		}
		p := &Process{binary: filepath.Join(bin, short(name)), args: []string{"serve"}, env: list(env)}
		if err := c.run(name, p); err != nil {
			return err
		}
	}
	for _, name := range c.Services() {
		if err := c.ready(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) run(name string, p *Process) error {
	p.Name, p.log = name, filepath.Join(c.Dir, "logs", name+".log")
	if err := os.MkdirAll(filepath.Dir(p.log), 0o700); err != nil {
		return fmt.Errorf("logs: %w", err)
	}
	c.processes[name] = p
	c.stop = append(c.stop, p.Stop)
	return p.start()
}

// ready waits until a service takes calls.
func (c *Cluster) ready(ctx context.Context, name string) error {
	conn, err := c.Client().Conn(name, "console.centre", "")
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if _, err := healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{}, grpc.WaitForReady(true)); err != nil {
		log, _ := os.ReadFile(c.processes[name].log)
		return fmt.Errorf("%s is not ready: %w; it says: %s", name, err, log[max(0, len(log)-2000):])
	}
	return nil
}

// Kill ends a part the hard way: a service, "hub", "leaf.<node>", "postgres.node" or "postgres.centre".
func (c *Cluster) Kill(name string) {
	if s, ok := c.postgres[name]; ok {
		s.Kill()
		return
	}
	c.processes[name].Kill()
}

// Running tells whether a process has not ended by itself.
func (c *Cluster) Running(name string) bool { return c.processes[name].Running() }

// Restart starts a part again after Kill, on what it had stored.
func (c *Cluster) Restart(ctx context.Context, name string) error {
	if s, ok := c.postgres[name]; ok {
		return s.Restart(ctx)
	}
	return c.processes[name].start()
}

// Stop ends everything, what was started last first.
func (c *Cluster) Stop() {
	for i := len(c.stop) - 1; i >= 0; i-- {
		c.stop[i]()
	}
	c.stop = nil
}

func short(service string) string {
	for i := range service {
		if service[i] == '.' {
			return service[:i]
		}
	}
	return service
}

func list(env map[string]string) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(env)) {
		out = append(out, k+"="+env[k])
	}
	return out
}
