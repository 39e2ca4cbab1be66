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

// Labels of the gauge beside the names of nodes, of which there are at most maxNodes.
const (
	maxNodes  = 500
	noNode    = "none"
	moreNodes = "other"
)

// RegisterStaleGauge shows how many entries of each node should be looked at again, counted when somebody asks. A node of which
// everything was checked shows 0.
func (s *Server) RegisterStaleGauge(provider metric.MeterProvider) (stop func(), err error) {
	m := provider.Meter(meterName)
	gauge, err := m.Int64ObservableGauge("pari.directory.stale",
		metric.WithDescription(fmt.Sprintf("entries that hold and were last checked more than %d months ago, or never, by node", entry.DefaultStaleMonths)), metric.WithUnit("{entry}"))
	if err != nil {
		return nil, fmt.Errorf("directory metrics: %w", err)
	}
	registration, err := m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for node, n := range s.stale() {
			o.ObserveInt64(gauge, n, metric.WithAttributes(attribute.String("node", node)))
		}
		return nil
	}, gauge)
	if err != nil {
		return nil, fmt.Errorf("directory metrics: %w", err)
	}
	return func() { _ = registration.Unregister() }, nil
}

// stale counts stale entries by node, as everybody may: a number that nobody can explain would tell of a hidden one.
func (s *Server) stale() map[string]int64 {
	entries, now := s.publicView().entries, s.now().In(tz.Rome)
	byNode := map[string]int64{noNode: 0}
	for e := range entries.OfKind("node") {
		if len(byNode) <= maxNodes {
			byNode[e.GetId()] = 0
		}
	}
	before, day := entry.StaleCutoff(now, entry.DefaultStaleMonths), romeDate(now)
	for e := range entries.All() {
		if !entry.IsStale(e, before, day) {
			continue
		}
		node := entry.NodeOf(e)
		if node == "" {
			node = noNode
		} else if _, there := byNode[node]; !there {
			node = moreNodes
		}
		byNode[node]++
	}
	return byNode
}
