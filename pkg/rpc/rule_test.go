package rpc

import (
	"testing"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/identity"
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

// Ensure each kind of caller is allowed exactly what the rule names.
func TestRule_Allow(t *testing.T) {
	t.Parallel()
	id := func(node, kind, name string) identity.ID {
		return identity.ID{TrustDomain: "t", Region: "lombardia", Node: node, Kind: kind, Name: name}
	}
	var (
		console  = id("cremona", "system", "console")
		desk     = identity.Caller{ID: console, Person: "anna", Roles: roles(operator)}
		alone    = identity.Caller{ID: console}
		portal   = identity.Caller{ID: id("cremona", "system", "portal"), Roles: roles(operator)}
		stranger = identity.Caller{ID: id("cuneo", "system", "console"), Person: "ugo", Roles: roles(operator)}
		intake   = identity.Caller{ID: id("cremona", "service", "intake")}
		monitor  = identity.Caller{ID: id("centre", "ops", "monitor")}
		reader   = identity.Caller{ID: id("centre", "system", "console"), Person: "eva", Roles: roles(analyst)}
		leaf     = identity.Caller{ID: id("cremona", "leaf", "nats")}

		people  = &accessv1.Rule{Kinds: kinds(person), Roles: roles(operator), Scope: node}
		systems = &accessv1.Rule{Kinds: kinds(system), Roles: roles(operator), Scope: node}
	)
	for _, c := range []struct {
		name   string
		rule   *accessv1.Rule
		caller identity.Caller
		want   fault.Reason
	}{
		{"person with the role", people, desk, ""},
		{
			"person with another role",
			&accessv1.Rule{Kinds: kinds(person), Roles: roles(analyst), Scope: node}, desk, fault.NotAllowed,
		},
		{"person of another node", people, stranger, fault.WrongNode},
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
		if got := reasonOf(rule{Rule: c.rule}.allow(c.caller, []string{"cremona"})); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if err := (rule{infrastructure: true}).allow(monitor, nil); err != nil {
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
		"systems without roles": {Kinds: kinds(system), Scope: region},
	} {
		if validateRule(r) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for name, r := range map[string]*accessv1.Rule{
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
