package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"google.golang.org/grpc"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/rpc"
	"github.com/retepari/pari/pkg/run"
	"github.com/retepari/pari/pkg/telemetry"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/pkg/vocabulary"
	"github.com/retepari/pari/pkg/vocabulary/replica"
)

// App is a service under construction. Its parts stop in the reverse order of being added.
type App struct {
	Name   string
	Config Config
	Log    *slog.Logger
	// Identity is the service's certificate and the authorities that it trusts.
	Identity *identity.Source
	Group    *run.Group
	Ops      *telemetry.Ops

	served map[tenant.ID]*identity.Source // nil: the own tenant alone
}

// gcPercent replaces Go's default of 100, unless GOGC is set. A service keeps little in memory and allocates much for a
// moment: collecting less often costs some ten megabytes and saves a tenth of the CPU.
const gcPercent = 400

// Run builds a service, runs it until ctx ends or a part fails, and stops it.
func Run(ctx context.Context, name, version string, c Config, build func(ctx context.Context, a *App) error) error {
	if err := Require(c.tenant(), Setting{"PARI_IDENTITY_DIR", c.IdentityDir}); err != nil {
		return err
	}
	tel, own := c.Telemetry, false
	if tel == nil {
		var err error
		if tel, err = telemetry.Start(ctx, name, version, os.Stderr); err != nil {
			return err
		}
		own = true
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	log := tel.Log.With(slog.String("service", name),
		slog.String("region", c.Tenant.Region), slog.String("node", c.Tenant.Node))
	a := &App{Name: name, Config: c, Log: log, Group: run.New(log), Ops: tel.NewOps()}
	if own {
		a.Group.OnStop("telemetry", tel.Stop)
	}
	var err error
	if a.Identity, err = a.LoadIdentity(c.IdentityDir, c.Tenant); err != nil {
		return err
	}
	a.Group.Go("ops", func(ctx context.Context) error { return a.Ops.Serve(ctx, c.OpsAddr) })
	if err := build(ctx, a); err != nil {
		stopped, cancel := context.WithCancel(ctx)
		cancel()
		return errors.Join(err, a.Group.Wait(stopped))
	}
	return a.Group.Wait(ctx)
}

// LoadIdentity loads a certificate of this service at a tenant.
func (a *App) LoadIdentity(dir string, t tenant.ID) (*identity.Source, error) {
	source, err := identity.NewSource(identity.SourceConfig{
		Dir: dir, DenyFile: a.Config.DenyFile, MaxValidity: a.Config.MaxCertValidity, Log: a.Log,
	})
	if err != nil {
		return nil, err
	}
	if of := source.ID().Tenant; of != t {
		return nil, fmt.Errorf("the certificate in %s is of %s, not of %s", dir, of, t)
	}
	return source, nil
}

// Serves makes Serve take the calls of these tenants, with the service's certificate at each.
func (a *App) Serves(identities map[tenant.ID]*identity.Source) { a.served = identities }

// Database opens a connection pool. The service is ready only while the database answers, and ends when its tables do
// not fit the schemas of the program.
func (a *App) Database(ctx context.Context, name, url string, schemas ...pg.Schema) (*pgxpool.Pool, error) {
	pool, err := pg.Connect(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	a.Group.OnStop(name, func(context.Context) error { pool.Close(); return nil })
	a.Ops.Check(name, pool.Ping)
	a.Group.Go(name+" schema", func(ctx context.Context) error { return pg.AwaitSchemas(ctx, pool, schemas...) })
	return pool, nil
}

// NATS connects to the broker. Readiness does not depend on it: while it is away, events wait in the outbox.
func (a *App) NATS(ctx context.Context, url string) (*nats.Conn, error) {
	return a.NATSAs(ctx, a.Identity, url)
}

// NATSAs is NATS with another certificate of the service.
func (a *App) NATSAs(ctx context.Context, as *identity.Source, url string) (*nats.Conn, error) {
	id := as.ID()
	conn, err := bus.Connect(ctx, bus.Config{
		URL: url, Name: a.Name + "." + id.Tenant.String(), Identity: as,
		InboxPrefix: bus.InboxPrefix(id.Tenant, id.Name), Log: a.Log,
	})
	if err != nil {
		return nil, err
	}
	a.Group.OnStop("broker", func(context.Context) error { conn.Close(); return nil })
	return conn, nil
}

// Dial connects to another service of the network, at one of the tenants.
func (a *App) Dial(target, service string, at ...tenant.ID) (*grpc.ClientConn, error) {
	return a.DialAs(a.Identity, target, service, at...)
}

// DialAs is Dial with another certificate of the service. The connection repeats no call: who called this service does,
// or the loop that the call belongs to, and attempts at every hop would multiply.
func (a *App) DialAs(as *identity.Source, target, service string, at ...tenant.ID) (*grpc.ClientConn, error) {
	conn, err := rpc.Dial(target, as, rpc.Service(service, at...), grpc.WithDisableRetry())
	if err != nil {
		return nil, err
	}
	a.Group.OnStop(service+" client", func(context.Context) error { return conn.Close() })
	return conn, nil
}

// Directory connects to the directory of the own node, or of a centre that serves it.
func (a *App) Directory(target string) (*grpc.ClientConn, error) {
	own := a.Config.Tenant
	return a.Dial(target, "directory", own, tenant.Centre, tenant.ID{Region: own.Region, Node: tenant.CentreNode})
}

// CodeLists keeps a replica of the directory's code lists in db. The service is ready only once it has them.
func (a *App) CodeLists(db *pgxpool.Pool, fetch replica.Fetch) *replica.Replica {
	lists := replica.New(db, fetch, a.Log)
	a.Ops.Check("code lists", func(context.Context) error {
		if lists.Current() == nil {
			return errors.New("none yet")
		}
		return nil
	})
	a.Group.Go("code lists", lists.Run)
	return lists
}

// Serve adds the gRPC server. It takes calls once ready is closed; a nil channel means at once.
func (a *App) Serve(
	ctx context.Context, codes func() *vocabulary.Set, ready <-chan struct{}, register func(grpc.ServiceRegistrar),
) error {
	grants, err := identity.LoadGrants(a.Config.GrantsFile, a.Log)
	if err != nil {
		return err
	}
	issuers, err := identity.LoadIssuers(a.Config.IssuersFile, a.Log)
	if err != nil {
		return err
	}
	var tenants []tenant.ID
	var hosted []*identity.Source
	for t, source := range a.served {
		tenants, hosted = append(tenants, t), append(hosted, source)
	}
	server, err := rpc.NewServer(rpc.Config{
		Service: a.Name, Source: a.Identity, Tenants: tenants, Hosted: hosted,
		Grants: grants, Issuers: issuers, Vocabulary: codes,
		PerSecond: a.Config.CallsPerSecond, DrainDelay: a.Config.DrainDelay, Log: a.Log,
		Reflection: a.Config.Reflection,
	})
	if err != nil {
		return err
	}
	register(server)
	listener := a.Config.Listener
	if listener == nil {
		if listener, err = new(net.ListenConfig).Listen(ctx, "tcp", a.Config.Addr); err != nil {
			return fmt.Errorf("address for calls: %w", err)
		}
	}
	var taking atomic.Bool
	a.Ops.Check("calls", func(context.Context) error {
		if !taking.Load() {
			return errors.New("none are taken")
		}
		return nil
	})
	a.Group.GoWithin("grpc", server.StopTimeout, func(ctx context.Context) error {
		if ready != nil {
			select {
			case <-ctx.Done():
				return listener.Close()
			case <-ready:
			}
		}
		a.Log.InfoContext(ctx, "taking calls", slog.String("addr", listener.Addr().String()))
		taking.Store(true)
		defer context.AfterFunc(ctx, func() { taking.Store(false) })() // before the calls in progress have ended
		if a.Config.Ready != nil {
			a.Config.Ready()
		}
		return server.Serve(ctx, listener)
	})
	return nil
}
