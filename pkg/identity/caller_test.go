package identity_test

import (
	"context"
	"testing"

	"github.com/retepari/pari/pkg/identity"
	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
)

// Ensure an access token makes the caller a person, whatever program it comes through.
func TestCaller_Kind(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]accessv1.Kind{
		identity.KindService: accessv1.Kind_KIND_SERVICE,
		identity.KindSystem:  accessv1.Kind_KIND_SYSTEM,
		identity.KindOps:     accessv1.Kind_KIND_OPS,
		identity.KindLeaf:    accessv1.Kind_KIND_UNSPECIFIED,
	} {
		c := identity.Caller{ID: identity.ID{Kind: kind}}
		if got := c.Kind(); got != want {
			t.Errorf("%s is %v, want %v", kind, got, want)
		}
		c.Person = "anna"
		if got := c.Kind(); got != accessv1.Kind_KIND_PERSON {
			t.Errorf("%s with a token is %v", kind, got)
		}
	}
}

func TestCaller_SeesRegion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		regions []string
		want    bool
	}{
		{nil, false}, {[]string{"piemonte"}, false},
		{[]string{"piemonte", "lombardia"}, true}, {[]string{identity.AllRegions}, true},
	} {
		if got := (identity.Caller{Regions: c.regions}).SeesRegion("lombardia"); got != c.want {
			t.Errorf("%v: %t, want %t", c.regions, got, c.want)
		}
	}
}

func TestCaller_Has(t *testing.T) {
	t.Parallel()
	const operator, analyst = accessv1.Role_ROLE_OPERATOR, accessv1.Role_ROLE_ANALYST
	c := identity.Caller{Roles: []accessv1.Role{operator}}
	if !c.Has(analyst, operator) || c.Has(analyst) || c.Has() {
		t.Error("roles are not matched")
	}
}

func TestFrom(t *testing.T) {
	t.Parallel()
	if c, ok := identity.From(context.Background()); ok {
		t.Errorf("a context without a caller has %+v", c)
	}
	c, ok := identity.From(identity.With(context.Background(), identity.Caller{Person: "anna"}))
	if !ok || c.Person != "anna" {
		t.Errorf("got %+v, %t", c, ok)
	}
}
