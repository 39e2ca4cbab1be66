package rpc

import (
	"testing"
	"time"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
)

const (
	person  = accessv1.Kind_KIND_PERSON
	system  = accessv1.Kind_KIND_SYSTEM
	service = accessv1.Kind_KIND_SERVICE
	ops     = accessv1.Kind_KIND_OPS

	operator = accessv1.Role_ROLE_OPERATOR
	analyst  = accessv1.Role_ROLE_ANALYST

	node   = accessv1.Scope_SCOPE_NODE
	region = accessv1.Scope_SCOPE_REGION
	public = accessv1.Scope_SCOPE_PUBLIC
)

func kinds(k ...accessv1.Kind) []accessv1.Kind { return k }

func roles(r ...accessv1.Role) []accessv1.Role { return r }

func principal(at tenant.ID, kind, name, person string, grants ...identity.Grant) identity.Principal {
	p, _ := identity.NewPrincipal(identity.ID{TrustDomain: "t", Tenant: at, Kind: kind, Name: name}, person, grants,
		time.Now())
	return p
}

func grant(role accessv1.Role, at tenant.ID) identity.Grant {
	return identity.Grant{Role: role, Tenant: at}
}

// Ensure a rule gives for two grants what it gives for one of them, and leaves a method nothing else to ask: every pair
// of grants, every rule.
func TestRule_GrantsDoNotAddUp(t *testing.T) {
	t.Parallel()
	cremona := tenant.ID{Region: "lombardia", Node: "cremona"}
	lombardy := tenant.ID{Region: "lombardia", Node: tenant.CentreNode}
	var grants []identity.Grant
	for number := range accessv1.Role_name {
		for _, at := range []tenant.ID{cremona, {Region: "piemonte", Node: "cremona"}, lombardy, tenant.Centre} {
			grants = append(grants, grant(accessv1.Role(number), at),
				identity.Grant{Role: accessv1.Role(number), Tenant: at, Office: "a"})
		}
	}
	asked := []func(identity.Principal) bool{
		func(p identity.Principal) bool { return p.Has() },
		func(p identity.Principal) bool { return p.Has(analyst) },
		func(p identity.Principal) bool { return p.HasOverRegion("lombardia") },
		func(p identity.Principal) bool { return p.HasOverRegion("piemonte", operator) },
		func(p identity.Principal) bool { return p.HasOverRegion(tenant.AllRegions) },
		func(p identity.Principal) bool { return p.HasAtOffice("a") },
	}
	outcomes := map[string]int{}
	for _, at := range []tenant.ID{cremona, tenant.Centre} {
		for _, scope := range []accessv1.Scope{node, region, public} {
			for number := range accessv1.Role_name {
				r := rule{Rule: &accessv1.Rule{
					Kinds: kinds(person), Roles: roles(accessv1.Role(number), analyst), Scope: scope,
				}}
				apply := func(grants ...identity.Grant) (identity.Principal, bool) {
					p, err := r.apply(principal(at, "system", "console", "anna", grants...), []tenant.ID{cremona})
					return p, err == nil
				}
				for i, first := range grants {
					one, oneOK := apply(first)
					for _, second := range grants[i:] {
						other, otherOK := apply(second)
						both, bothOK := apply(first, second)
						if bothOK != (oneOK || otherOK) {
							t.Fatalf("%v for %+v and %+v: allowed %t", r, first, second, bothOK)
						}
						if !bothOK {
							outcomes["refused"]++
							continue
						}
						outcomes["allowed"]++
						for q, ask := range asked {
							if ask(both) != (oneOK && ask(one) || otherOK && ask(other)) {
								t.Fatalf("%v for %+v and %+v: question %d is %t", r, first, second, q, ask(both))
							}
						}
					}
				}
			}
		}
	}
	if outcomes["refused"] == 0 || outcomes["allowed"] == 0 {
		t.Errorf("outcomes are %v", outcomes)
	}
}

// Ensure each kind of caller is allowed exactly what the rule names.
func TestRule_Allow(t *testing.T) {
	t.Parallel()
	var (
		cremona  = tenant.ID{Region: "lombardia", Node: "cremona"}
		homonym  = tenant.ID{Region: "piemonte", Node: "cremona"}
		cuneo    = tenant.ID{Region: "piemonte", Node: "cuneo"}
		lombardy = tenant.ID{Region: "lombardia", Node: tenant.CentreNode}

		desk   = principal(cremona, "system", "console", "anna", grant(operator, cremona))
		office = principal(
			cremona,
			"system",
			"console",
			"ida",
			identity.Grant{Role: operator, Tenant: cremona, Office: "a"},
		)
		alone    = principal(cremona, "system", "console", "")
		portal   = principal(cremona, "system", "portal", "", grant(operator, cremona))
		stranger = principal(cuneo, "system", "console", "ugo", grant(operator, cuneo))
		namesake = principal(homonym, "system", "console", "leo", grant(operator, homonym))
		intake   = principal(cremona, "service", "intake", "")
		monitor  = principal(tenant.Centre, "ops", "monitor", "")
		reader   = principal(tenant.Centre, "system", "console", "eva", grant(analyst, lombardy))
		leaf     = principal(cremona, "leaf", "nats", "")

		people  = &accessv1.Rule{Kinds: kinds(person), Roles: roles(operator), Scope: node}
		systems = &accessv1.Rule{Kinds: kinds(system), Roles: roles(operator), Scope: node}
	)
	for _, c := range []struct {
		name   string
		rule   *accessv1.Rule
		caller identity.Principal
		want   fault.Reason
	}{
		{"person with the role", people, desk, ""},
		{
			"person with another role",
			&accessv1.Rule{Kinds: kinds(person), Roles: roles(analyst), Scope: node}, desk, fault.NotAllowed,
		},
		{"person with the role at one office", people, office, fault.NotAllowed},
		{"person of another node", people, stranger, fault.WrongNode},
		{"person of a node of the same name", people, namesake, fault.WrongNode},
		{"console without a person", people, alone, fault.NoToken},
		{"service where people may call", people, intake, fault.NotAllowed},
		{"ops where people may call", people, monitor, fault.NotAllowed},
		{"system with the role", systems, portal, ""},
		{"system without the role", systems, alone, fault.NotAllowed},
		{"person where systems may call", systems, desk, fault.NotAllowed},
		{
			"named service",
			&accessv1.Rule{Kinds: kinds(service), Services: []string{"intake"}, Scope: node}, intake, "",
		},
		{
			"another service",
			&accessv1.Rule{Kinds: kinds(service), Services: []string{"reporting"}, Scope: node}, intake,
			fault.NotAllowed,
		},
		{
			"system where services may call",
			&accessv1.Rule{Kinds: kinds(service), Services: []string{"intake"}, Scope: node}, portal, fault.NotAllowed,
		},
		{
			"centre, scope region",
			&accessv1.Rule{Kinds: kinds(person), Roles: roles(analyst), Scope: region}, reader, "",
		},
		{
			"node, scope region",
			&accessv1.Rule{Kinds: kinds(person), Roles: roles(operator), Scope: region}, desk, fault.NotAllowed,
		},
		{"ops", &accessv1.Rule{Kinds: kinds(ops), Scope: region}, monitor, ""},
		{"public, any node", &accessv1.Rule{Kinds: kinds(system, person), Scope: public}, stranger, ""},
		{"public, no role", &accessv1.Rule{Kinds: kinds(system), Scope: public}, alone, ""},
		{
			"public with a role",
			&accessv1.Rule{Kinds: kinds(person), Roles: roles(analyst), Scope: public}, desk, fault.NotAllowed,
		},
		{
			"a kind without a meaning",
			&accessv1.Rule{Kinds: kinds(accessv1.Kind_KIND_UNSPECIFIED), Scope: public}, leaf, fault.NotAllowed,
		},
		{"no scope", &accessv1.Rule{Kinds: kinds(person)}, desk, fault.NotAllowed},
		{"no rule", nil, desk, fault.NotAllowed},
	} {
		_, err := rule{Rule: c.rule}.apply(c.caller, []tenant.ID{cremona})
		if got := reasonOf(err); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if _, err := (rule{infrastructure: true}).apply(monitor, nil); err != nil {
		t.Errorf("infrastructure: %v", err)
	}
}

// Ensure a rule that leaves something undefined is refused, and the complete one is not.
func TestValidateRule(t *testing.T) {
	t.Parallel()
	const none = accessv1.Role_ROLE_UNSPECIFIED
	for name, r := range map[string]*accessv1.Rule{
		"empty":                 {},
		"no scope":              {Kinds: kinds(person), Roles: roles(operator)},
		"unspecified kind":      {Kinds: kinds(person, accessv1.Kind_KIND_UNSPECIFIED), Scope: public},
		"unspecified role":      {Kinds: kinds(person), Roles: roles(operator, none), Scope: public},
		"services not named":    {Kinds: kinds(service), Scope: public},
		"only named services":   {Kinds: kinds(ops), Services: []string{"intake"}, Scope: public},
		"people without roles":  {Kinds: kinds(ops, person), Scope: node},
		"negative size":         {Kinds: kinds(person, system), Scope: public, MaxRequestBytes: -1},
		"negative time":         {Kinds: kinds(person, system), Scope: public, DeadlineSeconds: -1},
		"too long":              {Kinds: kinds(person, system), Scope: public, DeadlineSeconds: 61},
		"systems without roles": {Kinds: kinds(system), Scope: region},
	} {
		if validateRule(r) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for name, r := range map[string]*accessv1.Rule{
		"a minute": {Kinds: kinds(person, system), Scope: public, DeadlineSeconds: 60},
		"public":   {Kinds: kinds(person, system), Scope: public},
		"people":   {Kinds: kinds(person), Roles: roles(operator), Scope: node},
		"services": {Kinds: kinds(service), Services: []string{"intake"}, Scope: node},
		"ops":      {Kinds: kinds(ops), Scope: region},
	} {
		if err := validateRule(r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
