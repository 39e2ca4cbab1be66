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
	"github.com/retepari/pari/pkg/vocabulary/replica"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
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
	if err := service.Require(service.Setting{Name: "PARI_DATABASE_OWNER_URL", Value: c.DatabaseOwnerURL}); err != nil {
		return err
	}
	return store.Migrate(ctx, c.DatabaseOwnerURL)
}

// Run serves until ctx ends.
func Run(ctx context.Context, c Config) error {
	err := service.Require(
		service.Setting{Name: "PARI_DATABASE_URL", Value: c.DatabaseURL}, service.Setting{Name: "PARI_NATS_URL", Value: c.NATSURL},
		service.Setting{Name: "PARI_SIGNING_KEY_FILE", Value: c.SigningKeyFile}, service.Setting{Name: "PARI_NODE_KEYS_DIR", Value: c.NodeKeysDir},
		service.Setting{Name: "PARI_DIRECTORY_ADDR", Value: c.DirectoryAddr},
	)
	if err != nil {
		return err
	}
	return service.Run(ctx, Name, Version, c.Config, func(ctx context.Context, a *service.App) error { return build(ctx, a, c) })
}

func build(ctx context.Context, a *service.App, c Config) error {
	pool, err := a.Database(ctx, "database", c.DatabaseURL)
	if err != nil {
		return err
	}
	signer, err := bus.LoadSigner(c.SigningKeyFile)
	if err != nil {
		return fmt.Errorf("signing key: %w", err)
	}
	nc, err := a.NATS(ctx, c.NATSURL)
	if err != nil {
		return err
	}
	directory, err := a.Directory(c.DirectoryAddr)
	if err != nil {
		return err
	}
	codes := a.CodeLists(pool, codeLists(directory))
	facts := store.New(pool)
	lines, err := feed.New(feed.Config{
		Store: facts, Conn: nc, KeysDir: c.NodeKeysDir, Signer: signer, Codes: codes.Current,
		Stream: bus.StreamOptions{Replicas: c.StreamReplicas}, Log: a.Log,
	})
	if err != nil {
		return err
	}
	a.Group.Go("feed", func(ctx context.Context) error {
		select { // without code lists every event would be parked
		case <-ctx.Done():
			return nil
		case <-codes.Ready():
		}
		return lines.Run(ctx)
	})
	return a.Serve(ctx, codes.Current, codes.Ready(), func(r grpc.ServiceRegistrar) {
		reportingv1.RegisterReportingServiceServer(r, &api.Server{Store: facts, Codes: codes.Current, Now: time.Now})
	})
}

// codeLists fetches the code lists from the directory.
func codeLists(conn grpc.ClientConnInterface) replica.Fetch {
	directory := directoryv1.NewDirectoryServiceClient(conn)
	return func(ctx context.Context, knownDigest string) ([]*vocabularyv1.Vocabulary, error) {
		resp, err := directory.ListVocabularies(ctx, &directoryv1.ListVocabulariesRequest{KnownDigest: knownDigest})
		return resp.GetVocabularies(), err
	}
}
