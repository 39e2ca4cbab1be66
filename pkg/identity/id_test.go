package identity_test

import (
	"strings"
	"testing"

	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
)

// Ensure every kind of program parses and formats to the same identity.
func TestParseID(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{
		identity.KindService, identity.KindSystem, identity.KindOps, identity.KindLeaf,
	} {
		s := "spiffe://pari.test/region/lombardia/node/cremona/" + kind + "/intake"
		id, err := identity.ParseID(s)
		want := identity.ID{
			TrustDomain: "pari.test", Tenant: tenant.ID{Region: "lombardia", Node: "cremona"}, Kind: kind,
			Name: "intake",
		}
		if err != nil || id != want {
			t.Errorf("%s: got %+v, %v", s, id, err)
		}
		if id.String() != s || id.URL().String() != s {
			t.Errorf("formatted as %s and %s, want %s", id, id.URL(), s)
		}
	}
}

// Ensure any other form is refused: a looser parser could read two identities in one certificate.
func TestParseID_RefusesOtherForms(t *testing.T) {
	t.Parallel()
	const path = "/region/lombardia/node/cremona/service/intake"
	for name, s := range map[string]string{
		"empty":                "",
		"not a URL":            "spiffe://pari.test/%zz",
		"scheme":               "https://pari.test" + path,
		"no trust domain":      "spiffe://" + path,
		"user":                 "spiffe://user@pari.test" + path,
		"port":                 "spiffe://pari.test:443" + path,
		"query":                "spiffe://pari.test" + path + "?a=b",
		"fragment":             "spiffe://pari.test" + path + "#a",
		"too short":            "spiffe://pari.test/region/lombardia/node/cremona/service",
		"too long":             "spiffe://pari.test" + path + "/more",
		"trailing slash":       "spiffe://pari.test" + path + "/",
		"relative path":        "spiffe:region/lombardia/node/cremona/service/intake",
		"no region":            "spiffe://pari.test/state/lombardia/node/cremona/service/intake",
		"no node":              "spiffe://pari.test/region/lombardia/town/cremona/service/intake",
		"unknown kind":         "spiffe://pari.test/region/lombardia/node/cremona/person/intake",
		"upper-case region":    "spiffe://pari.test/region/Lombardia/node/cremona/service/intake",
		"wildcard node":        "spiffe://pari.test/region/lombardia/node/*/service/intake",
		"dot in the name":      "spiffe://pari.test/region/lombardia/node/cremona/service/a.b",
		"name of 41 letters":   "spiffe://pari.test/region/lombardia/node/cremona/service/" + strings.Repeat("a", 41),
		"name without letters": "spiffe://pari.test/region/lombardia/node/cremona/service/1",
	} {
		if id, err := identity.ParseID(s); err == nil {
			t.Errorf("%s: %q was parsed as %+v", name, s, id)
		}
	}
}
