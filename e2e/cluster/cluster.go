// Package cluster runs a network as operators do: every service, the hub and each leaf is a process of its own, built
// from this checkout, with one Postgres for the nodes and one for the centre. Certificates, keys, configuration and the
// OpenID provider are those of package network.
//
// Any part can be killed and restarted; it then continues with its stored data. All processes end with the test.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
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
	// Network replaces Nodes when it is set.
	Network []network.Node
	// Durable leaves fsync on, for tests that kill Postgres.
	Durable bool
	// Observe collects the spans of every service and opens its metrics endpoint.
	Observe bool
	// Settings are environment variables that every service gets.
	Settings map[string]string
}

// Cluster is a running network.
type Cluster struct {
	*network.Plan

	// With Options.Observe, Collector holds the spans, and OpsAddr the address of each service's metrics endpoint.
	Collector *Collector
	OpsAddr   map[string]string

	processes map[string]*Process
	postgres  map[string]*pglocal.Server
	stop      []func()
}

// Start starts a cluster that ends with the test.
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

// New starts a cluster with its files below dir. The caller must stop it, also after an error.
func New(ctx context.Context, dir string, o Options) (*Cluster, error) {
	bin, err := buildBinaries()
	if err != nil {
		return nil, err
	}
	if len(o.Nodes) == 0 {
		o.Nodes = []string{"cremona", "cuneo"}
	}
	nodes := o.Network
	if nodes == nil {
		nodes = slices.DeleteFunc(network.DefaultNodes(), func(n network.Node) bool {
			return !slices.Contains(o.Nodes, n.Name)
		})
	}
	c := &Cluster{
		processes: map[string]*Process{}, postgres: map[string]*pglocal.Server{}, OpsAddr: map[string]string{},
	}
	if c.Plan, err = network.NewPlan(ctx, dir, nodes, false); err != nil {
		return c, err
	}
	c.Settings = o.Settings
	if err := c.startPostgres(ctx, o.Durable); err != nil {
		return c, err
	}
	if err := c.Migrate(ctx); err != nil {
		return c, err
	}
	if err := c.startIdentityProvider(ctx); err != nil {
		return c, err
	}
	if err := c.startBrokers(bin); err != nil {
		return c, err
	}
	return c, c.startServices(ctx, bin, o)
}

func (c *Cluster) startPostgres(ctx context.Context, durable bool) error {
	for _, name := range []string{"postgres.node", "postgres.centre"} {
		s, err := pglocal.Start(ctx, pglocal.Options{Dir: filepath.Join(c.Dir, name), Durable: durable})
		if err != nil {
			return err
		}
		c.postgres[name] = s
		c.stop = append(c.stop, s.Stop)
	}
	c.NodePostgres, c.CentrePostgres = c.postgres["postgres.node"], c.postgres["postgres.centre"]
	return errors.Join(
		c.NodePostgres.Provision(ctx, c.NodeDatabases()...), c.CentrePostgres.Provision(ctx, c.CentreDatabases()...),
	)
}

func (c *Cluster) startIdentityProvider(ctx context.Context) error {
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

func (c *Cluster) startBrokers(bin string) error {
	configs := map[string]func() (string, error){"hub": c.HubConfig}
	for _, n := range c.Nodes {
		if n.Hosted {
			continue
		}
		configs["leaf."+n.Name] = func() (string, error) { return c.LeafConfig(n) }
	}
	for name, config := range configs {
		text, err := config()
		if err != nil {
			return err
		}
		file := filepath.Join(c.Dir, name+".conf")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return fmt.Errorf("configuration of %s: %w", name, err)
		}
		p := &Process{binary: filepath.Join(bin, "nats-server"), args: []string{"-c", file}}
		if err := c.startProcess(name, p); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) startServices(ctx context.Context, bin string, o Options) error {
	if o.Observe {
		var err error
		if c.Collector, err = StartCollector(ctx); err != nil {
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
		program, _, _ := strings.Cut(name, ".")
		p := &Process{binary: filepath.Join(bin, program), args: []string{"serve"}, env: environ(env)}
		if err := c.startProcess(name, p); err != nil {
			return err
		}
	}
	for _, name := range c.Services() {
		if err := c.waitReady(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) startProcess(name string, p *Process) error {
	p.Name, p.log = name, filepath.Join(c.Dir, "logs", name+".log")
	if err := os.MkdirAll(filepath.Dir(p.log), 0o700); err != nil {
		return fmt.Errorf("logs: %w", err)
	}
	c.processes[name] = p
	c.stop = append(c.stop, p.Stop)
	return p.start()
}

// waitReady waits until a service accepts calls. The error holds the end of its log.
func (c *Cluster) waitReady(ctx context.Context, name string) error {
	conn, err := c.Client().Conn(name, "console.centre", "")
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	health := healthv1.NewHealthClient(conn)
	if _, err := health.Check(ctx, &healthv1.HealthCheckRequest{}, grpc.WaitForReady(true)); err != nil {
		log, _ := os.ReadFile(c.processes[name].log)
		return fmt.Errorf("%s is not ready: %w; its log ends with: %s", name, err, log[max(0, len(log)-2000):])
	}
	return nil
}

// Kill kills a part with SIGKILL: a service, "hub", "leaf.<node>", "postgres.node" or "postgres.centre".
func (c *Cluster) Kill(name string) {
	if s, ok := c.postgres[name]; ok {
		s.Kill()
		return
	}
	c.processes[name].Kill()
}

// SetEnv sets an environment variable of a service for its next start.
func (c *Cluster) SetEnv(service, name, value string) {
	p := c.processes[service]
	p.env = slices.DeleteFunc(p.env, func(v string) bool { return strings.HasPrefix(v, name+"=") })
	p.env = append(p.env, name+"="+value)
}

// Restart starts a part again after Kill, with its stored data.
func (c *Cluster) Restart(ctx context.Context, name string) error {
	if s, ok := c.postgres[name]; ok {
		return s.Restart(ctx)
	}
	return c.processes[name].start()
}

// Command runs another command of a service, such as "migrate", with the service's settings and those in env. It
// returns what the command wrote.
func (c *Cluster) Command(ctx context.Context, name, command string, env map[string]string) (string, error) {
	all := c.Env(name)
	maps.Copy(all, env)
	cmd := exec.CommandContext(ctx, c.processes[name].binary, command)
	cmd.Env = environ(all)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, command, err, out)
	}
	return string(out), nil
}

// Log returns what a service has logged.
func (c *Cluster) Log(name string) (string, error) {
	log, err := os.ReadFile(c.processes[name].log)
	return string(log), err
}

// Stop stops all parts in the reverse order of their start.
func (c *Cluster) Stop() {
	for i := len(c.stop) - 1; i >= 0; i-- {
		c.stop[i]()
	}
	c.stop = nil
}

// environ returns the variables in the form of exec.Cmd.
func environ(env map[string]string) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		all = append(all, name+"="+env[name])
	}
	return all
}

// AddReplica starts a second process of a service and returns its name and its address.
func (c *Cluster) AddReplica(ctx context.Context, service string) (name, addr string, err error) {
	bin, err := buildBinaries()
	if err != nil {
		return "", "", err
	}
	if addr, err = loopback.Addr(ctx, 0); err != nil {
		return "", "", err
	}
	env := c.Env(service)
	env["PARI_ADDR"] = addr
	program, _, _ := strings.Cut(service, ".")
	name = service + "-2"
	p := &Process{binary: filepath.Join(bin, program), args: []string{"serve"}, env: environ(env)}
	return name, addr, c.startProcess(name, p)
}

// StopGently ends a service as an orchestrator does, and waits until it has ended.
func (c *Cluster) StopGently(name string) { c.processes[name].Stop() }
