package feed

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/services/reporting/internal/store"
)

const scope = "github.com/retepari/pari/services/reporting/internal/feed"

// metrics counts events by outcome, and exposes the state of the partitions at the last tick. The only labels are
// classes and partitions, never a type or a pseudonym.
type metrics struct {
	meter metric.Meter

	applied, duplicates, unapplied, rejected, recovered metric.Int64Counter

	mu         sync.Mutex
	partitions map[bus.Partition]store.PartitionStatus
}

func newMetrics(provider metric.MeterProvider) (*metrics, error) {
	meter := provider.Meter(scope)
	var errs []error
	counter := func(name, description string) metric.Int64Counter {
		c, err := meter.Int64Counter(name, metric.WithDescription(description), metric.WithUnit("{event}"))
		errs = append(errs, err)
		return c
	}
	m := &metrics{
		meter:      meter,
		applied:    counter("pari.feed.applied", "events applied"),
		duplicates: counter("pari.feed.duplicates", "events received again"),
		unapplied: counter("pari.feed.unapplied",
			"events stored without effect, by class: all but gap (buffered) and blocked are dead-lettered"),
		rejected:  counter("pari.feed.rejected", "messages rejected and not stored, by class"),
		recovered: counter("pari.feed.recovered", "dead-lettered or blocked events applied later"),
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("feed metrics: %w", err)
	}
	return m, nil
}

func withClass(name string) metric.MeasurementOption {
	return metric.WithAttributes(attribute.String("class", name))
}

func (m *metrics) countResult(ctx context.Context, r store.Result) {
	m.applied.Add(ctx, int64(r.Applied))
	m.duplicates.Add(ctx, int64(r.Duplicates))
	for c, n := range r.Unapplied {
		m.unapplied.Add(ctx, int64(n), withClass(string(c)))
	}
	for c, n := range r.Rejected {
		m.countRejected(ctx, string(c), n)
	}
}

func (m *metrics) countRejected(ctx context.Context, class string, n int) {
	if n > 0 {
		m.rejected.Add(ctx, int64(n), withClass(class))
	}
}

func (m *metrics) countRecovered(ctx context.Context, n int) { m.recovered.Add(ctx, int64(n)) }

func (m *metrics) setPartitions(partitions map[bus.Partition]store.PartitionStatus) {
	m.mu.Lock()
	m.partitions = partitions
	m.mu.Unlock()
}

// registerGauges exposes the state of the partitions, read on each scrape.
func (m *metrics) registerGauges() (unregister func(), err error) {
	var errs []error
	gauge := func(name, description, unit string) metric.Float64ObservableGauge {
		g, err := m.meter.Float64ObservableGauge(name, metric.WithDescription(description), metric.WithUnit(unit))
		errs = append(errs, err)
		return g
	}
	var (
		lag          = gauge("pari.feed.lag", "events numbered by a node and not acknowledged", "{event}")
		gaps         = gauge("pari.feed.gaps", "numbers that have not arrived", "{event}")
		buffered     = gauge("pari.feed.buffered", "events buffered behind a gap", "{event}")
		deadLettered = gauge("pari.feed.dead_lettered", "events dead-lettered", "{event}")
		blocked      = gauge("pari.feed.blocked", "events blocked by a dead-lettered one", "{event}")
		lastSeenAge  = gauge("pari.feed.last_seen_age", "time since the last event or heartbeat", "s")
	)
	registration, err := m.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		m.mu.Lock()
		partitions := m.partitions
		m.mu.Unlock()
		for p, status := range partitions {
			attrs := metric.WithAttributes(
				attribute.String("region", p.Tenant.Region), attribute.String("node", p.Tenant.Node),
				attribute.String("source", p.Source),
			)
			o.ObserveFloat64(lag, float64(max(0, status.LastSeq-status.Acknowledged)), attrs)
			o.ObserveFloat64(gaps, float64(status.Gaps()), attrs)
			o.ObserveFloat64(buffered, float64(status.Buffered), attrs)
			o.ObserveFloat64(deadLettered, float64(status.DeadLettered), attrs)
			o.ObserveFloat64(blocked, float64(status.Blocked), attrs)
			if !status.LastSeen.IsZero() {
				o.ObserveFloat64(lastSeenAge, max(0, time.Since(status.LastSeen).Seconds()), attrs)
			}
		}
		return nil
	}, lag, gaps, buffered, deadLettered, blocked, lastSeenAge)
	if err = errors.Join(append(errs, err)...); err != nil {
		return nil, fmt.Errorf("feed metrics: %w", err)
	}
	return func() { _ = registration.Unregister() }, nil
}
