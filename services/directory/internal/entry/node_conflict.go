package entry

import (
	"fmt"
	"slices"

	"github.com/retepari/pari/pkg/fault"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/reason"
)

// nodeConflicts tells what nodes say that contradicts other nodes: who stands in for whom, and who supervises whom, must come to an
// end, and at no day do two active nodes serve the same territory.
func nodeConflicts(all []*directoryv1.Entry) map[Ref][]fault.Field {
	nodes := map[string]*directoryv1.Node{}
	var order []string
	for _, e := range all {
		if n := e.GetNode(); n.GetNodeId() != "" {
			nodes[n.GetNodeId()] = n
			order = append(order, n.GetNodeId())
		}
	}
	slices.Sort(order)
	wrong := map[Ref][]fault.Field{}
	add := func(node, path string, reason fault.Reason) {
		ref := NewRef("node", node)
		wrong[ref] = append(wrong[ref], fault.Field{Path: path, Reason: reason})
	}
	inFallback, inSupervision := nodesInCycle(nodes, (*directoryv1.Node).GetFallbackNode), nodesInCycle(nodes, (*directoryv1.Node).GetSupervisedBy)
	serving := activeTerritories(nodes, order)
	for _, id := range order {
		if inFallback[id] {
			add(id, "fallback_node", reason.Cycle)
		}
		if inSupervision[id] {
			add(id, "supervised_by", reason.Cycle)
		}
		if !isActive(nodes[id]) {
			continue
		}
		for i, mine := range nodes[id].GetTerritories() {
			if slices.ContainsFunc(serving[servedArea{nodes[id].GetLevel(), mine.GetTerritory()}], func(other nodeTerritory) bool {
				return other.node != id && overlaps(mine.GetFrom(), mine.GetTo(), other.GetFrom(), other.GetTo())
			}) {
				add(id, fmt.Sprintf("territories[%d].territory", i), reason.TwoActiveNodes)
			}
		}
	}
	return wrong
}

// nodesInCycle are the nodes from which following next comes back to them. Each node is followed once.
func nodesInCycle(nodes map[string]*directoryv1.Node, next func(*directoryv1.Node) string) map[string]bool {
	found := map[string]bool{}
	walked := map[string]string{} // by which node's walk
	for from := range nodes {
		at := from
		for nodes[at] != nil && walked[at] == "" {
			walked[at] = from
			at = next(nodes[at])
		}
		if nodes[at] == nil || walked[at] != from { // it ends, or in what an earlier walk has seen
			continue
		}
		for !found[at] {
			found[at] = true
			at = next(nodes[at])
		}
	}
	return found
}

// servedArea is a territory at a level, and served who serves it and when.
type servedArea struct {
	level     directoryv1.NodeLevel
	territory string
}

type nodeTerritory struct {
	*directoryv1.ServedTerritory

	node string
}

// activeTerritories are the active nodes of each territory: only these can contend for it.
func activeTerritories(nodes map[string]*directoryv1.Node, order []string) map[servedArea][]nodeTerritory {
	all := map[servedArea][]nodeTerritory{}
	for _, id := range order {
		if !isActive(nodes[id]) {
			continue
		}
		for _, t := range nodes[id].GetTerritories() {
			at := servedArea{nodes[id].GetLevel(), t.GetTerritory()}
			all[at] = append(all[at], nodeTerritory{t, id})
		}
	}
	return all
}

// isActive tells whether the last stage of a node is that it works.
func isActive(n *directoryv1.Node) bool {
	stages := n.GetStages()
	return len(stages) > 0 && stages[len(stages)-1].GetState() == "ACTIVE"
}
