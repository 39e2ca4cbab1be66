// Package app builds the directory from its parts and runs its commands. Main, `pari-dev up` and the tests use it. All
// goroutines of the service belong to the group of service.App and end with the context of Run.
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

	"github.com/retepari/pari/pkg/feedrepair"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/pkg/tz"
	"github.com/retepari/pari/pkg/version"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/data"
	"github.com/retepari/pari/services/directory/internal/api"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/store"
	"github.com/retepari/pari/services/directory/internal/territory"
	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

// Name of the service, of its certificate and of its database.
const Name = "directory"

// Config configures the directory. In the environment all names begin with PARI_.
type Config struct {
	service.Config
	feedrepair.Options // of RepairFeed

	// Run needs DatabaseURL; Migrate and Load need DatabaseOwnerURL.
	DatabaseURL      string `env:"DATABASE_URL"`
	DatabaseOwnerURL string `env:"DATABASE_OWNER_URL"`
	// NATSURL is the hub, at a node its leaf. Without it the centre replicates nothing to the nodes and publishes
	// nothing to reporting.
	NATSURL string `env:"NATS_URL"`
	// SigningKeyFile is the private key of the centre, which signs copies and events. CentreKeysDir contains
	// centre.pem, the public key, with which a node verifies the copy and the centre verifies watermarks.
	SigningKeyFile string `env:"SIGNING_KEY_FILE"`
	CentreKeysDir  string `env:"CENTRE_KEYS_DIR"`
	// PublicBase is the prefix of the URIs of codes and offices in exported linked data. It ends in "/". The network
	// must own this address permanently.
	PublicBase string `env:"PUBLIC_BASE" envDefault:"https://pari.example/id/"`
}

// atNode reports whether this directory is the copy of a node.
func (c Config) atNode() bool { return !c.Tenant.IsCentre() }

// tenant is the setting PARI_TENANT, "" when it is not set.
func (c Config) tenant() string {
	if c.Tenant.IsZero() {
		return ""
	}
	return c.Tenant.String()
}

// Migrate brings the database up to date.
func Migrate(ctx context.Context, c Config) error {
	err := service.Require(
		service.Setting{Name: "PARI_DATABASE_OWNER_URL", Value: c.DatabaseOwnerURL},
		service.Setting{Name: "PARI_TENANT", Value: c.tenant()},
	)
	if err != nil {
		return err
	}
	if err := store.Migrate(ctx, c.DatabaseOwnerURL); err != nil || !c.atNode() {
		return err
	}
	return store.GrantCopy(ctx, c.DatabaseOwnerURL)
}

// LoadResult describes what Load changed: the names of lists and entries, and the new revision of the directory.
type LoadResult struct {
	Revision       int64
	Lists, Entries []string
}

// Load makes the embedded data current. Running servers read them at once. It is idempotent.
func Load(ctx context.Context, c Config) (LoadResult, error) {
	if err := service.Require(service.Setting{Name: "PARI_DATABASE_OWNER_URL", Value: c.DatabaseOwnerURL}); err != nil {
		return LoadResult{}, err
	}
	if c.atNode() {
		return LoadResult{}, errors.New("the directory of a node is a copy: load at the centre")
	}
	lists, entries, err := parseData(time.Now())
	if err != nil {
		return LoadResult{}, err
	}
	result, err := store.Load(ctx, c.DatabaseOwnerURL, lists, entries, time.Now())
	return LoadResult(result), err
}

// parseData parses and validates the embedded data.
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
			return nil, nil, fmt.Errorf("%s is hidden: embedded entries are public, propose it instead", entry.RefOf(e))
		}
	}
	if err := entry.Validate(entries, api.NewCodeSet(lists), now); err != nil {
		return nil, nil, fmt.Errorf("entries: %w", err)
	}
	return lists, entries, nil
}

// Run serves until ctx ends. It is ready as soon as it has read a directory, and keeps serving it while the database is
// unavailable.
func Run(ctx context.Context, c Config) error {
	required := []service.Setting{{Name: "PARI_DATABASE_URL", Value: c.DatabaseURL}}
	centreKeys := service.Setting{Name: "PARI_CENTRE_KEYS_DIR", Value: c.CentreKeysDir}
	switch {
	case c.atNode():
		required = append(required, service.Setting{Name: "PARI_NATS_URL", Value: c.NATSURL}, centreKeys)
	case c.NATSURL != "":
		required = append(required, service.Setting{Name: "PARI_SIGNING_KEY_FILE", Value: c.SigningKeyFile}, centreKeys)
	}
	if err := service.Require(required...); err != nil {
		return err
	}
	return service.Run(ctx, Name, version.Commit(), c.Config, func(ctx context.Context, a *service.App) error {
		return build(ctx, a, c)
	})
}

func build(ctx context.Context, a *service.App, c Config) error {
	pool, err := pg.Connect(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	a.Group.OnStop("database", func(context.Context) error { pool.Close(); return nil })
	a.Group.Go("database schema", func(ctx context.Context) error {
		return pg.AwaitSchemas(ctx, pool, store.Schemas...)
	})
	places, err := territory.ParseFS(data.Files)
	if err != nil {
		return fmt.Errorf("territories: %w", err)
	}
	directory := api.New(time.Now, pool, territory.NewIndex(places))
	directory.BaseURL = c.PublicBase
	onChange, err := startReplication(ctx, a, c, pool, directory)
	if err != nil {
		return err
	}
	loaded := make(chan struct{})
	a.Ops.Check("data", func(context.Context) error {
		select {
		case <-loaded:
			return nil
		default:
			return errors.New("no directory was read")
		}
	})
	closeLoaded := sync.OnceFunc(func() { close(loaded) })
	a.Group.Go("watch", func(ctx context.Context) error {
		return store.Watch(ctx, pool, a.Log, func(s store.Snapshot) {
			if setSnapshot(ctx, a.Log, directory, s) {
				onChange(s)
				closeLoaded()
			}
		})
	})
	if !c.atNode() {
		stop, err := directory.RegisterStaleGauge(otel.GetMeterProvider())
		if err != nil {
			return err
		}
		a.Group.OnStop("metrics", func(context.Context) error { stop(); return nil })
		a.Maintenance(pool, []tenant.ID{tenant.Centre})
		a.Group.Go("scheduled changes", func(ctx context.Context) error {
			return applyDueLoop(ctx, pool, directory, a.Log)
		})
	}
	return a.Serve(ctx, directory.Vocabulary, loaded, func(r grpc.ServiceRegistrar) {
		directoryv1.RegisterDirectoryServiceServer(r, directory)
	})
}

// setSnapshot makes the server serve a snapshot. It logs and refuses an empty or invalid one.
func setSnapshot(ctx context.Context, log *slog.Logger, directory *api.Server, s store.Snapshot) bool {
	revision := slog.Int64("revision", s.Revision)
	if s.Revision == 0 {
		log.WarnContext(ctx, "directory empty", slog.String("advice", "run `directory load` at the centre"))
		return false
	}
	if err := directory.SetSnapshot(s); err != nil {
		log.ErrorContext(ctx, "directory snapshot invalid", revision, slog.Any("error", err))
		return false
	}
	log.InfoContext(ctx, "directory snapshot loaded", revision,
		slog.Int("lists", len(s.Lists)), slog.Int("entries", len(s.Entries)))
	return true
}

// dueInterval is how often the service looks for scheduled changes that are due.
const dueInterval = time.Minute

// applyDueLoop applies scheduled changes that are due, until ctx ends. Several servers may run it.
func applyDueLoop(ctx context.Context, pool *pgxpool.Pool, directory *api.Server, log *slog.Logger) error {
	tick := time.NewTicker(dueInterval)
	defer tick.Stop()
	for {
		now := time.Now()
		n, err := store.ApplyDue(ctx, pool, now.In(tz.Rome).Format(time.DateOnly), now, directory.ValidateEntries)
		if err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "scheduled changes failed", slog.Any("error", err))
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
