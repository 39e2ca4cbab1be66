package entry

import (
	"fmt"
	"slices"

	"github.com/retepari/pari/pkg/fault"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// between tells what nodes say that contradicts other nodes: who stands in for whom, and who supervises whom, must come to an
// end, and at no day do two active nodes serve the same territory.
func between(all []*directoryv1.Entry) map[Ref][]fault.Field {
	nodes := map[string]*directoryv1.Node{}
	var order []string
	for _, e := range all {
		if n := e.GetNode(); n != nil {
			nodes[n.GetNodeId()] = n
			order = append(order, n.GetNodeId())
		}
	}
	slices.Sort(order)
	wrong := map[Ref][]fault.Field{}
	add := func(node, path string, reason fault.Reason) {
		ref := MakeRef("node", node)
		wrong[ref] = append(wrong[ref], fault.Field{Path: path, Reason: reason})
	}
	for _, id := range order {
		if circles(id, nodes, (*directoryv1.Node).GetFallbackNode) {
			add(id, "fallback_node", fault.Cycle)
		}
		if circles(id, nodes, (*directoryv1.Node).GetSupervisedBy) {
			add(id, "supervised_by", fault.Cycle)
		}
		for i, mine := range nodes[id].GetTerritories() {
			for _, other := range order {
				if other != id && contends(nodes[id], mine, nodes[other]) {
					add(id, fmt.Sprintf("territories[%d].territory", i), fault.TwoActiveNodes)
				}
			}
		}
	}
	return wrong
}

// circles tells whether following next from a node comes back to it.
func circles(from string, nodes map[string]*directoryv1.Node, next func(*directoryv1.Node) string) bool {
	at := from
	for range nodes {
		if at = next(nodes[at]); at == "" || nodes[at] == nil {
			return false
		}
		if at == from {
			return true
		}
	}
	return false // it ends in a circle of others, which are told themselves
}

// contends tells whether another node of the same level, active as the first one is, serves the territory at the same time.
func contends(n *directoryv1.Node, mine *directoryv1.ServedTerritory, other *directoryv1.Node) bool {
	if n.GetLevel() != other.GetLevel() || !active(n) || !active(other) {
		return false
	}
	return slices.ContainsFunc(other.GetTerritories(), func(t *directoryv1.ServedTerritory) bool {
		return t.GetTerritory() == mine.GetTerritory() && overlap(mine.GetFrom(), mine.GetTo(), t.GetFrom(), t.GetTo())
	})
}

// active tells whether the last stage of a node is that it works.
func active(n *directoryv1.Node) bool {
	stages := n.GetStages()
	return len(stages) > 0 && stages[len(stages)-1].GetState() == "ACTIVE"
}
