package identity_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/pkg/identity"
	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
)

const protocollo = "spiffe://pari.test/region/lombardia/node/cremona/system/protocollo"

func loadGrants(t *testing.T, yaml string) (identity.Grants, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "grants.yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return identity.LoadGrants(path)
}

func TestLoadGrants(t *testing.T) {
	t.Parallel()
	got, err := loadGrants(t, protocollo+": [submitter, case_worker]\n")
	want := identity.Grants{protocollo: {accessv1.Role_ROLE_SUBMITTER, accessv1.Role_ROLE_CASE_WORKER}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("got %v\n%s", err, diff)
	}
	if got, err := identity.LoadGrants(""); err != nil || len(got) != 0 || got == nil {
		t.Errorf("without a file: %v, %v", got, err)
	}
}

// Ensure a mistake in the file is an error that quotes it, not a grant that has no effect.
func TestLoadGrants_RefusesMistakes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ yaml, quoted string }{
		"unknown role":     {protocollo + ": [submiter]", `"submiter"`},
		"unspecified role": {protocollo + ": [unspecified]", `"unspecified"`},
		"empty role":       {protocollo + `: [""]`, `""`},
		"not an identity":  {"protocollo: [submitter]", `"protocollo"`},
		"not a system": {
			strings.Replace(protocollo, "/system/", "/service/", 1) + ": [submitter]", "/service/protocollo",
		},
		"not a list": {protocollo + ": {a: b}", "grants:"},
		"not YAML":   {"\t", "grants:"},
	} {
		got, err := loadGrants(t, c.yaml)
		if err == nil || !strings.Contains(err.Error(), c.quoted) {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	if got, err := identity.LoadGrants(filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Errorf("missing file: got %v", got)
	}
}
