package service

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/seal"
	"github.com/retepari/pari/pkg/vocabulary"
)

// PersonalConfig is what a service of the personal zone reads beside Config, which it holds: where it keeps what people told,
// where the keys that open it lie, and the line on which it tells the centre.
type PersonalConfig struct {
	Config

	// Sign stands in the numbers that people use, for instance CR; empty takes the first letters of the node.
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
	// Relay is false for a copy of the service that takes calls and leaves the line to other copies.
	Relay bool `env:"RELAY" envDefault:"true"`
	// DirectoryAddr is where the code lists come from: the directory of the node, or that of the centre.
	DirectoryAddr string `env:"DIRECTORY_ADDR"`
}

// Migrate brings the service's database up to date with own, and the key database.
func (c PersonalConfig) Migrate(ctx context.Context, own func(ctx context.Context, ownerURL string) error) error {
	if err := Need(Setting{"PARI_DATABASE_OWNER_URL", c.DatabaseOwnerURL}, Setting{"PARI_KEYS_OWNER_URL", c.KeysOwnerURL}); err != nil {
		return err
	}
	return errors.Join(own(ctx, c.DatabaseOwnerURL), pg.Migrate(ctx, c.KeysOwnerURL, seal.Migrations(), seal.VersionTable))
}

// Settings are those that serving needs.
func (c PersonalConfig) Settings() []Setting {
	return []Setting{
		{"PARI_DATABASE_URL", c.DatabaseURL}, {"PARI_KEYS_URL", c.KeysURL}, {"PARI_KEK_FILE", c.KEKFile}, {"PARI_SECRETS_FILE", c.SecretsFile},
		{"PARI_NATS_URL", c.NATSURL}, {"PARI_SIGNING_KEY_FILE", c.SigningKeyFile}, {"PARI_CENTRE_KEYS_DIR", c.CentreKeysDir},
		{"PARI_DIRECTORY_ADDR", c.DirectoryAddr},
	}
}

// signs are the signs of the nodes that the service works for.
func (c PersonalConfig) signs() map[string]string {
	sign := c.Sign
	if sign == "" {
		sign = strings.ToUpper(c.Node[:min(3, len(c.Node))])
	}
	return map[string]string{c.Node: sign}
}

// Personal is what a service of the personal zone stands on.
type Personal struct {
	Pool    *pgxpool.Pool
	Keys    *seal.Keys
	Secrets *seal.Secrets
	Relay   *outbox.Relay
	Codes   *vocabulary.Replica
	// Signs are the signs of the nodes in the numbers that people use.
	Signs map[string]string
}

// Personal opens databases and keys, and starts relay, upkeep and code lists.
func (f *Frame) Personal(ctx context.Context, c PersonalConfig) (p Personal, err error) {
	if p.Pool, err = f.Database(ctx, "database", c.DatabaseURL); err != nil {
		return p, err
	}
	keyPool, err := f.Database(ctx, "key database", c.KeysURL)
	if err != nil {
		return p, err
	}
	if p.Keys, err = seal.OpenKeys(keyPool, c.KEKFile, f.Log); err != nil {
		return p, err
	}
	if p.Secrets, err = seal.LoadSecrets(c.SecretsFile); err != nil {
		return p, err
	}
	if p.Relay, err = f.relay(ctx, p.Pool, c); err != nil {
		return p, err
	}
	directory, err := f.Directory(c.DirectoryAddr)
	if err != nil {
		return p, err
	}
	f.Upkeep(p.Pool)
	p.Codes, p.Signs = f.Vocabulary(p.Pool, directory), c.signs()
	return p, nil
}
