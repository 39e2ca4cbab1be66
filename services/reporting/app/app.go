// Package app builds and runs reporting. It alone knows all parts; main, `pari-dev up` and tests use it.
package app

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/pkg/version"
	"github.com/retepari/pari/pkg/vocabulary/replica"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
	"github.com/retepari/pari/services/reporting/internal/api"
	"github.com/retepari/pari/services/reporting/internal/feed"
	"github.com/retepari/pari/services/reporting/internal/store"
)

// Name of the service, of its certificate and of its database.
const Name = "reporting"

// Config of reporting. In the environment each name has the prefix PARI_.
type Config struct {
	service.Config

	// DatabaseURL is used by Run, DatabaseOwnerURL by Migrate.
	DatabaseURL      string `env:"DATABASE_URL"`
	DatabaseOwnerURL string `env:"DATABASE_OWNER_URL"`
	// NATSURL is the address of the hub.
	NATSURL string `env:"NATS_URL"`
	// SigningKeyFile is the centre's key, which signs watermarks.
	SigningKeyFile string `env:"SIGNING_KEY_FILE"`
	// NodeKeysDir holds the public keys of the nodes as <region>.<node>.pem.
	NodeKeysDir string `env:"NODE_KEYS_DIR"`
	// StreamReplicas is how many hubs store each event: 3 in production.
	StreamReplicas int `env:"STREAM_REPLICAS" envDefault:"1"`
	// DirectoryAddr is the directory, which serves the code lists.
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
		service.Setting{Name: "PARI_DATABASE_URL", Value: c.DatabaseURL},
		service.Setting{Name: "PARI_NATS_URL", Value: c.NATSURL},
		service.Setting{Name: "PARI_SIGNING_KEY_FILE", Value: c.SigningKeyFile},
		service.Setting{Name: "PARI_NODE_KEYS_DIR", Value: c.NodeKeysDir},
		service.Setting{Name: "PARI_DIRECTORY_ADDR", Value: c.DirectoryAddr},
	)
	if err != nil {
		return err
	}
	return service.Run(ctx, Name, version.Commit(), c.Config, func(ctx context.Context, a *service.App) error {
		return build(ctx, a, c)
	})
}

func build(ctx context.Context, a *service.App, c Config) error {
	pool, err := a.Database(ctx, "database", c.DatabaseURL, store.Schemas...)
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
	db := store.New(pool)
	consumer, err := feed.New(feed.Config{
		Store: db, Conn: nc, KeysDir: c.NodeKeysDir, Signer: signer, Codes: codes.Current,
		Stream: bus.StreamOptions{Replicas: c.StreamReplicas}, Log: a.Log,
	})
	if err != nil {
		return err
	}
	a.Group.Go("feed", func(ctx context.Context) error {
		select { // without code lists every event would be dead-lettered
		case <-ctx.Done():
			return nil
		case <-codes.Ready():
		}
		return consumer.Run(ctx)
	})
	return a.Serve(ctx, codes.Current, codes.Ready(), func(r grpc.ServiceRegistrar) {
		server := &api.Server{Store: db, Codes: codes.Current, Now: time.Now}
		reportingv1.RegisterReportingServiceServer(r, server)
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
