package feed

import (
	"fmt"
	"os"
	"strings"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/services/reporting/internal/store"
)

// Nodes lists the nodes whose keys are in the directory: files named "<region>.<node>.pem".
func Nodes(keysDir string) ([]store.Node, error) {
	files, err := os.ReadDir(keysDir)
	if err != nil {
		return nil, fmt.Errorf("keys of the nodes: %w", err)
	}
	var nodes []store.Node
	for _, f := range files {
		owner, pem := strings.CutSuffix(f.Name(), ".pem")
		region, node, both := strings.Cut(owner, ".")
		if pem && both && (bus.Partition{Region: region, Node: node, Source: "any"}).Check() == nil {
			nodes = append(nodes, store.Node{Region: region, Name: node})
		}
	}
	return nodes, nil
}
