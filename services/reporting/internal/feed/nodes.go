package feed

import (
	"fmt"
	"os"
	"strings"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/tenant"
)

// ListNodes lists the nodes that have a public key in the directory, as files named "<region>.<node>.pem".
func ListNodes(keysDir string) ([]tenant.ID, error) {
	files, err := os.ReadDir(keysDir)
	if err != nil {
		return nil, fmt.Errorf("public keys: %w", err)
	}
	var nodes []tenant.ID
	for _, f := range files {
		owner, isPEM := strings.CutSuffix(f.Name(), ".pem")
		region, node, ok := strings.Cut(owner, ".")
		if isPEM && ok && (bus.Partition{Tenant: tenant.ID{Region: region, Node: node}, Source: "any"}).Check() == nil {
			nodes = append(nodes, tenant.ID{Region: region, Node: node})
		}
	}
	return nodes, nil
}
