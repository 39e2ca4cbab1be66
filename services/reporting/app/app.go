// Package app puts reporting together: the only place that knows all of its parts. Main, `pari-dev up` and the tests start it
// from here.
package app

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/service"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
	"github.com/retepari/pari/services/reporting/internal/api"
	"github.com/retepari/pari/services/reporting/internal/feed"
	"github.com/retepari/pari/services/reporting/internal/store"
)

// Name of the service: its certificate, its database.
const Name = "reporting"

// Version is set by the build.
var Version = "dev"

// Config of reporting. In the environment every name begins with PARI_.
type Config struct {
	service.Config

	// DatabaseURL is for serving, the owner's for migrating.
	DatabaseURL      string `env:"DATABASE_URL"`
	DatabaseOwnerURL string `env:"DATABASE_OWNER_URL"`
	// NATSURL is the hub; SigningKeyFile is the centre's key and signs watermarks; NodeKeysDir holds <region>.<node>.pem.
	NATSURL        string `env:"NATS_URL"`
	SigningKeyFile string `env:"SIGNING_KEY_FILE"`
	NodeKeysDir    string `env:"NODE_KEYS_DIR"`
	// StreamReplicas is how many hubs keep each event: 3 in production.
	StreamReplicas int `env:"STREAM_REPLICAS" envDefault:"1"`
	// DirectoryAddr is where the code lists come from.
	DirectoryAddr string `env:"DIRECTORY_ADDR"`
}

// Migrate brings the database up to date.
func Migrate(ctx context.Context, c Config) error {
	if err := service.Need(service.Setting{Name: "PARI_DATABASE_OWNER_URL", Value: c.DatabaseOwnerURL}); err != nil {
		return err
	}
	return store.Migrate(ctx, c.DatabaseOwnerURL)
}

// Run serves until ctx ends.
func Run(ctx context.Context, c Config) error {
	err := service.Need(
		service.Setting{Name: "PARI_DATABASE_URL", Value: c.DatabaseURL}, service.Setting{Name: "PARI_NATS_URL", Value: c.NATSURL},
		service.Setting{Name: "PARI_SIGNING_KEY_FILE", Value: c.SigningKeyFile}, service.Setting{Name: "PARI_NODE_KEYS_DIR", Value: c.NodeKeysDir},
		service.Setting{Name: "PARI_DIRECTORY_ADDR", Value: c.DirectoryAddr},
	)
	if err != nil {
		return err
	}
	return service.Run(ctx, Name, Version, c.Config, func(ctx context.Context, f *service.Frame) error { return build(ctx, f, c) })
}

func build(ctx context.Context, f *service.Frame, c Config) error {
	pool, err := f.Database(ctx, "database", c.DatabaseURL)
	if err != nil {
		return err
	}
	signer, err := bus.LoadSigner(c.SigningKeyFile)
	if err != nil {
		return fmt.Errorf("signing key: %w", err)
	}
	nc, err := f.Broker(ctx, c.NATSURL)
	if err != nil {
		return err
	}
	directory, err := f.Directory(c.DirectoryAddr)
	if err != nil {
		return err
	}
	codes := f.Vocabulary(pool, directory)
	facts := store.New(pool)
	lines, err := feed.New(feed.Config{
		Store: facts, Conn: nc, KeysDir: c.NodeKeysDir, Signer: signer, Codes: codes.Current,
		Stream: bus.StreamOptions{Replicas: c.StreamReplicas}, Log: f.Log,
	})
	if err != nil {
		return err
	}
	f.Group.Go("feed", func(ctx context.Context) error {
		select { // without code lists every event would be parked
		case <-ctx.Done():
			return nil
		case <-codes.Ready():
		}
		return lines.Run(ctx)
	})
	return f.Serve(ctx, codes.Current, codes.Ready(), func(r grpc.ServiceRegistrar) {
		reportingv1.RegisterReportingServiceServer(r, &api.Server{Store: facts, Codes: codes.Current, Now: time.Now})
	})
}
