package api_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"google.golang.org/protobuf/proto"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/api"
)

// collectStale returns the values of the gauge by node.
func collectStale(t *testing.T, contents ...proto.Message) map[string]int64 {
	t.Helper()
	server := api.New(func() time.Time { return tuesday }, nil, territoryIndex(t))
	setSnapshot(t, server, contents...)
	reader := metric.NewManualReader()
	stop, err := server.RegisterStaleGauge(metric.NewMeterProvider(metric.WithReader(reader)))
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &all); err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, one := range all.ScopeMetrics[0].Metrics {
		data, ok := one.Data.(metricdata.Gauge[int64])
		if one.Name != "pari.directory.stale" || !ok {
			t.Fatalf("%s is %T", one.Name, one.Data)
		}
		for _, p := range data.DataPoints {
			label, _ := p.Attributes.Value("node")
			got[label.AsString()] = p.Value
		}
	}
	return got
}

// Ensure the gauge counts the stale entries of each node, and shows zero for a node without any.
func TestServer_RegisterStaleGauge(t *testing.T) {
	t.Parallel()
	checked := func(o *directoryv1.Office, day string) *directoryv1.Office { o.VerifiedOn = day; return o }
	fresh := newNode("cuneo")
	fresh.Provenance.VerifiedOn = "2026-11-01"
	got := collectStale(t, newNode("cremona"), fresh,
		checked(newDesk("a", "cremona"), "2025-11-23"), checked(newDesk("b", "cremona"), "2025-11-24"),
		checked(newDesk("c", "cuneo"), "2026-01-01"), newDesk("d", ""), newDesk("e", "nowhere"))
	if diff := cmp.Diff(map[string]int64{"cremona": 2, "cuneo": 0, "none": 1, "other": 1}, got); diff != "" {
		t.Error(diff)
	}
}

// Ensure the gauge has a bounded number of label values, however many nodes there are.
func TestServer_RegisterStaleGauge_Bounded(t *testing.T) {
	t.Parallel()
	var nodes []proto.Message
	for i := range 700 {
		nodes = append(nodes, newNode(fmt.Sprintf("nodo-%d", i)))
	}
	got := collectStale(t, nodes...)
	if len(got) != 502 || got["other"] != 200 {
		t.Errorf("%d values, %d entries of other nodes", len(got), got["other"])
	}
}
