package idp

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// IssuersFile returns the file of issuers for services that accept the provider's tokens; see identity.LoadIssuers. Each
// group of a user gives the grant that it is named after. CAFile is the authority of the provider's certificate.
func IssuersFile(issuer, caFile string, users []User) ([]byte, error) {
	var tenants []string
	groups := map[string]any{}
	for _, u := range users {
		for _, group := range u.Groups {
			i := strings.LastIndex(group, "/")
			tenants = append(tenants, group[:i])
			groups[group] = []any{map[string]string{"tenant": group[:i], "role": group[i+1:]}}
		}
	}
	slices.Sort(tenants)
	raw, err := yaml.Marshal(map[string]any{"issuers": []any{map[string]any{
		"name": "sign-in", "url": issuer, "ca_file": caFile, "audience": Audience,
		// The provider gives its access tokens no type of their own.
		"token_type": "JWT", "claims": map[string]string{UseClaim: UseAccess},
		"tenants": slices.Compact(tenants), "groups_claim": GroupsClaim, "groups": groups,
	}}})
	if err != nil {
		return nil, fmt.Errorf("file of issuers: %w", err)
	}
	return raw, nil
}
