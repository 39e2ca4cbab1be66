package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime/debug"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"google.golang.org/grpc"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/rpc"
	"github.com/retepari/pari/pkg/run"
	"github.com/retepari/pari/pkg/telemetry"
	"github.com/retepari/pari/pkg/vocabulary"
)

// Frame is a service being put together. Parts are stopped in the reverse order of being added.
type Frame struct {
	Name   string
	Config Config
	Log    *slog.Logger
	Source *identity.Source
	Group  *run.Group
	Ops    *telemetry.Ops
	// MaxRequest is the largest request that the service takes, in bytes; 0 means 64 KiB. Set it before Serve.
	MaxRequest int
}

// heapGrowth is by how many percent the heap may grow before it is swept, unless GOGC says otherwise. A service keeps little
// in memory and makes much of it for a moment: sweeping rarely costs some ten megabytes, and spares a tenth of the CPU.
const heapGrowth = 400

// Run puts a service together with build, runs it until ctx ends or a part fails, and stops it.
func Run(ctx context.Context, name, version string, c Config, build func(ctx context.Context, f *Frame) error) error {
	if err := Need(Setting{"PARI_REGION", c.Region}, Setting{"PARI_NODE", c.Node}, Setting{"PARI_IDENTITY_DIR", c.IdentityDir}); err != nil {
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
		debug.SetGCPercent(heapGrowth)
	}
	log := tel.Log.With(slog.String("service", name), slog.String("at", c.Node))
	f := &Frame{Name: name, Config: c, Log: log, Group: run.New(log), Ops: tel.NewOps()}
	if own {
		f.Group.OnStop("telemetry", tel.Stop)
	}
	var err error
	if f.Source, err = identity.LoadSource(c.IdentityDir); err != nil {
		return err
	}
	f.Group.Go("ops", func(ctx context.Context) error { return f.Ops.Serve(ctx, c.OpsAddr) })
	if err := build(ctx, f); err != nil {
		stopped, cancel := context.WithCancel(ctx)
		cancel()
		return errors.Join(err, f.Group.Wait(stopped))
	}
	return f.Group.Wait(ctx)
}

// Database opens a pool that readiness depends on.
func (f *Frame) Database(ctx context.Context, name, url string) (*pgxpool.Pool, error) {
	pool, err := pg.Connect(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	f.Group.OnStop(name, func(context.Context) error { pool.Close(); return nil })
	f.Ops.Check(name, pool.Ping)
	return pool, nil
}

// Broker connects to the broker; it may be away, and readiness does not depend on it: the outbox waits.
func (f *Frame) Broker(ctx context.Context, url string) (*nats.Conn, error) {
	id := f.Source.ID()
	nc, err := bus.Connect(ctx, bus.Config{
		URL: url, Name: f.Name + "." + id.Node, TLS: f.Source.ClientTLS(bus.Broker(id)),
		InboxPrefix: bus.InboxPrefix(id.Region, id.Node, id.Name), Log: f.Log,
	})
	if err != nil {
		return nil, err
	}
	f.Group.OnStop("broker", func(context.Context) error { nc.Close(); return nil })
	return nc, nil
}

// Dial connects to another service of the network.
func (f *Frame) Dial(target, service, node string) (*grpc.ClientConn, error) {
	conn, err := rpc.Dial(target, f.Source, rpc.Service(service, node))
	if err != nil {
		return nil, err
	}
	f.Group.OnStop(service+" client", func(context.Context) error { return conn.Close() })
	return conn, nil
}

// Directory connects to the directory: that of the own node, or that of the centre.
func (f *Frame) Directory(target string) (*grpc.ClientConn, error) {
	conn, err := rpc.Dial(target, f.Source, func(id identity.ID) bool {
		return rpc.Service("directory", f.Config.Node)(id) || rpc.Service("directory", identity.Centre)(id)
	})
	if err != nil {
		return nil, err
	}
	f.Group.OnStop("directory client", func(context.Context) error { return conn.Close() })
	return conn, nil
}

// Vocabulary keeps the code lists of the directory in pool, and current.
func (f *Frame) Vocabulary(pool *pgxpool.Pool, directory grpc.ClientConnInterface) *vocabulary.Replica {
	replica := vocabulary.NewReplica(pool, vocabulary.FromDirectory(directory), f.Log)
	f.Ops.Check("code lists", func(context.Context) error {
		if replica.Current() == nil {
			return errors.New("none yet")
		}
		return nil
	})
	f.Group.Go("code lists", replica.Run)
	return replica
}

// Serve adds the gRPC server. It takes calls once ready is closed; nil means at once.
func (f *Frame) Serve(ctx context.Context, codes func() *vocabulary.Set, ready <-chan struct{}, register func(grpc.ServiceRegistrar)) error {
	grants, err := identity.LoadGrants(f.Config.GrantsFile)
	if err != nil {
		return err
	}
	verifier, err := f.Config.verifier()
	if err != nil {
		return err
	}
	server, err := rpc.NewServer(rpc.Config{
		Service: f.Name, Region: f.Config.Region, Node: f.Config.Node, Source: f.Source, Grants: grants, Verifier: verifier,
		Vocabulary: codes, PerSecond: f.Config.CallsPerSecond, Log: f.Log, Reflection: f.Config.Reflection, MaxRequest: f.MaxRequest,
	})
	if err != nil {
		return err
	}
	register(server)
	listener := f.Config.Listener
	if listener == nil {
		if listener, err = new(net.ListenConfig).Listen(ctx, "tcp", f.Config.Addr); err != nil {
			return fmt.Errorf("address for calls: %w", err)
		}
	}
	f.Group.Go("grpc", func(ctx context.Context) error {
		if ready != nil {
			select {
			case <-ctx.Done():
				return listener.Close()
			case <-ready:
			}
		}
		f.Log.InfoContext(ctx, "taking calls", slog.String("addr", listener.Addr().String()))
		if f.Config.Ready != nil {
			f.Config.Ready()
		}
		return server.Serve(ctx, listener)
	})
	return nil
}
