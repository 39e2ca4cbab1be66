package identity_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/dev/testkit/rpctest"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tz"
)

var (
	protocollo = rpctest.ID("lombardia", "cremona", "system", "protocollo")
	discard    = slog.New(slog.DiscardHandler)
)

// write writes a configuration file that is newer than the last one at the path.
func write(t *testing.T, path, text string) {
	t.Helper()
	newer := time.Now()
	if info, err := os.Stat(path); err == nil {
		newer = info.ModTime().Add(time.Second)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, newer, newer); err != nil {
		t.Fatal(err)
	}
}

func loadGrants(t *testing.T, yaml string) (*identity.Grants, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "grants.yaml")
	write(t, path, yaml)
	return identity.LoadGrants(path, discard)
}

func TestLoadGrants(t *testing.T) {
	t.Parallel()
	got, err := loadGrants(t, protocollo.String()+`:
  - submitter
  - {role: operator, office: punto-borgo, from: 2026-07-01, until: 2027-06-30}
`)
	if err != nil {
		t.Fatal(err)
	}
	want := []identity.Grant{
		{Role: 1, Tenant: protocollo.Tenant},
		{
			Role: operator, Tenant: protocollo.Tenant, Office: "punto-borgo",
			From:  time.Date(2026, 7, 1, 0, 0, 0, 0, tz.Rome),
			Until: time.Date(2027, 7, 1, 0, 0, 0, 0, tz.Rome), // the last day included
		},
	}
	if diff := cmp.Diff(want, got.Of(protocollo, now)); diff != "" {
		t.Error(diff)
	}
	other := rpctest.ID("lombardia", "cremona", "system", "other")
	if grants := got.Of(other, now); grants != nil {
		t.Errorf("a system that is not listed has %v", grants)
	}
	none, err := identity.LoadGrants("", discard)
	if err != nil || none.Of(protocollo, now) != nil || (*identity.Grants)(nil).Of(protocollo, now) != nil {
		t.Errorf("without a file: %v", err)
	}
}

// Ensure a mistake in the file is an error that quotes it, not a grant that has no effect.
func TestLoadGrants_RefusesMistakes(t *testing.T) {
	t.Parallel()
	name := protocollo.String()
	for mistake, c := range map[string]struct{ yaml, quoted string }{
		"unknown role":      {name + ": [submiter]", `"submiter"`},
		"unspecified role":  {name + ": [unspecified]", `"unspecified"`},
		"empty role":        {name + `: [""]`, `""`},
		"another tenant":    {name + ": [{role: operator, tenant: lombardia/milano}]", "lombardia/milano"},
		"centre":            {name + ": [{role: analyst, tenant: lombardia/centre}]", "lombardia/centre"},
		"not a tenant":      {name + ": [{role: operator, tenant: milano}]", "milano"},
		"not a date":        {name + ": [{role: operator, until: 2027-02-30}]", "2027-02-30"},
		"not a first date":  {name + ": [{role: operator, from: June}]", "June"},
		"ends before it is": {name + ": [{role: operator, from: 2027-01-02, until: 2027-01-01}]", "2027-01-01"},
		"unknown property":  {name + ": [{role: operator, ofice: punto-borgo}]", `"ofice"`},
		"not an office":     {name + ": [{role: operator, office: Punto Borgo}]", `"Punto Borgo"`},
		"not an identity":   {"protocollo: [submitter]", `"protocollo"`},
		"not a system": {
			strings.Replace(name, "/system/", "/service/", 1) + ": [submitter]", "/service/protocollo",
		},
		"not a list":    {name + ": {a: b}", "grants:"},
		"not YAML":      {"\t", "grants:"},
		"two documents": {name + ": [submitter]\n---\n" + name + ": [operator]", "more than one document"},
	} {
		got, err := loadGrants(t, c.yaml)
		if err == nil || !strings.Contains(err.Error(), c.quoted) {
			t.Errorf("%s: got %v, %v", mistake, got, err)
		}
	}
	if got, err := identity.LoadGrants(filepath.Join(t.TempDir(), "missing"), discard); err == nil {
		t.Errorf("missing file: got %v", got)
	}
}

// Ensure a change takes effect within a second, and that a broken file leaves the last grants in force and says so
// once.
func TestGrants_Reload(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "grants.yaml")
	write(t, path, protocollo.String()+": [submitter]")
	var logged bytes.Buffer
	grants, err := identity.LoadGrants(path, slog.New(slog.NewTextHandler(&logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	later := now
	count := func(after time.Duration, want int) {
		t.Helper()
		later = later.Add(after)
		grants.Of(protocollo, later)
		grants.WaitReload()
		if got := grants.Of(protocollo, later); len(got) != want {
			t.Errorf("%d grants, want %d", len(got), want)
		}
	}
	count(0, 1)
	write(t, path, protocollo.String()+": [submitter, operator]")
	count(time.Second/2, 1) // not read for every call
	count(time.Second/2, 2)
	write(t, path, protocollo.String()+": [king]")
	count(time.Second, 2)
	count(time.Second, 2)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	count(time.Second, 2)
	count(time.Second, 2)
	if n := strings.Count(logged.String(), "configuration file rejected"); n != 2 {
		t.Errorf("logged %d times, want once for each fault: %s", n, logged.String())
	}
	write(t, path, "")
	count(time.Second, 0)
}
