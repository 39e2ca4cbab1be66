package api

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/retepari/pari/pkg/tz"
	"github.com/retepari/pari/services/directory/internal/entry"
)

const meterName = "github.com/retepari/pari/services/directory/internal/api"

// The gauge has a label value for each of at most maxNodes nodes, and these two.
const (
	maxNodes        = 500
	labelNoNode     = "none"
	labelOtherNodes = "other"
)

// RegisterStaleGauge registers a gauge with the number of stale entries of each node, counted at each collection. A
// node without stale entries shows 0.
func (s *Server) RegisterStaleGauge(provider metric.MeterProvider) (stop func(), err error) {
	m := provider.Meter(meterName)
	description := fmt.Sprintf("valid entries last verified more than %d months ago, or never, by node",
		entry.DefaultStaleMonths)
	gauge, err := m.Int64ObservableGauge("pari.directory.stale",
		metric.WithDescription(description), metric.WithUnit("{entry}"))
	if err != nil {
		return nil, fmt.Errorf("directory metrics: %w", err)
	}
	registration, err := m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for node, n := range s.countStale() {
			o.ObserveInt64(gauge, n, metric.WithAttributes(attribute.String("node", node)))
		}
		return nil
	}, gauge)
	if err != nil {
		return nil, fmt.Errorf("directory metrics: %w", err)
	}
	return func() { _ = registration.Unregister() }, nil
}

// countStale counts the stale public entries by node. Hidden entries do not count, as the number would reveal them.
func (s *Server) countStale() map[string]int64 {
	entries, now := s.publicView().entries, s.now().In(tz.Rome)
	byNode := map[string]int64{labelNoNode: 0}
	for e := range entries.OfKind("node") {
		if len(byNode) <= maxNodes {
			byNode[e.GetId()] = 0
		}
	}
	cutoff, today := entry.StaleCutoff(now, entry.DefaultStaleMonths), romeDate(now)
	for e := range entries.All() {
		if !entry.IsStale(e, cutoff, today) {
			continue
		}
		node := entry.NodeOf(e)
		if node == "" {
			node = labelNoNode
		} else if _, ok := byNode[node]; !ok {
			node = labelOtherNodes
		}
		byNode[node]++
	}
	return byNode
}
