package nodeservice

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/pkg/tenant"
)

// Ensure a node without a prefix of its own gets the first letters of its name, also a short one.
func TestConfig_NumberPrefixes(t *testing.T) {
	t.Parallel()
	of := func(node string) tenant.ID { return tenant.ID{Region: "lombardia", Node: node} }
	for _, c := range []struct{ node, prefix, want string }{
		{"cremona", "", "CRE"}, {"ro", "", "RO"}, {"cremona", "CR", "CR"},
	} {
		config := Config{Config: service.Config{Tenant: of(c.node)}, NumberPrefix: c.prefix}
		tenants, err := config.tenants()
		if err != nil || len(tenants) != 1 || tenants[of(c.node)].prefix(of(c.node)) != c.want {
			t.Errorf("%+v: got %+v, %v", c, tenants, err)
		}
	}
}

// Ensure a service that serves several tenants has all that is theirs, and nothing that two of them share.
func TestConfig_Tenants(t *testing.T) {
	t.Parallel()
	const cremona = "  lombardia/cremona: " +
		"{identity_dir: /c, kek_file: /c/kek, secrets_file: /c/s, signing_key_file: /c/k"
	milano := strings.NewReplacer(": /c", ": /m", "cremona", "milano").Replace(cremona)
	read := func(file string) (map[tenant.ID]Hosted, error) {
		path := filepath.Join(t.TempDir(), "hosted.yaml")
		if err := os.WriteFile(path, []byte("tenants:\n"+file), 0o600); err != nil {
			t.Fatal(err)
		}
		return Config{HostedFile: path}.tenants()
	}
	got, err := read(
		cremona + ", number_prefix: CR}\n" + milano +
			"}\n",
	)
	if err != nil || len(got) != 2 || got[tenant.ID{Region: "lombardia", Node: "cremona"}].NumberPrefix != "CR" ||
		got[tenant.ID{Region: "lombardia", Node: "milano"}].KEKFile != "/m/kek" {
		t.Errorf("got %+v, %v", got, err)
	}
	for mistake, c := range map[string]struct{ file, quoted string }{
		"no tenant":          {"", "names none"},
		"a key is missing":   {strings.Replace(cremona, "signing_key_file: /c/k", "", 1) + "}", "signing_key_file"},
		"a shared key":       {cremona + "}\n" + strings.Replace(milano, "/m/kek", "/c/kek", 1) + "}", "/c/kek"},
		"not a tenant":       {"  cremona: {}", `"cremona"`},
		"the centre":         {"  all/centre: {}", `"all/centre"`},
		"a misspelt setting": {cremona + ", kek: /x}", "kek"},
	} {
		if got, err := read(c.file); err == nil || !strings.Contains(err.Error(), c.quoted) {
			t.Errorf("%s: got %+v, %v", mistake, got, err)
		}
	}
}
