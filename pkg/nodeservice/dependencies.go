// Package nodeservice is what intake and case management share beyond package service: two databases, sealed content,
// and a partition of the feed. Only services of the personal zone import it.
//
// It promises that a service which lacks a setting or a key does not start. It does not promise that databases, broker
// or directory answer: a service starts without them, and is ready once it has its databases and code lists. Open runs
// the relay, the maintenance and the replica of the code lists as parts of the App, which end with it.
package nodeservice

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/seal"
	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/pkg/vocabulary/replica"
)

// Config holds the settings of a service of the personal zone: its databases, its keys, and its partition of the feed.
type Config struct {
	service.Config
	RepairConfig

	// NumberPrefix begins the numbers that people use, for instance CR; empty takes the first letters of the node.
	NumberPrefix string `env:"NUMBER_PREFIX"`
	// DatabaseURL and KeysURL are for serving, the owners' for migrating. The key database should lie on another
	// server, with backups of its own.
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
	// Relay is false for a replica that takes calls and leaves sending events to other replicas.
	Relay bool `env:"RELAY" envDefault:"true"`
	// DirectoryAddr is the directory of the node, or of the centre: the source of the code lists.
	DirectoryAddr string `env:"DIRECTORY_ADDR"`
}

// Migrate brings the service's database up to date with own, and the key database.
func (c Config) Migrate(ctx context.Context, own func(ctx context.Context, ownerURL string) error) error {
	err := service.Require(
		service.Setting{Name: "PARI_DATABASE_OWNER_URL", Value: c.DatabaseOwnerURL},
		service.Setting{Name: "PARI_KEYS_OWNER_URL", Value: c.KeysOwnerURL},
	)
	if err != nil {
		return err
	}
	return errors.Join(own(ctx, c.DatabaseOwnerURL), pg.Migrate(ctx, c.KeysOwnerURL, seal.Schema))
}

// Settings are those that serving requires.
func (c Config) Settings() []service.Setting {
	return []service.Setting{
		{Name: "PARI_DATABASE_URL", Value: c.DatabaseURL}, {Name: "PARI_KEYS_URL", Value: c.KeysURL},
		{Name: "PARI_KEK_FILE", Value: c.KEKFile}, {Name: "PARI_SECRETS_FILE", Value: c.SecretsFile},
		{Name: "PARI_NATS_URL", Value: c.NATSURL}, {Name: "PARI_SIGNING_KEY_FILE", Value: c.SigningKeyFile},
		{Name: "PARI_CENTRE_KEYS_DIR", Value: c.CentreKeysDir}, {Name: "PARI_DIRECTORY_ADDR", Value: c.DirectoryAddr},
	}
}

// numberPrefixes are the prefixes by node.
func (c Config) numberPrefixes() map[tenant.ID]string {
	prefix := c.NumberPrefix
	if prefix == "" {
		prefix = strings.ToUpper(c.Tenant.Node[:min(3, len(c.Tenant.Node))])
	}
	return map[tenant.ID]string{c.Tenant: prefix}
}

// Dependencies are what a service of the personal zone works with.
type Dependencies struct {
	DB      *pgxpool.Pool
	Keys    *seal.KeyStore
	Secrets *seal.Secrets
	Relay   *outbox.Relay
	Codes   *replica.Replica
	// NumberPrefixes are the prefixes of the numbers that people use, by tenant.
	NumberPrefixes map[tenant.ID]string
}

// Open opens the databases and keys, and starts relay, maintenance and the replica of the code lists.
func Open(ctx context.Context, a *service.App, c Config, fetch replica.Fetch) (d Dependencies, err error) {
	if d.DB, err = a.Database(ctx, "database", c.DatabaseURL); err != nil {
		return d, err
	}
	keys, err := a.Database(ctx, "key database", c.KeysURL)
	if err != nil {
		return d, err
	}
	if d.Keys, err = seal.OpenKeyStore(keys, c.KEKFile, a.Log); err != nil {
		return d, err
	}
	if d.Secrets, err = seal.LoadSecrets(c.SecretsFile); err != nil {
		return d, err
	}
	if d.Relay, err = startRelay(ctx, a, c, d.DB); err != nil {
		return d, err
	}
	a.Maintenance(d.DB)
	d.Codes, d.NumberPrefixes = a.CodeLists(d.DB, fetch), c.numberPrefixes()
	return d, nil
}
