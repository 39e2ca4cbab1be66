package app_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/services/casemanagement/app"
)

// Ensure each command takes what is the tenant's own from the file of hosted tenants, and refuses a tenant that is not
// in it, before it opens anything.
func TestCommands_OfAHostedTenant(t *testing.T) {
	t.Parallel()
	hosted := filepath.Join(t.TempDir(), "hosted.yaml")
	const file = "tenants:\n  lombardia/cremona: " +
		"{identity_dir: /c, kek_file: /c/kek, secrets_file: /c/secrets, signing_key_file: /c/key}\n"
	if err := os.WriteFile(hosted, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	environment := map[string]string{
		"PARI_HOSTED_FILE": hosted, "PARI_REPORTING_ADDR": "127.0.0.1:1",
		"PARI_DATABASE_URL": "postgres://%", "PARI_DATABASE_OWNER_URL": "postgres://%", "PARI_KEYS_URL": "postgres://%",
	}
	for name, c := range map[string]struct {
		run  func(context.Context, app.Config) error
		want string // when the tenant is known
	}{
		"repair-feed":  {app.RepairFeed, "database address"},
		"collect-keys": {app.CollectKeys, "database address"},
		"list-cases":   {app.ListCases, "database address"},
	} {
		for of, want := range map[string]string{
			"lombardia/cremona": c.want, "lombardia/milano": "none of the hosted tenants: lombardia/cremona",
			"": "PARI_TENANT is not set",
		} {
			delete(environment, "PARI_TENANT")
			if of != "" {
				environment["PARI_TENANT"] = of
			}
			config, err := service.FromMap[app.Config](environment)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.run(t.Context(), config); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s for %q: %v", name, of, err)
			}
		}
	}
}
