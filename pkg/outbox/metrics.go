package outbox

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// registerMetrics exposes Status as gauges, read on each scrape. The only labels are the partition and the reason.
func (r *Relay) registerMetrics() (unregister func(), err error) {
	m := otel.Meter("github.com/retepari/pari/pkg/outbox")
	gauge := func(name, description, unit string) metric.Float64ObservableGauge {
		g, err := m.Float64ObservableGauge(name, metric.WithDescription(description), metric.WithUnit(unit))
		if err != nil {
			otel.Handle(err)
		}
		return g
	}
	var (
		leading      = gauge("pari.outbox.leading", "1 where this process leads the partition", "1")
		pending      = gauge("pari.outbox.pending", "events that the hub has not acknowledged", "{event}")
		oldest       = gauge("pari.outbox.oldest", "how long the first of them has been known to wait", "s")
		last         = gauge("pari.outbox.last_seq", "highest number drawn", "{event}")
		acknowledged = gauge("pari.outbox.acknowledged_seq", "acknowledged by the centre up to here", "{event}")
		regressed    = gauge("pari.outbox.regressed", "events that the centre acknowledged and lacks now", "{event}")
		resends      = gauge("pari.outbox.resends", "events sent again since the start", "{event}")
		blocked      = gauge("pari.outbox.blocked", "1 while the partition is not sending, by reason", "1")
	)
	attrs := metric.WithAttributes(
		attribute.String("region", r.c.Partition.Tenant.Region), attribute.String("node", r.c.Partition.Tenant.Node),
		attribute.String("source", r.c.Partition.Source),
	)
	registration, err := m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		s := r.Status()
		o.ObserveFloat64(leading, oneIf(s.Leading), attrs)
		for _, reason := range blockedReasons {
			byReason := metric.WithAttributes(attribute.String("reason", reason))
			o.ObserveFloat64(blocked, oneIf(s.Blocked == reason), attrs, byReason)
		}
		if !s.Leading {
			return nil
		}
		o.ObserveFloat64(pending, float64(s.Pending), attrs)
		o.ObserveFloat64(oldest, s.OldestAge.Seconds(), attrs)
		o.ObserveFloat64(last, float64(s.LastSeq), attrs)
		o.ObserveFloat64(acknowledged, float64(s.Acknowledged), attrs)
		o.ObserveFloat64(regressed, float64(s.Regressed), attrs)
		o.ObserveFloat64(resends, float64(s.Resends), attrs)
		return nil
	}, leading, pending, oldest, last, acknowledged, regressed, resends, blocked)
	if err != nil {
		return nil, fmt.Errorf("relay metrics: %w", err)
	}
	return func() { _ = registration.Unregister() }, nil
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
