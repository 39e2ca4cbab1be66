package handover

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/retepari/pari/pkg/tenant"
)

// counts are the hand-overs of a tenant that are not completed.
type counts struct{ pending, deadLettered int64 }

// count counts a tenant's hand-overs for the gauge. An error leaves the last counts: the next poll counts again.
func (w *Worker) count(ctx context.Context, t tenant.ID) {
	pending, deadLettered, err := w.reports.CountHandovers(ctx, t)
	if err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[t] = counts{pending, deadLettered}
}

// registerMetrics exposes the counts of the last poll.
func (w *Worker) registerMetrics() (unregister func(), err error) {
	m := otel.Meter("github.com/retepari/pari/services/intake/internal/handover")
	handovers, err := m.Float64ObservableGauge("pari.intake.handovers",
		metric.WithDescription("hand-overs that are not completed, by state"), metric.WithUnit("{handover}"))
	if err != nil {
		return nil, fmt.Errorf("hand-over metrics: %w", err)
	}
	registration, err := m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		for t, c := range w.counts {
			for state, n := range map[string]int64{"pending": c.pending, "dead_lettered": c.deadLettered} {
				o.ObserveFloat64(handovers, float64(n), metric.WithAttributes(attribute.String("region", t.Region),
					attribute.String("node", t.Node), attribute.String("state", state)))
			}
		}
		return nil
	}, handovers)
	if err != nil {
		return nil, fmt.Errorf("hand-over metrics: %w", err)
	}
	return func() { _ = registration.Unregister() }, nil
}
