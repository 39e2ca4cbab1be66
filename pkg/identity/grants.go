package identity

import (
	"fmt"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"

	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
)

// Grants are the roles of systems, by the identity in their certificate. A system that is not listed has no role of its
// own; people may still call through it.
type Grants map[string][]accessv1.Role

// LoadGrants reads a YAML file that maps identities to lists of roles:
//
//	spiffe://pari.example/region/lombardia/node/cremona/system/protocollo: [submitter]
//
// An empty path grants nothing. An unknown role or identity is an error, so that a misspelt grant is noticed.
func LoadGrants(path string) (Grants, error) {
	if path == "" {
		return Grants{}, nil
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("grants: %w", err)
	}
	var lines map[string][]string
	if err := yaml.Unmarshal(raw, &lines); err != nil {
		return nil, fmt.Errorf("grants: %w", err)
	}
	grants := Grants{}
	for name, roles := range lines {
		id, err := ParseID(name)
		if err != nil || id.Kind != KindSystem {
			return nil, fmt.Errorf("grants: %q is not the identity of a system", name)
		}
		for _, r := range roles {
			role, ok := ParseRole(r)
			if !ok {
				return nil, fmt.Errorf("grants: %q is not a role", r)
			}
			grants[id.String()] = append(grants[id.String()], role)
		}
	}
	return grants, nil
}

// ParseRole parses the short name of a role, for instance case_worker.
func ParseRole(s string) (accessv1.Role, bool) {
	n, ok := accessv1.Role_value["ROLE_"+strings.ToUpper(s)]
	return accessv1.Role(n), ok && n != 0
}
