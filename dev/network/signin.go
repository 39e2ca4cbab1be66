package network

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/retepari/pari/dev/idp"
	"github.com/retepari/pari/pkg/tenant"
)

// users returns the users of the development provider.
func (p *Plan) users() []idp.User {
	nodes := map[string]tenant.ID{}
	for _, n := range p.Nodes {
		nodes[n.Name] = n.Tenant
	}
	return idp.Users(nodes)
}

// createSignIn writes the file of issuers: the development provider, whose groups are named after the grants that they
// give. It denies no certificate yet.
func (p *Plan) createSignIn() error {
	tenants := []string{tenant.Centre.String()}
	for _, n := range p.Nodes {
		tenants = append(tenants, n.Tenant.String())
	}
	groups := map[string]any{}
	for _, u := range p.users() {
		for _, group := range u.Groups {
			i := strings.LastIndex(group, "/")
			groups[group] = []any{map[string]string{"tenant": group[:i], "role": group[i+1:]}}
		}
	}
	slices.Sort(tenants)
	raw, err := yaml.Marshal(map[string]any{"issuers": []any{map[string]any{
		"name": "sign-in", "url": p.Issuer(), "ca_file": p.Authority.CAPath(), "audience": idp.Audience,
		"token_type": "JWT", "claims": map[string]string{idp.UseClaim: idp.UseAccess},
		"tenants": slices.Compact(tenants), "groups_claim": idp.GroupsClaim, "groups": groups,
	}}})
	if err != nil {
		return fmt.Errorf("network: %w", err)
	}
	for name, text := range map[string][]byte{"issuers.yaml": raw, "denied.yaml": []byte("identities: []\nserials: []\n")} {
		if err := os.WriteFile(p.path(name), text, 0o600); err != nil {
			return fmt.Errorf("network: %w", err)
		}
	}
	return nil
}
