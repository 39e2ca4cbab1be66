package network

import (
	"fmt"
	"os"

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

// createSignIn writes the file of issuers, and a deny list that denies nothing.
func (p *Plan) createSignIn() error {
	issuers, err := idp.IssuersFile(p.Issuer(), p.Authority.CAPath(), p.users())
	if err != nil {
		return err
	}
	for name, text := range map[string][]byte{"issuers.yaml": issuers, "denied.yaml": []byte("identities: []\nserials: []\n")} {
		if err := os.WriteFile(p.path(name), text, 0o600); err != nil {
			return fmt.Errorf("network: %w", err)
		}
	}
	return nil
}
