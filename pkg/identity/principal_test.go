package identity_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/retepari/pari/dev/testkit/rpctest"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
)

const (
	operator = accessv1.Role_ROLE_OPERATOR
	analyst  = accessv1.Role_ROLE_ANALYST
	editor   = accessv1.Role_ROLE_EDITOR
)

var now = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func at(t *testing.T, s string) tenant.ID {
	t.Helper()
	id, err := tenant.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// console is a program of a tenant, through which people call.
func console(of tenant.ID) identity.ID { return rpctest.ID(of.Region, of.Node, "system", "console") }

// Ensure an access token makes the caller a person, whatever program it comes through.
func TestPrincipal_Kind(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]accessv1.Kind{
		identity.KindService: accessv1.Kind_KIND_SERVICE,
		identity.KindSystem:  accessv1.Kind_KIND_SYSTEM,
		identity.KindOps:     accessv1.Kind_KIND_OPS,
		identity.KindLeaf:    accessv1.Kind_KIND_UNSPECIFIED,
	} {
		p := identity.Principal{Program: identity.ID{Kind: kind}}
		if got := p.Kind(); got != want {
			t.Errorf("%s is %v, want %v", kind, got, want)
		}
		p.Person = "anna@test"
		if got := p.Kind(); got != accessv1.Kind_KIND_PERSON {
			t.Errorf("%s with a token is %v", kind, got)
		}
	}
}

// Ensure a grant counts at its own tenant and time, through a program of that tenant.
func TestNewPrincipal(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		grant   identity.Grant
		program string
		ok, has bool
	}{
		"own tenant":           {identity.Grant{Tenant: at(t, "lombardia/cremona")}, "lombardia/cremona", true, true},
		"another node":         {identity.Grant{Tenant: at(t, "lombardia/cremona")}, "lombardia/milano", false, false},
		"a homonym":            {identity.Grant{Tenant: at(t, "lombardia/livo")}, "trentino/livo", false, false},
		"centre of one region": {identity.Grant{Tenant: at(t, "lombardia/centre")}, "all/centre", true, true},
		"another centre":       {identity.Grant{Tenant: at(t, "lombardia/centre")}, "piemonte/centre", false, false},
		"all at one's centre":  {identity.Grant{Tenant: tenant.Centre}, "lombardia/centre", false, false},
		"node through centre":  {identity.Grant{Tenant: at(t, "lombardia/cremona")}, "all/centre", false, false},
		"centre through node":  {identity.Grant{Tenant: at(t, "lombardia/centre")}, "lombardia/cremona", false, false},
		"from now":             {identity.Grant{Tenant: tenant.Centre, From: now}, "all/centre", true, true},
		"from later":           {identity.Grant{Tenant: tenant.Centre, From: now.Add(1)}, "all/centre", true, false},
		"until now":            {identity.Grant{Tenant: tenant.Centre, Until: now}, "all/centre", true, false},
		"until later":          {identity.Grant{Tenant: tenant.Centre, Until: now.Add(1)}, "all/centre", true, true},
	} {
		c.grant.Role = operator
		p, ok := identity.NewPrincipal(console(at(t, c.program)), "anna@test", []identity.Grant{c.grant}, now)
		if ok != c.ok || p.HasGrant() != c.has {
			t.Errorf("%s: ok %t, has a grant %t", name, ok, p.HasGrant())
		}
	}
	if p, ok := identity.NewPrincipal(console(tenant.Centre), "", nil, now); !ok || p.HasGrant() {
		t.Errorf("without grants: %t", ok)
	}
}

// decisions are questions to a principal, by name.
func decisions(t *testing.T) map[string]func(identity.Principal) bool {
	roles := []accessv1.Role{operator, analyst, editor}
	all := map[string]func(identity.Principal) bool{}
	for i, role := range roles {
		for _, asked := range [][]accessv1.Role{{role}, {role, roles[(i+1)%3]}} {
			name := role.String()
			if len(asked) > 1 {
				name += " or the next"
			}
			all[name+" here"] = func(p identity.Principal) bool { return p.Has(asked...) }
			for _, region := range []string{"lombardia", "piemonte", tenant.AllRegions} {
				all[name+" over "+region] = func(p identity.Principal) bool { return p.HasOverRegion(region, asked...) }
			}
			for _, office := range []string{"punto-a", "punto-b"} {
				all[name+" at "+office] = func(p identity.Principal) bool { return p.HasAtOffice(office, asked...) }
			}
			all[name+" filtered"] = func(p identity.Principal) bool {
				return p.Filter(func(g identity.Grant) bool { return slices.Contains(asked, g.Role) }).Has(editor)
			}
		}
	}
	return all
}

// Ensure two grants together give what one of them gives, and nothing more: every pair of grants, every question, every
// program.
func TestPrincipal_GrantsDoNotAddUp(t *testing.T) {
	t.Parallel()
	var grants []identity.Grant
	for _, role := range []accessv1.Role{operator, analyst, editor} {
		for _, where := range []string{"lombardia/cremona", "piemonte/cremona", "lombardia/centre", "all/centre"} {
			for _, office := range []string{"", "punto-a", "punto-b"} {
				for _, until := range []time.Time{{}, now} {
					grants = append(grants, identity.Grant{
						Role: role, Tenant: at(t, where), Office: office, Until: until,
					})
				}
			}
		}
	}
	all, yes := decisions(t), 0
	for _, through := range []string{"lombardia/cremona", "lombardia/centre", "all/centre"} {
		principal := func(grants ...identity.Grant) identity.Principal {
			p, _ := identity.NewPrincipal(console(at(t, through)), "anna@test", grants, now)
			return p
		}
		for _, first := range grants {
			for _, second := range grants {
				for name, decide := range all {
					both := decide(principal(first, second))
					if both != (decide(principal(first)) || decide(principal(second))) {
						t.Fatalf("%s through %s: %+v and %+v give %t together", name, through, first, second, both)
					}
					if both {
						yes++
					}
				}
			}
		}
	}
	if yes == 0 {
		t.Error("every decision was no")
	}
}

// Ensure each question is about one place: a grant elsewhere is no answer.
func TestPrincipal_Places(t *testing.T) {
	t.Parallel()
	principal := func(through string, grant identity.Grant) identity.Principal {
		grant.Role = editor
		p, _ := identity.NewPrincipal(console(at(t, through)), "", []identity.Grant{grant}, now)
		return p
	}
	node := principal("lombardia/cremona", identity.Grant{Tenant: at(t, "lombardia/cremona")})
	if !node.Has() || !node.Has(editor) || node.Has(analyst) || !node.HasAtOffice("punto-a") || node.HasAtOffice("") ||
		node.HasOverRegion("lombardia") {
		t.Error("a grant of a node")
	}
	office := principal("lombardia/cremona", identity.Grant{Tenant: at(t, "lombardia/cremona"), Office: "punto-a"})
	if office.Has() || !office.HasAtOffice("punto-a") || office.HasAtOffice("punto-b") {
		t.Error("a grant of an office")
	}
	region := principal("all/centre", identity.Grant{Tenant: at(t, "lombardia/centre")})
	if region.Has() || !region.HasOverRegion("lombardia") || region.HasOverRegion("piemonte") ||
		region.HasOverRegion(tenant.AllRegions) || region.HasOverRegion("") {
		t.Error("a grant over a region")
	}
	everywhere := principal("all/centre", identity.Grant{Tenant: tenant.Centre})
	if !everywhere.Has() || !everywhere.HasOverRegion("lombardia") || !everywhere.HasOverRegion(tenant.AllRegions) {
		t.Error("a grant over every region")
	}
	if everywhere.Filter(func(identity.Grant) bool { return false }).HasGrant() || !everywhere.HasGrant() {
		t.Error("filtered")
	}
}

func TestFrom(t *testing.T) {
	t.Parallel()
	if p, ok := identity.From(context.Background()); ok {
		t.Errorf("a context without a principal has %+v", p)
	}
	p, ok := identity.From(identity.With(context.Background(), identity.Principal{Person: "anna@test"}))
	if !ok || p.Person != "anna@test" {
		t.Errorf("got %+v, %t", p, ok)
	}
}
