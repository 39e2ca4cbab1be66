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

// meter counts what becomes of events, and shows how the lines stand as of the last tick. Labels are classes and lines,
// never a type or a pseudonym.
type meter struct {
	meter metric.Meter

	applied, duplicates, parked, refused, healed metric.Int64Counter

	mu    sync.Mutex
	lines map[bus.Partition]store.Line
}

func newMeter(provider metric.MeterProvider) (*meter, error) {
	m := provider.Meter(scope)
	var errs []error
	counter := func(name, description string) metric.Int64Counter {
		c, err := m.Int64Counter(name, metric.WithDescription(description), metric.WithUnit("{event}"))
		errs = append(errs, err)
		return c
	}
	all := &meter{
		meter:      m,
		applied:    counter("pari.feed.applied", "events that took effect"),
		duplicates: counter("pari.feed.duplicates", "events that came again"),
		parked:     counter("pari.feed.parked", "events kept without effect, by class; every class but gap and behind is poison"),
		refused:    counter("pari.feed.refused", "messages refused and not kept, by class"),
		healed:     counter("pari.feed.healed", "parked events that took effect later"),
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("feed metrics: %w", err)
	}
	return all, nil
}

func class(name string) metric.MeasurementOption {
	return metric.WithAttributes(attribute.String("class", name))
}

func (m *meter) count(ctx context.Context, r store.Result) {
	m.applied.Add(ctx, int64(r.Applied))
	m.duplicates.Add(ctx, int64(r.Duplicates))
	for c, n := range r.Parked {
		m.parked.Add(ctx, int64(n), class(string(c)))
	}
	for c, n := range r.Refused {
		m.refuse(ctx, string(c), n)
	}
}

func (m *meter) refuse(ctx context.Context, name string, n int) {
	if n > 0 {
		m.refused.Add(ctx, int64(n), class(name))
	}
}

func (m *meter) heal(ctx context.Context, n int) { m.healed.Add(ctx, int64(n)) }

func (m *meter) show(lines map[bus.Partition]store.Line) {
	m.mu.Lock()
	m.lines = lines
	m.mu.Unlock()
}

// observe shows the lines, read when somebody asks.
func (m *meter) observe() (func(), error) {
	var errs []error
	gauge := func(name, description, unit string) metric.Float64ObservableGauge {
		g, err := m.meter.Float64ObservableGauge(name, metric.WithDescription(description), metric.WithUnit(unit))
		errs = append(errs, err)
		return g
	}
	var (
		lag     = gauge("pari.feed.lag", "events that a node has numbered and that have not taken effect", "{event}")
		gaps    = gauge("pari.feed.gaps", "numbers that have not come", "{event}")
		waiting = gauge("pari.feed.waiting", "events parked behind a gap", "{event}")
		poison  = gauge("pari.feed.poison", "events refused and kept for a person to look at, and those of their cases", "{event}")
		silence = gauge("pari.feed.silence", "how long a line has not been heard of", "s")
	)
	registration, err := m.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		m.mu.Lock()
		lines := m.lines
		m.mu.Unlock()
		for line, l := range lines {
			at := metric.WithAttributes(
				attribute.String("region", line.Region), attribute.String("node", line.Node), attribute.String("source", line.Source),
			)
			o.ObserveFloat64(lag, float64(max(0, l.LastSeq-l.Applied)), at)
			o.ObserveFloat64(gaps, float64(l.Gaps()), at)
			o.ObserveFloat64(waiting, float64(l.Waiting), at)
			o.ObserveFloat64(poison, float64(l.Refused), at)
			if !l.HeardAt.IsZero() {
				o.ObserveFloat64(silence, max(0, time.Since(l.HeardAt).Seconds()), at)
			}
		}
		return nil
	}, lag, gaps, waiting, poison, silence)
	if err = errors.Join(append(errs, err)...); err != nil {
		return nil, fmt.Errorf("feed metrics: %w", err)
	}
	return func() { _ = registration.Unregister() }, nil
}
