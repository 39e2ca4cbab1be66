package feed

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/services/reporting/internal/store"
)

// Ensure that the metrics have the names that alerts use.
func TestMetrics(t *testing.T) {
	t.Parallel()
	reader := metric.NewManualReader()
	m, err := newMetrics(metric.NewMeterProvider(metric.WithReader(reader)))
	if err != nil {
		t.Fatal(err)
	}
	unregister, err := m.registerGauges()
	if err != nil {
		t.Fatal(err)
	}
	defer unregister()
	ctx := context.Background()
	m.countResult(ctx, store.Result{
		Applied: 7, Duplicates: 2,
		Unapplied: map[store.Class]int{store.ClassGap: 3, store.ClassCode: 1},
		Rejected:  map[store.Class]int{store.ClassFork: 1, store.ClassChain: 0},
	})
	m.countRecovered(ctx, 1)
	m.setPartitions(map[bus.Partition]store.PartitionStatus{intake: {
		LastSeq: 20, Acknowledged: 7, Buffered: 3, DeadLettered: 1, Blocked: 2, LastSeen: time.Now().Add(-time.Hour),
	}})
	var all metricdata.ResourceMetrics
	if err := reader.Collect(ctx, &all); err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, m := range all.ScopeMetrics[0].Metrics {
		switch data := m.Data.(type) {
		case metricdata.Sum[int64]:
			for _, p := range data.DataPoints {
				class, _ := p.Attributes.Value("class")
				got[strings.TrimSpace(m.Name+" "+class.AsString())] = float64(p.Value)
			}
		case metricdata.Gauge[float64]:
			for _, p := range data.DataPoints {
				node, _ := p.Attributes.Value("node")
				got[m.Name+" "+node.AsString()] = p.Value
			}
		}
	}
	const age = "pari.feed.last_seen_age cremona"
	if got[age] < 3600 {
		t.Errorf("last seen %v s ago", got[age])
	}
	delete(got, age)
	want := map[string]float64{
		"pari.feed.applied": 7, "pari.feed.duplicates": 2, "pari.feed.unapplied gap": 3, "pari.feed.unapplied code": 1,
		"pari.feed.rejected fork": 1, "pari.feed.recovered": 1,
		"pari.feed.lag cremona": 13, "pari.feed.gaps cremona": 10, "pari.feed.buffered cremona": 3,
		"pari.feed.dead_lettered cremona": 1, "pari.feed.blocked cremona": 2,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
