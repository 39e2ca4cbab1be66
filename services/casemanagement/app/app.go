// Package app puts case management together: the only place that knows all of its parts. Main, `pari up` and the tests start it from
// here.
package app

import (
	"context"
	"errors"
	"strings"
	"time"

	"google.golang.org/grpc"

	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/seal"
	"github.com/retepari/pari/pkg/service"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	"github.com/retepari/pari/services/casemanagement/internal/api"
	"github.com/retepari/pari/services/casemanagement/internal/casefile"
	"github.com/retepari/pari/services/casemanagement/internal/feed"
	"github.com/retepari/pari/services/casemanagement/internal/store"
)

// Name of the service: its certificate, its line of the feed, its database.
const Name = "casemanagement"

// Version is set by the build.
var Version = "dev"

// Config of case management. In the environment every name begins with PARI_.
type Config struct {
	service.Config

	// Sign stands in case numbers, for instance CR; empty takes the first letters of the node.
	Sign string `env:"NODE_SIGN"`
	// DatabaseURL and KeysURL are for serving, the owners' for migrating. The key database should lie on another server, with
	// backups of its own.
	DatabaseURL      string `env:"DATABASE_URL"`
	DatabaseOwnerURL string `env:"DATABASE_OWNER_URL"`
	KeysURL          string `env:"KEYS_URL"`
	KeysOwnerURL     string `env:"KEYS_OWNER_URL"`
	// KEKFile is the node's key-encryption key, SecretsFile the key of receipts, hashes and page tokens.
	KEKFile     string `env:"KEK_FILE"`
	SecretsFile string `env:"SECRETS_FILE"`
	// NATSURL is the node's leaf; SigningKeyFile signs its events; CentreKeysDir holds centre.pem, for watermarks.
	NATSURL        string `env:"NATS_URL"`
	SigningKeyFile string `env:"SIGNING_KEY_FILE"`
	CentreKeysDir  string `env:"CENTRE_KEYS_DIR"`
	// DirectoryAddr is where the code lists come from.
	DirectoryAddr string `env:"DIRECTORY_ADDR"`
}

// Migrate brings both databases up to date.
func Migrate(ctx context.Context, c Config) error {
	if err := service.Need(service.Setting{Name: "PARI_DATABASE_OWNER_URL", Value: c.DatabaseOwnerURL}, service.Setting{Name: "PARI_KEYS_OWNER_URL", Value: c.KeysOwnerURL}); err != nil {
		return err
	}
	return errors.Join(store.Migrate(ctx, c.DatabaseOwnerURL), pg.Migrate(ctx, c.KeysOwnerURL, seal.Migrations(), seal.VersionTable))
}

// Run serves until ctx ends.
func Run(ctx context.Context, c Config) error {
	err := service.Need(
		service.Setting{Name: "PARI_DATABASE_URL", Value: c.DatabaseURL}, service.Setting{Name: "PARI_KEYS_URL", Value: c.KeysURL},
		service.Setting{Name: "PARI_KEK_FILE", Value: c.KEKFile}, service.Setting{Name: "PARI_SECRETS_FILE", Value: c.SecretsFile},
		service.Setting{Name: "PARI_NATS_URL", Value: c.NATSURL}, service.Setting{Name: "PARI_SIGNING_KEY_FILE", Value: c.SigningKeyFile},
		service.Setting{Name: "PARI_CENTRE_KEYS_DIR", Value: c.CentreKeysDir}, service.Setting{Name: "PARI_DIRECTORY_ADDR", Value: c.DirectoryAddr},
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
	keyPool, err := f.Database(ctx, "key database", c.KeysURL)
	if err != nil {
		return err
	}
	keys, err := seal.OpenKeys(keyPool, c.KEKFile, f.Log)
	if err != nil {
		return err
	}
	secrets, err := seal.LoadSecrets(c.SecretsFile)
	if err != nil {
		return err
	}
	relay, err := f.Relay(ctx, pool, c.NATSURL, c.SigningKeyFile, c.CentreKeysDir)
	if err != nil {
		return err
	}
	directory, err := f.Dial(c.DirectoryAddr, "directory", "")
	if err != nil {
		return err
	}
	f.Upkeep(pool)
	codes := f.Vocabulary(pool, directory)
	cases := store.New(pool, feed.Writer{
		Group: func(list, code string) string { return codes.Current().Group(list, code) },
		Known: func(list, code string) bool { _, ok := codes.Current().Lookup(list, code); return ok },
	}.Write)
	return f.Serve(ctx, codes.Current, codes.Ready(), func(r grpc.ServiceRegistrar) {
		casemanagementv1.RegisterCaseManagementServiceServer(r, &api.Server{
			Cases: cases, Keys: keys, Secrets: secrets, Signs: map[string]string{c.Node: sign(c)}, Stored: relay.Wake, Log: f.Log, Now: time.Now,
			Course: func(verdict string) casefile.Course {
				return casefile.CourseOf(codes.Current().Group("assessment", verdict))
			},
		})
	})
}

func sign(c Config) string {
	if c.Sign != "" {
		return c.Sign
	}
	return strings.ToUpper(c.Node[:min(3, len(c.Node))])
}
