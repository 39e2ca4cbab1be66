package feed

import (
	"context"
	"errors"
	"log/slog"

	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/services/reporting/internal/store"
)

// delivery is an event with the message that it came in.
type delivery struct {
	store.Event
	msg jetstream.Msg
}

// take takes in a piece: each region in a transaction of its own, acknowledged when that is committed. It fails only when
// ctx ends; what is acknowledged by then is done.
func (f *Feed) take(ctx context.Context, piece []jetstream.Msg) error {
	var regions []string
	arrived := map[string][]delivery{}
	var causes []trace.Link
	for _, m := range piece {
		e, err := f.open(m)
		if err != nil {
			f.refuse(ctx, m, err)
			continue
		}
		region := e.Partition.Region
		if arrived[region] == nil {
			regions = append(regions, region)
		}
		arrived[region] = append(arrived[region], delivery{store.NewEvent(e), m})
		if cause := trace.SpanContextFromContext(bus.WithTraceparent(context.Background(), e.Traceparent)); cause.IsValid() {
			causes = append(causes, trace.Link{SpanContext: cause})
		}
	}
	ctx, span := otel.Tracer(scope).Start(ctx, "take events", trace.WithSpanKind(trace.SpanKindConsumer), trace.WithLinks(causes...))
	defer span.End()
	for _, region := range regions {
		if err := f.takeRegion(ctx, region, arrived[region]); err != nil {
			return err
		}
	}
	return nil
}

// open reads a message as an event of the node that signed it.
func (f *Feed) open(m jetstream.Msg) (bus.Event, error) {
	e, err := bus.Parse(m.Subject(), m.Headers(), m.Data())
	if err != nil {
		return bus.Event{}, err
	}
	return e, e.Verify(f.nodes)
}

// refuse lets go of a message that is no event of the node that it names. It is not delivered again; if it was true, and
// only our key of the node is old, the node sends it again.
func (f *Feed) refuse(ctx context.Context, m jetstream.Msg, err error) {
	class := "malformed"
	if errors.Is(err, bus.ErrSignature) {
		class = "signature"
	}
	f.meter.refuse(ctx, class, 1)
	f.c.Log.WarnContext(ctx, "message refused", slog.String("class", class), slog.String("subject", m.Subject()), slog.Any("error", err))
	_ = m.TermWithReason(class) // one that comes again is refused again
}

func (f *Feed) takeRegion(ctx context.Context, region string, arrived []delivery) error {
	events := make([]store.Event, len(arrived))
	for i, d := range arrived {
		events[i] = d.Event
	}
	lines, err := f.apply(ctx, region, events)
	if err != nil {
		return err
	}
	if f.c.AfterCommit != nil {
		f.c.AfterCommit()
	}
	for _, d := range arrived {
		_ = d.msg.Ack() // one that is lost brings a duplicate
	}
	for _, p := range lines {
		if p, err = f.follow(ctx, p); err != nil {
			return err
		}
		f.answer(ctx, p)
	}
	return nil
}

// apply applies events of a region together, or one by one when the database refuses what they do together.
func (f *Feed) apply(ctx context.Context, region string, events []store.Event) (map[bus.Partition]store.Position, error) {
	lines := map[bus.Partition]store.Position{}
	r, err := f.insist(ctx, func() (store.Result, error) {
		return f.c.Store.Apply(ctx, store.Batch{Region: region, Events: events, Waiting: f.c.Follow}, Read, f.codes())
	})
	if err == nil {
		f.count(ctx, r, lines)
		return lines, nil
	}
	if !store.Permanent(err) {
		return nil, err
	}
	for _, e := range events {
		_, err := f.step(ctx, e.NodeSeq, lines, func(refuse int64) (store.Result, error) {
			return f.c.Store.Apply(ctx, store.Batch{Region: region, Events: []store.Event{e}, Refuse: refuse}, Read, f.codes())
		})
		if err != nil {
			return nil, err
		}
	}
	for line, p := range lines {
		p.More = p.Waiting > 0 // none was let follow above
		lines[line] = p
	}
	return lines, nil
}

// follow lets the events follow that waited behind a gap which is closed now.
func (f *Feed) follow(ctx context.Context, p store.Position) (store.Position, error) {
	lines := map[bus.Partition]store.Position{p.Line: p}
	drain := func(waiting int, refuse int64) (store.Result, error) {
		return f.c.Store.Drain(ctx, p.Line, store.Batch{Waiting: waiting, Refuse: refuse}, Read, f.codes())
	}
	for lines[p.Line].More {
		r, err := f.insist(ctx, func() (store.Result, error) { return drain(f.c.Follow, 0) })
		if err == nil {
			f.count(ctx, r, lines)
			continue
		}
		if !store.Permanent(err) {
			return p, err
		}
		// One of them is refused: they go one by one, from where the line is now. Others may be at it too.
		if r, err = f.insist(ctx, func() (store.Result, error) { return drain(0, 0) }); err != nil {
			return p, err
		}
		next := r.Lines[0].Applied + 1
		moved, err := f.step(ctx, next, lines, func(refuse int64) (store.Result, error) { return drain(1, refuse) })
		if err != nil {
			return p, err
		}
		if !moved {
			break // the next tick tries again
		}
	}
	return lines[p.Line], nil
}

// step lets the event of a number take effect, or be parked when the database refuses what it does. It tells whether it
// was either.
func (f *Feed) step(ctx context.Context, seq int64, lines map[bus.Partition]store.Position, do func(refuse int64) (store.Result, error)) (bool, error) {
	r, err := f.insist(ctx, func() (store.Result, error) { return do(0) })
	if store.Permanent(err) {
		f.c.Log.ErrorContext(ctx, "the database refuses what an event does: it is parked", slog.Int64("node_seq", seq), slog.Any("error", err))
		r, err = f.insist(ctx, func() (store.Result, error) { return do(seq) })
	}
	switch {
	case err == nil:
		f.count(ctx, r, lines)
		return true, nil
	case store.Permanent(err):
		f.c.Log.ErrorContext(ctx, "an event is not parked: its line stands still", slog.Int64("node_seq", seq), slog.Any("error", err))
		return false, nil
	default:
		return false, err
	}
}

// insist tries until the database answers: the result, or an error that is permanent. Else it returns when ctx ends.
func (f *Feed) insist(ctx context.Context, do func() (store.Result, error)) (store.Result, error) {
	for failures := 0; ; failures++ {
		r, err := do()
		if err == nil || store.Permanent(err) {
			return r, err
		}
		if ctx.Err() != nil {
			return r, ctx.Err()
		}
		f.complain(ctx, failures, "events wait: the database does not take them", err)
		pause(ctx, backoff(failures))
	}
}

// count keeps the newest position of each line and counts what became of the events.
func (f *Feed) count(ctx context.Context, r store.Result, lines map[bus.Partition]store.Position) {
	for _, p := range r.Lines {
		lines[p.Line] = p
	}
	f.meter.count(ctx, r)
}
