package outbox

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// observe shows Status as metrics, read when somebody asks. Labels are the line and nothing else.
func (r *Relay) observe() (func(), error) {
	m := otel.Meter("github.com/retepari/pari/pkg/outbox")
	gauge := func(name, description, unit string) metric.Float64ObservableGauge {
		g, err := m.Float64ObservableGauge(name, metric.WithDescription(description), metric.WithUnit(unit))
		if err != nil {
			otel.Handle(err)
		}
		return g
	}
	var (
		leading   = gauge("pari.outbox.leading", "1 where this process leads the line", "1")
		pending   = gauge("pari.outbox.pending", "events that the hub has not acknowledged", "{event}")
		oldest    = gauge("pari.outbox.oldest", "how long the first of them has been known to wait", "s")
		last      = gauge("pari.outbox.last_seq", "highest number drawn", "{event}")
		confirmed = gauge("pari.outbox.confirmed_seq", "applied by the centre up to here", "{event}")
		resends   = gauge("pari.outbox.resends", "events sent again since the start", "{event}")
		blocked   = gauge("pari.outbox.blocked", "1 while the line is not sending, by reason", "1")
	)
	line := []attribute.KeyValue{
		attribute.String("region", r.c.Line.Region), attribute.String("node", r.c.Line.Node), attribute.String("source", r.c.Line.Source),
	}
	attrs := metric.WithAttributes(line...)
	registration, err := m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		s := r.Status()
		o.ObserveFloat64(leading, one(s.Leading), attrs)
		for _, reason := range []string{BlockedDatabase, BlockedBroker, BlockedRefused, BlockedRestored} {
			o.ObserveFloat64(blocked, one(s.Blocked == reason), attrs, metric.WithAttributes(attribute.String("reason", reason)))
		}
		if !s.Leading {
			return nil
		}
		o.ObserveFloat64(pending, float64(s.Pending), attrs)
		o.ObserveFloat64(oldest, s.Oldest.Seconds(), attrs)
		o.ObserveFloat64(last, float64(s.LastSeq), attrs)
		o.ObserveFloat64(confirmed, float64(s.Confirmed), attrs)
		o.ObserveFloat64(resends, float64(s.Resends), attrs)
		return nil
	}, leading, pending, oldest, last, confirmed, resends, blocked)
	if err != nil {
		return nil, fmt.Errorf("relay metrics: %w", err)
	}
	return func() { _ = registration.Unregister() }, nil
}

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
