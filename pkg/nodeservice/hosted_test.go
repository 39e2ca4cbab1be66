package nodeservice_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/nodeservice"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/pkg/tenant"
)

var mantova = tenant.ID{Region: "lombardia", Node: "mantova"}

// newHostedConfig returns the configuration of a service that serves Cremona and Mantova. It belongs to the centre of
// the region, and all that is Cremona's stands in the file of hosted tenants.
func newHostedConfig(t *testing.T) nodeservice.Config {
	t.Helper()
	c := newConfig(t)
	file := fmt.Sprintf("tenants:\n  %s: {identity_dir: %s, kek_file: %s, secrets_file: %s, signing_key_file: %s}\n"+
		"  %s: {identity_dir: /m, kek_file: /m/kek, secrets_file: /m/secrets, signing_key_file: /m/key}\n",
		bustest.Cremona, c.IdentityDir, c.KEKFile, c.SecretsFile, c.SigningKeyFile, mantova)
	c.HostedFile = filepath.Join(t.TempDir(), "hosted.yaml")
	if err := os.WriteFile(c.HostedFile, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Tenant, c.IdentityDir = tenant.ID{Region: "lombardia", Node: tenant.CentreNode}, "/centre"
	c.KEKFile, c.SecretsFile, c.SigningKeyFile, c.ReportingAddr = "", "", "", "127.0.0.1:1"
	if err := c.Migrate(t.Context(), migrate); err != nil {
		t.Fatal(err)
	}
	return c
}

func nothing(nodeservice.Config) []service.Setting { return nil }

// Ensure a command works with what is the tenant's own, and refuses a tenant that the service does not serve.
func TestConfig_ForTenant(t *testing.T) {
	t.Parallel()
	hosted := newHostedConfig(t)
	one := hosted
	one.Tenant = mantova
	got, err := one.ForTenant(nothing)
	if err != nil || got.Tenant != mantova || got.IdentityDir != "/m" || got.KEKFile != "/m/kek" ||
		got.SecretsFile != "/m/secrets" || got.SigningKeyFile != "/m/key" || got.HostedFile != "" ||
		got.DatabaseURL != hosted.DatabaseURL {
		t.Errorf("got %+v, %v", got, err)
	}
	const unknown = "PARI_TENANT is lombardia/centre, which is none of the hosted tenants: lombardia/cremona, " +
		"lombardia/mantova"
	if _, err := hosted.ForTenant(nothing); err == nil || err.Error() != unknown {
		t.Errorf("unknown tenant: %v", err)
	}
	one.Tenant = tenant.ID{}
	_, err = one.ForTenant(func(c nodeservice.Config) []service.Setting {
		return []service.Setting{{Name: "PARI_A"}, {Name: "PARI_DATABASE_URL", Value: c.DatabaseURL}}
	})
	if err == nil || err.Error() != "PARI_TENANT is not set\nPARI_A is not set" {
		t.Errorf("without a tenant: %v", err)
	}
	one.Tenant, one.HostedFile, one.KEKFile = mantova, "", "/own"
	if got, err := one.ForTenant(nothing); err != nil || got.KEKFile != "/own" {
		t.Errorf("not hosted: %+v, %v", got, err)
	}
}

// Ensure a repair asks for the tenant's partition with its certificate and signs with its key, and that keys of the
// tenant alone are collected.
func TestCommands_OfAHostedTenant(t *testing.T) {
	t.Parallel()
	c := newHostedConfig(t)
	parts := nodeservice.RepairParts{
		Name: "intake",
		ListCentre: func(_ grpc.ClientConnInterface, p bus.Partition) outbox.ListCentre {
			if p.Tenant != bustest.Cremona {
				t.Errorf("asked for %s", p)
			}
			return func(context.Context, int64) (outbox.Position, []outbox.CentreEvent, error) {
				return outbox.Position{}, nil, nil
			}
		},
	}
	const insertOld = `insert into data_key (tenant, key_id, wrapped, created_month)
		values ($1, gen_random_uuid(), 'x', '2020-01-01')`
	keys, err := pg.Connect(t.Context(), c.KeysURL)
	if err != nil {
		t.Fatal(err)
	}
	defer keys.Close()
	for _, of := range []tenant.ID{bustest.Cremona, mantova, mantova} {
		err := pg.InTenant(t.Context(), keys, of, func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, insertOld, of)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	unused := func(context.Context, *pgxpool.Pool, tenant.ID, []uuid.UUID) ([]uuid.UUID, error) { return nil, nil }
	for _, err := range []error{
		nodeservice.RepairFeed(t.Context(), c, io.Discard, parts),
		nodeservice.CollectKeys(t.Context(), c, io.Discard, unused),
	} {
		if err == nil || !strings.Contains(err.Error(), "none of the hosted tenants") {
			t.Errorf("for the tenant of the service itself: %v", err)
		}
	}
	c.Tenant = bustest.Cremona
	var out bytes.Buffer
	if err := nodeservice.RepairFeed(t.Context(), c, &out, parts); err != nil ||
		!strings.Contains(out.String(), "lombardia/cremona") {
		t.Errorf("repair: %v, %s", err, &out)
	}
	out.Reset()
	if err := nodeservice.CollectKeys(t.Context(), c, &out, unused); err != nil ||
		!strings.HasPrefix(out.String(), "unused data keys: 1\n") {
		t.Errorf("collect: %v, %s", err, &out)
	}
}
