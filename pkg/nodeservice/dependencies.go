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

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/feedrepair"
	"github.com/retepari/pari/pkg/identity"
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
	feedrepair.Options

	// Collect lets CollectKeys delete ("apply") instead of count.
	Collect string `env:"COLLECT"`
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
	// HostedFile lists the tenants of a service that serves several, with their keys; see Hosted. Without it the
	// service serves the tenant of its certificate with the keys above.
	HostedFile string `env:"HOSTED_FILE"`
	// Relay is false for a replica that takes calls and leaves sending events to other replicas.
	Relay bool `env:"RELAY"              envDefault:"true"`
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
	required := []service.Setting{
		{Name: "PARI_DATABASE_URL", Value: c.DatabaseURL}, {Name: "PARI_KEYS_URL", Value: c.KeysURL},
		{Name: "PARI_NATS_URL", Value: c.NATSURL}, {Name: "PARI_CENTRE_KEYS_DIR", Value: c.CentreKeysDir},
		{Name: "PARI_DIRECTORY_ADDR", Value: c.DirectoryAddr},
	}
	if c.HostedFile != "" {
		return required
	}
	return append(required, service.Setting{Name: "PARI_KEK_FILE", Value: c.KEKFile},
		service.Setting{Name: "PARI_SECRETS_FILE", Value: c.SecretsFile},
		service.Setting{Name: "PARI_SIGNING_KEY_FILE", Value: c.SigningKeyFile})
}

// Dependencies are what a service of the personal zone works with.
type Dependencies struct {
	DB      *pgxpool.Pool
	Keys    *seal.KeyStore
	Secrets *seal.Secrets
	Codes   *replica.Replica
	// Tenants are those that the service serves, in order. Identities are its certificates at them, Relays send their
	// events, and NumberPrefixes begin the numbers that their people use.
	Tenants        []tenant.ID
	Identities     map[tenant.ID]*identity.Source
	Relays         map[tenant.ID]*outbox.Relay
	NumberPrefixes map[tenant.ID]string
}

// WakeRelays makes the relays look for events at once.
func (d Dependencies) WakeRelays() {
	for _, r := range d.Relays {
		r.Wake()
	}
}

// Open opens the databases, of which the first has these schemas, and the keys, and starts relays, maintenance and the
// replica of the code lists. From then on the App serves the tenants.
func Open(
	ctx context.Context, a *service.App, c Config, schemas []pg.Schema, fetch replica.Fetch,
) (d Dependencies, err error) {
	tenants, err := c.tenants()
	if err != nil {
		return d, err
	}
	d.Tenants = sorted(tenants)
	if d.Identities, err = openIdentities(a, tenants); err != nil {
		return d, err
	}
	if d.DB, err = a.Database(ctx, "database", c.DatabaseURL, schemas...); err != nil {
		return d, err
	}
	keys, err := a.Database(ctx, "key database", c.KeysURL, seal.Schema)
	if err != nil {
		return d, err
	}
	keks, secrets := map[tenant.ID]string{}, map[tenant.ID]string{}
	d.NumberPrefixes = map[tenant.ID]string{}
	for t, h := range tenants {
		keks[t], secrets[t], d.NumberPrefixes[t] = h.KEKFile, h.SecretsFile, h.prefix(t)
	}
	if d.Keys, err = seal.OpenKeyStore(keys, keks, a.Log); err != nil {
		return d, err
	}
	if d.Secrets, err = seal.LoadSecrets(secrets); err != nil {
		return d, err
	}
	d.Relays = map[tenant.ID]*outbox.Relay{}
	for _, t := range d.Tenants {
		if d.Relays[t], err = startRelay(ctx, a, c, d, t, tenants[t].SigningKeyFile); err != nil {
			return d, err
		}
	}
	a.Serves(d.Identities)
	a.Maintenance(d.DB, d.Tenants)
	d.Codes = a.CodeLists(d.DB, fetch)
	return d, nil
}
