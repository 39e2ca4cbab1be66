// Package app puts the directory together: the only place that knows all of its parts. Main, `pari-dev up` and the tests start
// it from here.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel"
	"google.golang.org/grpc"

	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/pkg/tz"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/data"
	"github.com/retepari/pari/services/directory/internal/api"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/store"
	"github.com/retepari/pari/services/directory/internal/territory"
	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

// Name of the service: its certificate, its database.
const Name = "directory"

// Version is set by the build.
var Version = "dev"

// Config of the directory. In the environment every name begins with PARI_.
type Config struct {
	service.Config

	// DatabaseURL is for serving, DatabaseOwnerURL for migrating and loading.
	DatabaseURL      string `env:"DATABASE_URL"`
	DatabaseOwnerURL string `env:"DATABASE_OWNER_URL"`
	// NATSURL is the hub, at a node its leaf. Without it the centre's changes do not reach the nodes, nor what it counts reporting.
	NATSURL string `env:"NATS_URL"`
	// SigningKeyFile is the centre's key and signs what nodes copy and what is counted; CentreKeysDir holds centre.pem, with which
	// a node checks the copy, and the centre the watermarks.
	SigningKeyFile string `env:"SIGNING_KEY_FILE"`
	CentreKeysDir  string `env:"CENTRE_KEYS_DIR"`
	// PublicBase begins the names of codes and offices in exported linked data, and ends in "/": an address that the network
	// owns and keeps.
	PublicBase string `env:"PUBLIC_BASE" envDefault:"https://pari.example/id/"`
}

// atNode tells whether this directory is a node's copy of the centre's.
func (c Config) atNode() bool { return c.Node != identity.Centre }

// Migrate brings the database up to date.
func Migrate(ctx context.Context, c Config) error {
	err := service.Require(service.Setting{Name: "PARI_DATABASE_OWNER_URL", Value: c.DatabaseOwnerURL}, service.Setting{Name: "PARI_NODE", Value: c.Node})
	if err != nil {
		return err
	}
	if err := store.Migrate(ctx, c.DatabaseOwnerURL); err != nil || !c.atNode() {
		return err
	}
	return store.GrantCopy(ctx, c.DatabaseOwnerURL)
}

// LoadResult says what Load changed: lists and entries by name, and the revision of the directory after it.
type LoadResult struct {
	Revision       int64
	Lists, Entries []string
}

// Load makes the data in the program the current ones. Running servers show them within a moment. The same data again
// change nothing.
func Load(ctx context.Context, c Config) (LoadResult, error) {
	if err := service.Require(service.Setting{Name: "PARI_DATABASE_OWNER_URL", Value: c.DatabaseOwnerURL}); err != nil {
		return LoadResult{}, err
	}
	if c.atNode() {
		return LoadResult{}, errors.New("a node's directory is a copy: load at the centre")
	}
	lists, entries, err := parseData(time.Now())
	if err != nil {
		return LoadResult{}, err
	}
	loaded, err := store.Load(ctx, c.DatabaseOwnerURL, lists, entries, time.Now())
	return LoadResult(loaded), err
}

// parseData returns the data in the program, checked.
func parseData(now time.Time) ([]vocabulary.List, []*directoryv1.Entry, error) {
	lists, err := vocabulary.ParseFS(data.Files)
	if err != nil {
		return nil, nil, fmt.Errorf("code lists: %w", err)
	}
	entries, err := entry.ParseFS(data.Files)
	if err != nil {
		return nil, nil, fmt.Errorf("entries: %w", err)
	}
	for _, e := range entries {
		if entry.IsHidden(e) {
			return nil, nil, fmt.Errorf("%s is hidden: what comes with the program is public, propose it instead", entry.RefOf(e))
		}
	}
	if err := entry.Validate(entries, api.NewCodeSet(lists), now); err != nil {
		return nil, nil, fmt.Errorf("entries: %w", err)
	}
	return lists, entries, nil
}

// Run serves until ctx ends. It takes calls as soon as it has something to show, and goes on showing it while the database
// is away.
func Run(ctx context.Context, c Config) error {
	needed := []service.Setting{{Name: "PARI_DATABASE_URL", Value: c.DatabaseURL}}
	centreKeys := service.Setting{Name: "PARI_CENTRE_KEYS_DIR", Value: c.CentreKeysDir}
	switch {
	case c.atNode():
		needed = append(needed, service.Setting{Name: "PARI_NATS_URL", Value: c.NATSURL}, centreKeys)
	case c.NATSURL != "":
		needed = append(needed, service.Setting{Name: "PARI_SIGNING_KEY_FILE", Value: c.SigningKeyFile}, centreKeys)
	}
	if err := service.Require(needed...); err != nil {
		return err
	}
	return service.Run(ctx, Name, Version, c.Config, func(ctx context.Context, a *service.App) error { return build(ctx, a, c) })
}

func build(ctx context.Context, a *service.App, c Config) error {
	pool, err := pg.Connect(ctx, c.DatabaseURL) // readiness does not depend on it
	if err != nil {
		return err
	}
	a.Group.OnStop("database", func(context.Context) error { pool.Close(); return nil })
	places, err := territory.ParseFS(data.Files)
	if err != nil {
		return fmt.Errorf("places: %w", err)
	}
	directory := api.New(time.Now, pool, territory.NewIndex(places))
	directory.BaseURL = c.PublicBase
	changed, err := startReplication(ctx, a, c, pool, directory)
	if err != nil {
		return err
	}
	shown, once := make(chan struct{}), sync.Once{}
	a.Ops.Check("data", func(context.Context) error {
		select {
		case <-shown:
			return nil
		default:
			return errors.New("nothing was loaded")
		}
	})
	a.Group.Go("follow", func(ctx context.Context) error {
		return store.Watch(ctx, pool, a.Log, func(contents store.Snapshot) {
			if contents.Revision == 0 {
				a.Log.WarnContext(ctx, "the directory is empty: run `directory load` at the centre")
				return
			}
			if err := directory.SetSnapshot(contents); err != nil {
				a.Log.ErrorContext(ctx, "directory not shown", slog.Int64("revision", contents.Revision), slog.Any("error", err))
				return
			}
			changed(contents)
			a.Log.InfoContext(ctx, "directory shown", slog.Int64("revision", contents.Revision),
				slog.Int("lists", len(contents.Lists)), slog.Int("entries", len(contents.Entries)))
			once.Do(func() { close(shown) })
		})
	})
	if !c.atNode() {
		stop, err := directory.RegisterStaleGauge(otel.GetMeterProvider())
		if err != nil {
			return err
		}
		a.Group.OnStop("metrics", func(context.Context) error { stop(); return nil })
		a.Maintenance(pool)
		a.Group.Go("scheduled changes", func(ctx context.Context) error { return applyDue(ctx, pool, directory, a.Log) })
	}
	a.MaxRequest = api.MaxRequest
	return a.Serve(ctx, directory.Vocabulary, shown, func(r grpc.ServiceRegistrar) {
		directoryv1.RegisterDirectoryServiceServer(r, directory)
	})
}

// dueInterval is how often changes are looked for whose day has come.
const dueInterval = time.Minute

// applyDue makes scheduled changes current on their day, until ctx ends. Several copies of the service may look at once.
func applyDue(ctx context.Context, pool *pgxpool.Pool, directory *api.Server, log *slog.Logger) error {
	tick := time.NewTicker(dueInterval)
	defer tick.Stop()
	for {
		now := time.Now()
		n, err := store.ApplyDue(ctx, pool, now.In(tz.Rome).Format(time.DateOnly), now, directory.ValidateEntries)
		if err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "scheduled changes not applied", slog.Any("error", err))
		}
		if n > 0 {
			log.InfoContext(ctx, "scheduled changes applied", slog.Int("proposals", n))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
