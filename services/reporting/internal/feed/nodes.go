package feed

import (
	"fmt"
	"os"
	"strings"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/services/reporting/internal/store"
)

// ListNodes lists the nodes that have a public key in the directory, as files named "<region>.<node>.pem".
func ListNodes(keysDir string) ([]store.Node, error) {
	files, err := os.ReadDir(keysDir)
	if err != nil {
		return nil, fmt.Errorf("public keys: %w", err)
	}
	var nodes []store.Node
	for _, f := range files {
		owner, isPEM := strings.CutSuffix(f.Name(), ".pem")
		region, node, ok := strings.Cut(owner, ".")
		if isPEM && ok && (bus.Partition{Region: region, Node: node, Source: "any"}).Check() == nil {
			nodes = append(nodes, store.Node{Region: region, Name: node})
		}
	}
	return nodes, nil
}
