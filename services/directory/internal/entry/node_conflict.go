package entry

import (
	"fmt"
	"slices"

	"github.com/retepari/pari/pkg/fault"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/reason"
)

// nodeConflicts returns the problems between nodes. Neither the chain of fallback nodes nor that of supervisors may
// form a cycle, and two active nodes of one level must not serve the same territory on the same day.
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
	problems := map[Ref][]fault.Field{}
	add := func(node, path string, reason fault.Reason) {
		ref := NewRef("node", node)
		problems[ref] = append(problems[ref], fault.Field{Path: path, Reason: reason})
	}
	fallbackCycle := nodesInCycle(nodes, (*directoryv1.Node).GetFallbackNode)
	supervisionCycle := nodesInCycle(nodes, (*directoryv1.Node).GetSupervisedBy)
	active := activeTerritories(nodes, order)
	for _, id := range order {
		if fallbackCycle[id] {
			add(id, "fallback_node", reason.Cycle)
		}
		if supervisionCycle[id] {
			add(id, "supervised_by", reason.Cycle)
		}
		if !isActive(nodes[id]) {
			continue
		}
		for i, t := range nodes[id].GetTerritories() {
			area := servedArea{nodes[id].GetLevel(), t.GetTerritory()}
			if slices.ContainsFunc(active[area], func(other nodeTerritory) bool {
				return other.node != id && overlaps(t.GetFrom(), t.GetTo(), other.GetFrom(), other.GetTo())
			}) {
				add(id, fmt.Sprintf("territories[%d].territory", i), reason.TwoActiveNodes)
			}
		}
	}
	return problems
}

// nodesInCycle returns the nodes that following next leads back to. It visits each node once, so it takes linear time.
func nodesInCycle(nodes map[string]*directoryv1.Node, next func(*directoryv1.Node) string) map[string]bool {
	inCycle := map[string]bool{}
	visitedFrom := map[string]string{} // the start of the walk that visited a node
	for start := range nodes {
		id := start
		for nodes[id] != nil && visitedFrom[id] == "" {
			visitedFrom[id] = start
			id = next(nodes[id])
		}
		if visitedFrom[id] != start { // the chain ends, or joins an earlier walk
			continue
		}
		for !inCycle[id] {
			inCycle[id] = true
			id = next(nodes[id])
		}
	}
	return inCycle
}

// servedArea is a territory at a level of nodes.
type servedArea struct {
	level     directoryv1.NodeLevel
	territory string
}

// nodeTerritory is a territory that a node serves, with the days on which it does.
type nodeTerritory struct {
	*directoryv1.ServedTerritory

	node string
}

// activeTerritories groups the territories of the active nodes by area. Other nodes cannot conflict.
func activeTerritories(nodes map[string]*directoryv1.Node, order []string) map[servedArea][]nodeTerritory {
	byArea := map[servedArea][]nodeTerritory{}
	for _, id := range order {
		if !isActive(nodes[id]) {
			continue
		}
		for _, t := range nodes[id].GetTerritories() {
			area := servedArea{nodes[id].GetLevel(), t.GetTerritory()}
			byArea[area] = append(byArea[area], nodeTerritory{t, id})
		}
	}
	return byArea
}

// isActive reports whether the last stage of a node is ACTIVE.
func isActive(n *directoryv1.Node) bool {
	stages := n.GetStages()
	return len(stages) > 0 && stages[len(stages)-1].GetState() == "ACTIVE"
}
