package network

import (
	"fmt"
	"os"

	"github.com/retepari/pari/dev/idp"
	"github.com/retepari/pari/pkg/tenant"
)

// SignIn is the network's OpenID provider, which speaks for all tenants.
func (p *Plan) SignIn() idp.Issuer {
	nodes, tenants := map[string]tenant.ID{}, []tenant.ID{tenant.Centre}
	for _, n := range p.Nodes {
		nodes[n.Name] = n.Tenant
		tenants = append(tenants, n.Tenant)
	}
	return idp.Issuer{
		Name: "sign-in", URL: p.Issuer(), CAFile: p.Authority.CAPath(), Tenants: tenants, Users: idp.Users(nodes),
	}
}

// createSignIn writes the file of issuers, and a deny list that denies nothing.
func (p *Plan) createSignIn() error {
	issuers, err := idp.IssuersFile(p.SignIn())
	if err != nil {
		return err
	}
	files := map[string][]byte{"issuers.yaml": issuers, "denied.yaml": []byte("identities: []\nserials: []\n")}
	for name, text := range files {
		if err := os.WriteFile(p.path(name), text, 0o600); err != nil {
			return fmt.Errorf("network: %w", err)
		}
	}
	return nil
}
