// Package app puts the directory together: the only place that knows all of its parts. Main, `pari up` and the tests start
// it from here.
package app

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/rpc"
	"github.com/retepari/pari/pkg/run"
	"github.com/retepari/pari/pkg/telemetry"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/data"
	"github.com/retepari/pari/services/directory/internal/api"
	"github.com/retepari/pari/services/directory/internal/office"
	"github.com/retepari/pari/services/directory/internal/store"
	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

// Version is set by the build.
var Version = "dev"

// Migrate brings the database up to date.
func Migrate(ctx context.Context, c Config) error {
	if err := need(setting{"PARI_DATABASE_OWNER_URL", c.DatabaseOwnerURL}); err != nil {
		return err
	}
	return store.Migrate(ctx, c.DatabaseOwnerURL)
}

// Loaded says what Load changed: lists and offices by name, and the revision of the directory after it.
type Loaded struct {
	Revision       int64
	Lists, Offices []string
}

// Load makes the data in the program the current ones. Running servers show them within a moment. The same data again
// change nothing.
func Load(ctx context.Context, c Config) (Loaded, error) {
	if err := need(setting{"PARI_DATABASE_OWNER_URL", c.DatabaseOwnerURL}); err != nil {
		return Loaded{}, err
	}
	lists, offices, err := read()
	if err != nil {
		return Loaded{}, err
	}
	loaded, err := store.Load(ctx, c.DatabaseOwnerURL, lists, offices, time.Now())
	return Loaded(loaded), err
}

// read returns the data in the program, checked.
func read() ([]vocabulary.List, []office.Office, error) {
	lists, err := vocabulary.Read(data.Files)
	if err != nil {
		return nil, nil, fmt.Errorf("code lists: %w", err)
	}
	codes := map[string]map[string]bool{}
	for _, l := range lists {
		codes[l.Name] = make(map[string]bool, len(l.Terms))
		for _, t := range l.Terms {
			codes[l.Name][t.Code] = true
		}
	}
	offices, err := office.Read(data.Files, func(list, code string) bool { return codes[list][code] })
	if err != nil {
		return nil, nil, fmt.Errorf("offices: %w", err)
	}
	return lists, offices, nil
}

// Run serves until ctx ends. It takes calls as soon as it has something to show, and goes on showing it while the database
// is away.
func Run(ctx context.Context, c Config) error {
	if err := need(setting{"PARI_DATABASE_URL", c.DatabaseURL}, setting{"PARI_IDENTITY_DIR", c.IdentityDir}); err != nil {
		return err
	}
	tel, own := c.Telemetry, false
	if tel == nil {
		var err error
		if tel, err = telemetry.Start(ctx, "directory", Version, os.Stderr); err != nil {
			return err
		}
		own = true
	}
	log := tel.Log.With(slog.String("service", "directory"))
	g := run.New(log)
	if own {
		g.OnStop("telemetry", tel.Stop)
	}
	if err := start(ctx, g, c, tel, log); err != nil {
		stopped, cancel := context.WithCancel(ctx)
		cancel()
		_ = g.Wait(stopped)
		return err
	}
	return g.Wait(ctx)
}

// start adds the parts: what comes later stops first.
func start(ctx context.Context, g *run.Group, c Config, tel *telemetry.Telemetry, log *slog.Logger) error {
	pool, err := pg.Connect(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	g.OnStop("postgres", func(context.Context) error { pool.Close(); return nil })

	directory := api.New(time.Now)
	server, err := newServer(c, directory, log)
	if err != nil {
		return err
	}
	listener := c.Listener
	if listener == nil {
		if listener, err = new(net.ListenConfig).Listen(ctx, "tcp", c.Addr); err != nil {
			return fmt.Errorf("address for calls: %w", err)
		}
	}

	shown, once := make(chan struct{}), sync.Once{}
	ops := tel.NewOps()
	ops.Check("data", func(context.Context) error {
		select {
		case <-shown:
			return nil
		default:
			return fmt.Errorf("nothing was loaded")
		}
	})
	g.Go("ops", func(ctx context.Context) error { return ops.Serve(ctx, c.OpsAddr) })
	g.Go("follow", func(ctx context.Context) error {
		return store.Follow(ctx, pool, log, func(contents store.Contents) {
			if contents.Revision == 0 {
				log.WarnContext(ctx, "the database is empty: run `directory load`")
				return
			}
			directory.Show(contents.Lists, contents.Offices)
			log.InfoContext(ctx, "directory shown", slog.Int64("revision", contents.Revision),
				slog.Int("lists", len(contents.Lists)), slog.Int("offices", len(contents.Offices)))
			once.Do(func() { close(shown) })
		})
	})
	g.Go("grpc", func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return listener.Close()
		case <-shown:
		}
		log.InfoContext(ctx, "taking calls", slog.String("addr", listener.Addr().String()))
		if c.Ready != nil {
			c.Ready()
		}
		return server.Serve(ctx, listener)
	})
	return nil
}

func newServer(c Config, directory *api.Server, log *slog.Logger) (*rpc.Server, error) {
	source, err := identity.LoadSource(c.IdentityDir)
	if err != nil {
		return nil, err
	}
	grants, err := identity.LoadGrants(c.GrantsFile)
	if err != nil {
		return nil, err
	}
	verifier, err := c.verifier()
	if err != nil {
		return nil, err
	}
	server, err := rpc.NewServer(rpc.Config{
		Service: "directory", Region: c.Region, Node: c.Node, Source: source, Grants: grants, Verifier: verifier,
		Vocabulary: directory.Vocabulary, Log: log, Reflection: c.Reflection,
	})
	if err != nil {
		return nil, err
	}
	directoryv1.RegisterDirectoryServiceServer(server, directory)
	return server, nil
}
