package feed

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/services/reporting/internal/store"
)

// Ensure that operators see the numbers under the names that their alarms use.
func TestMeter(t *testing.T) {
	t.Parallel()
	reader := metric.NewManualReader()
	m, err := newMeter(metric.NewMeterProvider(metric.WithReader(reader)))
	if err != nil {
		t.Fatal(err)
	}
	unregister, err := m.observe()
	if err != nil {
		t.Fatal(err)
	}
	defer unregister()
	ctx := context.Background()
	m.count(ctx, store.Result{
		Applied: 7, Duplicates: 2, Parked: map[store.Class]int{store.Gap: 3, store.Code: 1}, Refused: map[store.Class]int{store.Fork: 1, store.Chain: 0},
	})
	m.heal(ctx, 1)
	m.show(map[bus.Partition]store.Line{intake: {LastSeq: 20, Applied: 7, Waiting: 3, Refused: 1, HeardAt: time.Now().Add(-time.Hour)}})
	var all metricdata.ResourceMetrics
	if err := reader.Collect(ctx, &all); err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, one := range all.ScopeMetrics[0].Metrics {
		switch data := one.Data.(type) {
		case metricdata.Sum[int64]:
			for _, p := range data.DataPoints {
				class, _ := p.Attributes.Value("class")
				got[one.Name+class.AsString()] = float64(p.Value)
			}
		case metricdata.Gauge[float64]:
			for _, p := range data.DataPoints {
				node, _ := p.Attributes.Value("node")
				got[one.Name+" "+node.AsString()] = p.Value
			}
		}
	}
	if got["pari.feed.silence cremona"] < 3600 {
		t.Errorf("silent for %v s", got["pari.feed.silence cremona"])
	}
	delete(got, "pari.feed.silence cremona")
	want := map[string]float64{
		"pari.feed.applied": 7, "pari.feed.duplicates": 2, "pari.feed.parkedgap": 3, "pari.feed.parkedcode": 1, "pari.feed.refusedfork": 1,
		"pari.feed.healed": 1, "pari.feed.lag cremona": 13, "pari.feed.gaps cremona": 10, "pari.feed.waiting cremona": 3, "pari.feed.poison cremona": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
