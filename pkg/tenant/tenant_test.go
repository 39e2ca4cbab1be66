package tenant_test

import (
	"strings"
	"testing"

	"github.com/retepari/pari/pkg/tenant"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]tenant.ID{
		"lombardia/cremona": {Region: "lombardia", Node: "cremona"},
		"piemonte/centre":   {Region: "piemonte", Node: "centre"},
		"all/centre":        tenant.Centre, "valle-d-aosta/saint-marcel": {Region: "valle-d-aosta",
			Node: "saint-marcel"},
	} {
		got, err := tenant.Parse(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%s: got %v, %v", text, got, err)
		}
		var read tenant.ID
		if raw, err := got.MarshalText(); err != nil || read.UnmarshalText(raw) != nil || read != want {
			t.Errorf("%s: as text %v, %v", text, read, err)
		}
	}
	for _, text := range []string{
		"", "cremona", "/", "lombardia/", "/cremona", "Lombardia/cremona", "lombardia/cremona/x", "all/cremona",
		"lombardia/" + strings.Repeat("x", 41), "lombardia/1", "lombardia/*", "lombardia/a.b", "lombardia/..", " a/b",
	} {
		if got, err := tenant.Parse(text); err == nil || !got.IsZero() {
			t.Errorf("%q: got %v, %v", text, got, err)
		}
	}
}

func TestID_OverRegion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		tenant, region string
		want           bool
	}{
		{"all/centre", "lombardia", true},
		{"all/centre", "all", true},
		{"lombardia/centre", "lombardia", true},
		{"lombardia/centre", "piemonte", false},
		{"lombardia/centre", "all", false},
		{"lombardia/cremona", "lombardia", false},
		{"all/centre", "", false},
	} {
		id, err := tenant.Parse(c.tenant)
		if err != nil {
			t.Fatal(err)
		}
		if got := id.OverRegion(c.region); got != c.want {
			t.Errorf("%s over %q: got %t", c.tenant, c.region, got)
		}
	}
	if (tenant.ID{}).OverRegion("") {
		t.Error("no tenant is over no region")
	}
}

// Ensure a database gets a tenant as its text, gives it back, and gets nothing for no tenant.
func TestID_InDatabases(t *testing.T) {
	t.Parallel()
	value, err := tenant.Centre.Value()
	var read tenant.ID
	if err != nil || value != "all/centre" || read.Scan(value) != nil || read != tenant.Centre {
		t.Errorf("got %v, %v, read %v", value, err, read)
	}
	if value, err := (tenant.ID{}).Value(); err == nil {
		t.Errorf("no tenant is stored as %v", value)
	}
	for _, value := range []any{nil, 7, "cremona", "/"} {
		if err := read.Scan(value); err == nil {
			t.Errorf("%v was read as %v", value, read)
		}
	}
}
