package rpc

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/identity"
	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
)

// Ensure the caller is authenticated before anything about the request is said, inside recover, log and status.
func TestChain_Order(t *testing.T) {
	t.Parallel()
	var names []string
	for _, s := range (&chain{}).interceptors() {
		names = append(names, s.name)
	}
	want := []string{"path", "recover", "log", "status", "identity", "access", "deadline", "rate", "size", "validation"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

// Ensure each kind of caller passes exactly where the rule allows it.
func TestRule_Allow(t *testing.T) {
	t.Parallel()
	const (
		person, system, service, ops = accessv1.Kind_KIND_PERSON, accessv1.Kind_KIND_SYSTEM, accessv1.Kind_KIND_SERVICE, accessv1.Kind_KIND_OPS
		operator, analyst            = accessv1.Role_ROLE_OPERATOR, accessv1.Role_ROLE_ANALYST
	)
	id := func(node, kind, name string) identity.ID {
		return identity.ID{TrustDomain: "t", Region: "lombardia", Node: node, Kind: kind, Name: name}
	}
	desk := identity.Caller{ID: id("cremona", "system", "console"), Person: "anna", Roles: []accessv1.Role{operator}}
	console := identity.Caller{ID: id("cremona", "system", "console")}
	portal := identity.Caller{ID: id("cremona", "system", "portal"), Roles: []accessv1.Role{operator}}
	stranger := identity.Caller{ID: id("cuneo", "system", "console"), Person: "ugo", Roles: []accessv1.Role{operator}}
	intake := identity.Caller{ID: id("cremona", "service", "intake")}
	monitor := identity.Caller{ID: id("centre", "ops", "monitor")}
	reader := identity.Caller{ID: id("centre", "system", "console"), Person: "eva", Roles: []accessv1.Role{analyst}}
	node, region, public := accessv1.Scope_SCOPE_NODE, accessv1.Scope_SCOPE_REGION, accessv1.Scope_SCOPE_PUBLIC
	kinds := func(k ...accessv1.Kind) []accessv1.Kind { return k }
	for _, c := range []struct {
		name   string
		rule   *accessv1.Rule
		caller identity.Caller
		want   fault.Reason
	}{
		{"person with the role", &accessv1.Rule{Kinds: kinds(person), Roles: []accessv1.Role{operator}, Scope: node}, desk, ""},
		{"person with another role", &accessv1.Rule{Kinds: kinds(person), Roles: []accessv1.Role{analyst}, Scope: node}, desk, fault.NotAllowed},
		{"person of another node", &accessv1.Rule{Kinds: kinds(person), Roles: []accessv1.Role{operator}, Scope: node}, stranger, fault.WrongNode},
		{"console without a person", &accessv1.Rule{Kinds: kinds(person), Roles: []accessv1.Role{operator}, Scope: node}, console, fault.NoToken},
		{"system with the role", &accessv1.Rule{Kinds: kinds(system), Roles: []accessv1.Role{operator}, Scope: node}, portal, ""},
		{"system without a grant", &accessv1.Rule{Kinds: kinds(system), Roles: []accessv1.Role{operator}, Scope: node}, console, fault.NotAllowed},
		{"person where systems may", &accessv1.Rule{Kinds: kinds(system), Roles: []accessv1.Role{operator}, Scope: node}, desk, fault.NotAllowed},
		{"named service", &accessv1.Rule{Kinds: kinds(service), Services: []string{"intake"}, Scope: node}, intake, ""},
		{"service not named", &accessv1.Rule{Kinds: kinds(service), Services: []string{"reporting"}, Scope: node}, intake, fault.NotAllowed},
		{"service where people may", &accessv1.Rule{Kinds: kinds(person), Roles: []accessv1.Role{operator}, Scope: node}, intake, fault.NotAllowed},
		{"region for the centre", &accessv1.Rule{Kinds: kinds(person), Roles: []accessv1.Role{analyst}, Scope: region}, reader, ""},
		{"region for a node", &accessv1.Rule{Kinds: kinds(person), Roles: []accessv1.Role{operator}, Scope: region}, desk, fault.NotAllowed},
		{"ops", &accessv1.Rule{Kinds: kinds(ops), Scope: region}, monitor, ""},
		{"ops where people may", &accessv1.Rule{Kinds: kinds(person), Roles: []accessv1.Role{operator}, Scope: node}, monitor, fault.NotAllowed},
		{"public", &accessv1.Rule{Kinds: kinds(system, person), Scope: public}, stranger, ""},
		{"no scope", &accessv1.Rule{Kinds: kinds(person)}, desk, fault.NotAllowed},
		{"no rule", nil, desk, fault.NotAllowed},
	} {
		if got := fault.ReasonOf(rule{Rule: c.rule}.allow(c.caller, []string{"cremona"})); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// Ensure a rule that leaves something undefined is refused.
func TestValidateRule(t *testing.T) {
	t.Parallel()
	public := accessv1.Scope_SCOPE_PUBLIC
	for name, r := range map[string]*accessv1.Rule{
		"empty":            {},
		"no scope":         {Kinds: []accessv1.Kind{accessv1.Kind_KIND_PERSON}},
		"unspecified kind": {Kinds: []accessv1.Kind{accessv1.Kind_KIND_UNSPECIFIED}, Scope: public},
		"unspecified role": {Kinds: []accessv1.Kind{accessv1.Kind_KIND_PERSON}, Roles: []accessv1.Role{accessv1.Role_ROLE_UNSPECIFIED}, Scope: public},
		"services unnamed": {Kinds: []accessv1.Kind{accessv1.Kind_KIND_SERVICE}, Scope: public},
		"services for no one": {Kinds: []accessv1.Kind{accessv1.Kind_KIND_PERSON}, Services: []string{"intake"}, Scope: public,
			Roles: []accessv1.Role{accessv1.Role_ROLE_OPERATOR}},
		"people without a role": {Kinds: []accessv1.Kind{accessv1.Kind_KIND_PERSON}, Scope: accessv1.Scope_SCOPE_NODE},
	} {
		if validateRule(r) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
