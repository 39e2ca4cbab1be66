package nodeservice_test

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/dev/testkit/devkeys"
	"github.com/retepari/pari/dev/testkit/devpki"
	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/nodeservice"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/pkg/telemetry"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/pkg/vocabulary/replica"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// shared is the telemetry of the process: starting it sets global providers.
var shared = func() *telemetry.Telemetry {
	tel, err := telemetry.Start(context.Background(), "test", "v0", io.Discard)
	if err != nil {
		panic(err)
	}
	return tel
}()

func noKeys(context.Context, string) error { return nil }

func migrate(ctx context.Context, ownerURL string) error {
	return pg.Migrate(ctx, ownerURL, outbox.Schema, idempotency.Schema, replica.Schema)
}

// newConfig returns the configuration of intake in Cremona, with databases, keys and a broker.
func newConfig(t *testing.T) nodeservice.Config {
	t.Helper()
	n := bustest.New(t, bustest.Cremona)
	id := identity.ID{
		TrustDomain: bustest.TrustDomain, Tenant: bustest.Cremona, Kind: identity.KindService, Name: "intake",
	}
	db, keys := pgtest.New(t, "nodeservice", migrate), pgtest.New(t, "empty", noKeys)
	dir := t.TempDir()
	c := nodeservice.Config{
		Config: service.Config{
			Tenant: bustest.Cremona, IdentityDir: n.Identity(id), Telemetry: shared,
		},
		DatabaseURL: db.URL, DatabaseOwnerURL: db.OwnerURL, KeysURL: keys.URL, KeysOwnerURL: keys.OwnerURL,
		KEKFile: filepath.Join(dir, "kek.json"), SecretsFile: filepath.Join(dir, "secrets.json"),
		NATSURL: n.Leaf(bustest.Cremona).URL(), CentreKeysDir: n.KeysDir(), Relay: true,
		DirectoryAddr: "127.0.0.1:1",
	}
	signingKey, err := devpki.CreateSigningKey("lombardia.cremona", dir, n.KeysDir())
	err = errors.Join(err, devkeys.CreateKEK(c.KEKFile), devkeys.CreateSecrets(c.SecretsFile))
	if err != nil {
		t.Fatal(err)
	}
	c.SigningKeyFile = signingKey
	n.AnswerHeartbeats()
	return c
}

func fetch(context.Context, string) ([]*vocabularyv1.Vocabulary, error) {
	return []*vocabularyv1.Vocabulary{{Name: "ground"}}, nil
}

// open runs a service with its dependencies until test returns.
func open(c nodeservice.Config, test func(d nodeservice.Dependencies) error) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	return service.Run(ctx, "intake", "v0", c.Config, func(ctx context.Context, a *service.App) error {
		d, err := nodeservice.Open(ctx, a, c, nil, fetch)
		if err != nil {
			return err
		}
		defer cancel()
		return test(d)
	})
}

// Ensure the relay runs unless it is switched off, and that settings are read under the names that Settings reports.
func TestFromMap(t *testing.T) {
	t.Parallel()
	c, err := service.FromMap[nodeservice.Config](nil)
	if err != nil || !c.Relay || c.Addr == "" {
		t.Errorf("defaults are %+v, %v", c, err)
	}
	environment := map[string]string{"PARI_RELAY": "false", "PARI_NUMBER_PREFIX": "XY"}
	for _, s := range c.Settings() {
		if s.Value != "" {
			t.Errorf("%s is %q by default", s.Name, s.Value)
		}
		environment[s.Name] = "value of " + s.Name
	}
	c, err = service.FromMap[nodeservice.Config](environment)
	if err != nil || c.Relay || c.NumberPrefix != "XY" {
		t.Errorf("got %+v, %v", c, err)
	}
	var names []string
	for _, s := range c.Settings() {
		names = append(names, s.Name)
		if s.Value != environment[s.Name] {
			t.Errorf("%s is %q", s.Name, s.Value)
		}
	}
	if diff := cmp.Diff([]string{
		"PARI_DATABASE_URL", "PARI_KEYS_URL", "PARI_NATS_URL", "PARI_CENTRE_KEYS_DIR", "PARI_DIRECTORY_ADDR",
		"PARI_KEK_FILE", "PARI_SECRETS_FILE", "PARI_SIGNING_KEY_FILE",
	}, names); diff != "" {
		t.Error(diff)
	}
}

// Ensure a migration needs the owners' addresses and migrates both databases, also when one fails.
func TestConfig_Migrate(t *testing.T) {
	t.Parallel()
	want := "PARI_DATABASE_OWNER_URL is not set\nPARI_KEYS_OWNER_URL is not set"
	if err := (nodeservice.Config{}).Migrate(t.Context(), migrate); err == nil || err.Error() != want {
		t.Errorf("without addresses: %v", err)
	}
	db, keys := pgtest.New(t, "empty", noKeys), pgtest.New(t, "empty", noKeys)
	c := nodeservice.Config{DatabaseOwnerURL: db.OwnerURL, KeysOwnerURL: keys.OwnerURL}
	broken := errors.New("broken")
	fail := func(_ context.Context, ownerURL string) error {
		if ownerURL != db.OwnerURL {
			t.Errorf("the service's tables go to %s", ownerURL)
		}
		return broken
	}
	if err := c.Migrate(t.Context(), fail); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	pgtest.RowSecurity(t, keys.Pool(t)) // there is a table
	if err := c.Migrate(t.Context(), migrate); err != nil {
		t.Error(err)
	}
	pgtest.RowSecurity(t, db.Pool(t))
}

// Ensure a service gets keys, secrets, code lists and number prefixes that work, and its relay sends the outbox.
func TestOpen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prefix, want string
		relay        bool
	}{"relay": {"", "CRE", true}, "no relay": {"XY", "XY", false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := newConfig(t)
			if err := config.Migrate(t.Context(), migrate); err != nil {
				t.Fatal(err)
			}
			config.NumberPrefix, config.Relay = c.prefix, c.relay
			err := open(config, func(d nodeservice.Dependencies) error {
				if diff := cmp.Diff(map[tenant.ID]string{bustest.Cremona: c.want}, d.NumberPrefixes); diff != "" {
					t.Error(diff)
				}
				if _, err := d.Keys.NewKey(t.Context(), bustest.Cremona); err != nil {
					t.Error(err)
				}
				if d.Secrets.Receipt(bustest.Cremona, "a") == "" {
					t.Error("no receipt")
				}
				<-d.Codes.Ready()
				err := pg.InTenant(t.Context(), d.DB, bustest.Cremona, func(ctx context.Context, tx pgx.Tx) error {
					return outbox.Append(ctx, tx, outbox.Event{
						Tenant: bustest.Cremona, Type: bus.TypePrefix + "report.counted.v1",
						Aggregate: "a", AggregateSeq: 1,
					})
				})
				if err != nil {
					return err
				}
				d.WakeRelays()
				if c.relay {
					bustest.Eventually(t, func() bool { return d.Relays[bustest.Cremona].Status().Published == 1 })
				} else if d.Relays[bustest.Cremona].Status().Leading {
					t.Error("the relay runs")
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// Ensure each setting that does not work ends the start.
func TestOpen_RefusesMistakes(t *testing.T) {
	t.Parallel()
	valid := newConfig(t)
	for want, change := range map[string]func(*nodeservice.Config){
		"database: ":     func(c *nodeservice.Config) { c.DatabaseURL = "postgres://127.0.0.1:port" },
		"key database: ": func(c *nodeservice.Config) { c.KeysURL = "postgres://127.0.0.1:port" },
		"key-encryption key of lombardia/cremona: ":   func(c *nodeservice.Config) { c.KEKFile = "missing" },
		"secrets of lombardia/cremona: keyset file: ": func(c *nodeservice.Config) { c.SecretsFile = "missing" },
		"signing key: ":       func(c *nodeservice.Config) { c.SigningKeyFile = "missing" },
		"key of the centre: ": func(c *nodeservice.Config) { c.CentreKeysDir = "missing" },
		"broker connection: ": func(c *nodeservice.Config) { c.NATSURL = "tls://%zz" },
		"the certificate in ": func(c *nodeservice.Config) { c.Tenant.Region = "*" },
	} {
		c := valid
		change(&c)
		err := open(c, func(nodeservice.Dependencies) error { t.Errorf("%s: opened", want); return nil })
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
