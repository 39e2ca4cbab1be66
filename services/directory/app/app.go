// Package app puts the directory together: the only place that knows all of its parts. Main, `pari up` and the tests start
// it from here.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/service"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/data"
	"github.com/retepari/pari/services/directory/internal/api"
	"github.com/retepari/pari/services/directory/internal/office"
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
}

// Migrate brings the database up to date.
func Migrate(ctx context.Context, c Config) error {
	if err := service.Need(service.Setting{Name: "PARI_DATABASE_OWNER_URL", Value: c.DatabaseOwnerURL}); err != nil {
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
	if err := service.Need(service.Setting{Name: "PARI_DATABASE_OWNER_URL", Value: c.DatabaseOwnerURL}); err != nil {
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
	if err := service.Need(service.Setting{Name: "PARI_DATABASE_URL", Value: c.DatabaseURL}); err != nil {
		return err
	}
	return service.Run(ctx, Name, Version, c.Config, func(ctx context.Context, f *service.Frame) error { return build(ctx, f, c) })
}

func build(ctx context.Context, f *service.Frame, c Config) error {
	pool, err := pg.Connect(ctx, c.DatabaseURL) // readiness does not depend on it
	if err != nil {
		return err
	}
	f.Group.OnStop("database", func(context.Context) error { pool.Close(); return nil })
	places, err := territory.Read(data.Files)
	if err != nil {
		return fmt.Errorf("places: %w", err)
	}
	directory := api.New(time.Now, territory.New(places))
	shown, once := make(chan struct{}), sync.Once{}
	f.Ops.Check("data", func(context.Context) error {
		select {
		case <-shown:
			return nil
		default:
			return errors.New("nothing was loaded")
		}
	})
	f.Group.Go("follow", func(ctx context.Context) error {
		return store.Follow(ctx, pool, f.Log, func(contents store.Contents) {
			if contents.Revision == 0 {
				f.Log.WarnContext(ctx, "the database is empty: run `directory load`")
				return
			}
			directory.Show(contents.Lists, contents.Offices)
			f.Log.InfoContext(ctx, "directory shown", slog.Int64("revision", contents.Revision),
				slog.Int("lists", len(contents.Lists)), slog.Int("offices", len(contents.Offices)))
			once.Do(func() { close(shown) })
		})
	})
	return f.Serve(ctx, directory.Vocabulary, shown, func(r grpc.ServiceRegistrar) {
		directoryv1.RegisterDirectoryServiceServer(r, directory)
	})
}
