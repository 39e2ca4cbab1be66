package nodeservice_test

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/dev/testkit/devkeys"
	"github.com/retepari/pari/dev/testkit/devpki"
	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/dev/testkit/rpctest"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/nodeservice"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/seal"
	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/pkg/telemetry"
	"github.com/retepari/pari/pkg/vocabulary/replica"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// config returns the settings of intake in Cremona, whose broker is away.
func config(t *testing.T) nodeservice.Config {
	t.Helper()
	dir := t.TempDir()
	c := nodeservice.Config{
		KEKFile: filepath.Join(dir, "kek.json"), SecretsFile: filepath.Join(dir, "secrets.json"),
		CentreKeysDir: filepath.Join(dir, "centre"), Relay: true,
		NATSURL: "tls://127.0.0.1:1", DirectoryAddr: "127.0.0.1:1",
	}
	c.Region, c.Node, c.IdentityDir = "lombardia", "cremona", filepath.Join(dir, "identity")
	c.DatabaseURL = pgtest.New(t, "nodeservice", func(ctx context.Context, url string) error {
		return pg.Migrate(ctx, url, idempotency.Schema, outbox.Schema, replica.Schema)
	}).URL
	c.KeysURL = pgtest.New(t, "keys", func(ctx context.Context, url string) error {
		return pg.Migrate(ctx, url, seal.Schema)
	}).URL
	ca, err := devpki.Open(filepath.Join(dir, "ca"))
	if err != nil {
		t.Fatal(err)
	}
	id := rpctest.ID(c.Region, c.Node, identity.KindService, "intake")
	signing := filepath.Join(dir, "signing")
	_, centreErr := devpki.CreateSigningKey("centre", signing, c.CentreKeysDir)
	c.SigningKeyFile, err = devpki.CreateSigningKey("cremona", signing, filepath.Join(dir, "public"))
	err = errors.Join(
		err, centreErr, ca.Issue(id, c.IdentityDir), devkeys.CreateKEK(c.KEKFile), devkeys.CreateSecrets(c.SecretsFile))
	if err != nil {
		t.Fatal(err)
	}
	if c.Telemetry, err = telemetry.Start(t.Context(), "intake", "test", io.Discard); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Telemetry.Stop(context.WithoutCancel(t.Context())) })
	return c
}

func fetch(context.Context, string) ([]*vocabularyv1.Vocabulary, error) {
	return nil, errors.New("away")
}

// run opens the dependencies, lets use work with them, and stops the service.
func run(t *testing.T, c nodeservice.Config, use func(context.Context, nodeservice.Dependencies)) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	return service.Run(ctx, "intake", "test", c.Config, func(ctx context.Context, a *service.App) error {
		defer cancel()
		d, err := nodeservice.Open(ctx, a, c, fetch)
		if err != nil {
			return err
		}
		use(ctx, d)
		return nil
	})
}

// Ensure a service opens and can seal while the broker and the directory are away.
func TestOpen_WithoutBrokerAndDirectory(t *testing.T) {
	t.Parallel()
	err := run(t, config(t), func(ctx context.Context, d nodeservice.Dependencies) {
		if _, err := d.Keys.NewKey(ctx, "cremona"); err != nil {
			t.Error(err)
		}
		if err := d.DB.Ping(ctx); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(map[string]string{"cremona": "CRE"}, d.NumberPrefixes); diff != "" {
			t.Error(diff)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// Ensure the prefix of numbers can be chosen.
func TestOpen_NumberPrefix(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.NumberPrefix = "CR"
	err := run(t, c, func(_ context.Context, d nodeservice.Dependencies) {
		if diff := cmp.Diff(map[string]string{"cremona": "CR"}, d.NumberPrefixes); diff != "" {
			t.Error(diff)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// Ensure a service does not start on a setting that it cannot use, and says which.
func TestOpen_Refuses(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	for name, c := range map[string]struct {
		change func(*nodeservice.Config)
		want   string
	}{
		"database":     {func(c *nodeservice.Config) { c.DatabaseURL = "://" }, "database: "},
		"key database": {func(c *nodeservice.Config) { c.KeysURL = "://" }, "key database: "},
		"KEK":          {func(c *nodeservice.Config) { c.KEKFile = missing }, "key-encryption key: "},
		"secrets":      {func(c *nodeservice.Config) { c.SecretsFile = missing }, "secrets: "},
		"signing key":  {func(c *nodeservice.Config) { c.SigningKeyFile = missing }, "signing key: "},
		"centre's key": {func(c *nodeservice.Config) { c.CentreKeysDir = missing }, "key of the centre: "},
		"broker":       {func(c *nodeservice.Config) { c.NATSURL = "tls://:port" }, "broker connection: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := config(t)
			c.change(&settings)
			err := run(t, settings, func(context.Context, nodeservice.Dependencies) {})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// Ensure migrating names the settings that it misses, and migrates both databases.
func TestConfig_Migrate(t *testing.T) {
	t.Parallel()
	unused := func(context.Context, string) error { t.Error("migrated"); return nil }
	err := nodeservice.Config{}.Migrate(t.Context(), unused)
	if err == nil || err.Error() != "PARI_DATABASE_OWNER_URL is not set\nPARI_KEYS_OWNER_URL is not set" {
		t.Errorf("got %v", err)
	}
	none := func(context.Context, string) error { return nil }
	keys := pgtest.New(t, "empty", none)
	var migrated string
	own := func(_ context.Context, url string) error { migrated = url; return nil }
	c := nodeservice.Config{DatabaseOwnerURL: "postgres://own", KeysOwnerURL: keys.OwnerURL}
	if err := c.Migrate(t.Context(), own); err != nil || migrated != c.DatabaseOwnerURL {
		t.Errorf("migrated %q: %v", migrated, err)
	}
	store, err := seal.OpenKeyStore(keys.Pool(t), config(t).KEKFile, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.NewKey(t.Context(), "cremona"); err != nil {
		t.Error(err)
	}
}
