package outbox

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/tenant"
)

// gauges returns the values of one node's gauges, by name and reason.
func gauges(t *testing.T, reader *metric.ManualReader, node string) map[string]float64 {
	t.Helper()
	var data metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &data); err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			gauge, ok := m.Data.(metricdata.Gauge[float64])
			if !ok {
				continue
			}
			for _, point := range gauge.DataPoints {
				if v, _ := point.Attributes.Value("node"); v.AsString() != node {
					continue
				}
				name := m.Name
				if reason, ok := point.Attributes.Value("reason"); ok {
					name += " " + reason.AsString()
				}
				values[name] = point.Value
			}
		}
	}
	return values
}

// Ensure a relay that leads exposes its partition, and one that does not lead exposes only that and why: what it knows
// of the partition is out of date.
func TestRelay_Metrics(t *testing.T) {
	reader := metric.NewManualReader()
	before := otel.GetMeterProvider()
	otel.SetMeterProvider(metric.NewMeterProvider(metric.WithReader(reader)))
	t.Cleanup(func() { otel.SetMeterProvider(before) })
	const node = "metrics"
	r := newTestRelay(Config{Partition: bus.Partition{
		Tenant: tenant.ID{Region: "lombardia", Node: node}, Source: "intake",
	}})
	unregister, err := r.registerMetrics()
	if err != nil {
		t.Fatal(err)
	}
	r.pendingSince = time.Now().Add(-time.Hour)
	r.status = Status{Leading: true, LastSeq: 9, Published: 8, Acknowledged: 7, Pending: 6, Resends: 5, Regressed: 4}
	got := gauges(t, reader, node)
	if age := got["pari.outbox.oldest"]; age < 3600 || age > 3700 {
		t.Errorf("the oldest event is %f seconds old", age)
	}
	delete(got, "pari.outbox.oldest")
	want := map[string]float64{
		"pari.outbox.leading": 1, "pari.outbox.pending": 6, "pari.outbox.last_seq": 9,
		"pari.outbox.acknowledged_seq": 7, "pari.outbox.resends": 5, "pari.outbox.regressed": 4,
		"pari.outbox.blocked database": 0, "pari.outbox.blocked broker": 0, "pari.outbox.blocked refused": 0,
		"pari.outbox.blocked unconfirmed": 0, "pari.outbox.blocked restored": 0, "pari.outbox.blocked pruned": 0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, reason := range blockedReasons {
		r.update(func(s *Status) { s.Leading, s.Blocked = false, reason })
		want := map[string]float64{
			"pari.outbox.leading": 0, "pari.outbox.blocked database": 0, "pari.outbox.blocked broker": 0,
			"pari.outbox.blocked refused": 0, "pari.outbox.blocked unconfirmed": 0,
			"pari.outbox.blocked restored": 0, "pari.outbox.blocked pruned": 0,
		}
		want[fmt.Sprint("pari.outbox.blocked ", reason)] = 1
		if diff := cmp.Diff(want, gauges(t, reader, node)); diff != "" {
			t.Errorf("not leading, blocked by %s: %s", reason, diff)
		}
	}
	unregister()
	if got := gauges(t, reader, node); len(got) != 0 {
		t.Errorf("a relay that ended exposes %v", got)
	}
}
