package idp

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/retepari/pari/pkg/tenant"
)

// Issuer is a provider as services see it.
type Issuer struct {
	Name, URL string
	// CAFile is the authority of the provider's certificate.
	CAFile string
	// Tenants are those that it speaks for. Groups of other tenants give nothing.
	Tenants []tenant.ID
	Users   []User
}

// IssuersFile returns the file of issuers for services that accept the tokens of the providers; see
// identity.LoadIssuers. Each group of a user gives the grant that it is named after.
func IssuersFile(issuers ...Issuer) ([]byte, error) {
	var all []any
	for _, i := range issuers {
		groups := map[string]any{}
		for _, u := range i.Users {
			for _, group := range u.Groups {
				end := strings.LastIndex(group, "/")
				at, err := tenant.Parse(group[:end])
				if err != nil {
					return nil, fmt.Errorf("group %s: %w", group, err)
				}
				if slices.Contains(i.Tenants, at) || slices.Contains(i.Tenants, tenant.Centre) && at.IsCentre() {
					groups[group] = []any{map[string]string{"tenant": at.String(), "role": group[end+1:]}}
				}
			}
		}
		tenants := []string{}
		for _, t := range i.Tenants {
			tenants = append(tenants, t.String())
		}
		all = append(all, map[string]any{
			"name": i.Name, "url": i.URL, "ca_file": i.CAFile, "audience": Audience, "tenants": tenants,
			// The provider gives its access tokens no type of their own.
			"token_type": "JWT", "claims": map[string]string{UseClaim: UseAccess},
			"groups_claim": GroupsClaim, "groups": groups,
		})
	}
	raw, err := yaml.Marshal(map[string]any{"issuers": all})
	if err != nil {
		return nil, fmt.Errorf("file of issuers: %w", err)
	}
	return raw, nil
}
