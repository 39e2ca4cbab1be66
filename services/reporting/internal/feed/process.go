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

// delivery is an event and its message.
type delivery struct {
	store.Event
	msg jetstream.Msg
}

// process verifies and applies a batch: each region in a transaction of its own, acknowledged when that is committed.
// It fails only when ctx ends; what is acknowledged by then is committed.
func (f *Feed) process(ctx context.Context, batch []jetstream.Msg) error {
	var regions []string
	byRegion := map[string][]delivery{}
	var causes []trace.Link
	for _, m := range batch {
		e, err := f.parseAndVerify(m)
		if err != nil {
			f.reject(ctx, m, err)
			continue
		}
		region := e.Partition.Tenant.Region
		if byRegion[region] == nil {
			regions = append(regions, region)
		}
		byRegion[region] = append(byRegion[region], delivery{store.NewEvent(e), m})
		cause := trace.SpanContextFromContext(bus.WithTraceparent(context.Background(), e.Traceparent))
		if cause.IsValid() {
			causes = append(causes, trace.Link{SpanContext: cause})
		}
	}
	ctx, span := otel.Tracer(scope).Start(ctx, "process events",
		trace.WithSpanKind(trace.SpanKindConsumer), trace.WithLinks(causes...))
	defer span.End()
	for _, region := range regions {
		if err := f.processRegion(ctx, region, byRegion[region]); err != nil {
			return err
		}
	}
	return nil
}

// parseAndVerify parses a message and verifies that the node that it names signed it.
func (f *Feed) parseAndVerify(m jetstream.Msg) (bus.Event, error) {
	e, err := bus.Parse(m.Subject(), m.Headers(), m.Data())
	if err != nil {
		return bus.Event{}, err
	}
	return e, e.Verify(f.keys)
}

// reject terminates a message that is not a valid event of the node that it names: the broker does not deliver it
// again. When the event is valid and only the node's public key here is outdated, the node sends it again.
func (f *Feed) reject(ctx context.Context, m jetstream.Msg, err error) {
	class := "malformed"
	if errors.Is(err, bus.ErrSignature) {
		class = "signature"
	}
	f.metrics.countRejected(ctx, class, 1)
	f.c.Log.WarnContext(ctx, "message rejected", slog.String("class", class), slog.String("subject", m.Subject()),
		slog.Any("error", err))
	_ = m.TermWithReason(class) // when this is lost, the message is delivered and rejected again
}

func (f *Feed) processRegion(ctx context.Context, region string, deliveries []delivery) error {
	events := make([]store.Event, len(deliveries))
	for i, d := range deliveries {
		events[i] = d.Event
	}
	found, err := f.apply(ctx, region, events)
	if err != nil {
		return err
	}
	if f.c.AfterCommit != nil {
		f.c.AfterCommit()
	}
	for _, d := range deliveries {
		_ = d.msg.Ack() // when this is lost, the event is delivered again and counted as a duplicate
	}
	for _, o := range found {
		if o, err = f.drain(ctx, o); err != nil {
			return err
		}
		f.sendWatermark(ctx, o)
	}
	return nil
}

// offsets holds the newest offset of each partition.
type offsets map[bus.Partition]store.Offset

// apply applies events of a region together, or one by one when the database rejects one of their effects.
func (f *Feed) apply(ctx context.Context, region string, events []store.Event) (offsets, error) {
	found := offsets{}
	r, err := f.retry(ctx, func() (store.Result, error) {
		b := store.Batch{Region: region, Events: events, DrainLimit: f.c.DrainLimit}
		return f.c.Store.Apply(ctx, b, Decode, f.codes())
	})
	if err == nil {
		f.record(ctx, r, found)
		return found, nil
	}
	if !store.Permanent(err) {
		return nil, err
	}
	for _, e := range events {
		_, err := f.applyOne(ctx, e.Partition, e.NodeSeq, found, func(deadLetter int64) (store.Result, error) {
			b := store.Batch{Region: region, Events: []store.Event{e}, DeadLetter: deadLetter}
			return f.c.Store.Apply(ctx, b, Decode, f.codes())
		})
		if err != nil {
			return nil, err
		}
	}
	for p, o := range found {
		o.More = o.Buffered > 0 // nothing was drained above
		found[p] = o
	}
	return found, nil
}

// drain applies the buffered events behind a gap that has closed.
func (f *Feed) drain(ctx context.Context, o store.Offset) (store.Offset, error) {
	found := offsets{o.Partition: o}
	storeDrain := func(limit int, deadLetter int64) (store.Result, error) {
		b := store.Batch{DrainLimit: limit, DeadLetter: deadLetter}
		return f.c.Store.Drain(ctx, o.Partition, b, Decode, f.codes())
	}
	for found[o.Partition].More {
		r, err := f.retry(ctx, func() (store.Result, error) { return storeDrain(f.c.DrainLimit, 0) })
		if err == nil {
			f.record(ctx, r, found)
			continue
		}
		if !store.Permanent(err) {
			return o, err
		}
		// The database rejects one of them: apply the next one alone. Another replica may be draining too, so read the
		// offset first.
		if r, err = f.retry(ctx, func() (store.Result, error) { return storeDrain(0, 0) }); err != nil {
			return o, err
		}
		next := r.Offsets[0].Acknowledged + 1
		ok, err := f.applyOne(ctx, o.Partition, next, found, func(deadLetter int64) (store.Result, error) {
			return storeDrain(1, deadLetter)
		})
		if err != nil {
			return o, err
		}
		if !ok {
			break // the next tick tries again
		}
	}
	return found[o.Partition], nil
}

// applyOne applies the event with this number, or dead-letters it when the database rejects its effect. It reports
// whether one of both succeeded.
func (f *Feed) applyOne(
	ctx context.Context, p bus.Partition, seq int64, found offsets,
	do func(deadLetter int64) (store.Result, error),
) (bool, error) {
	newFailure := func(err error) store.Failure {
		return store.Failure{Partition: p, NodeSeq: seq, Class: store.ClassDatabase, Err: err}
	}
	r, err := f.retry(ctx, func() (store.Result, error) { return do(0) })
	if store.Permanent(err) {
		f.logFailures(ctx, "event rejected by the database", newFailure(err))
		r, err = f.retry(ctx, func() (store.Result, error) { return do(seq) })
	}
	switch {
	case err == nil:
		f.record(ctx, r, found)
		return true, nil
	case store.Permanent(err):
		f.logFailures(ctx, "event dead-letter failed", newFailure(err))
		return false, nil
	default:
		return false, err
	}
}

// retry calls do until it succeeds, fails permanently, or ctx ends.
func (f *Feed) retry(ctx context.Context, do func() (store.Result, error)) (store.Result, error) {
	for failures := 0; ; failures++ {
		r, err := do()
		if err == nil || store.Permanent(err) {
			return r, err
		}
		if ctx.Err() != nil {
			return r, ctx.Err()
		}
		f.logBackoff(ctx, failures, "event apply failed", err)
		sleep(ctx, backoff(failures))
	}
}

// logFailures logs events that could not be applied, each once: a counter alone does not say why.
func (f *Feed) logFailures(ctx context.Context, message string, failures ...store.Failure) {
	for _, failure := range failures {
		f.c.Log.ErrorContext(ctx, message, slog.String("partition", failure.Partition.String()),
			slog.Int64("node_seq", failure.NodeSeq), slog.String("class", string(failure.Class)),
			slog.Any("error", failure.Err))
	}
}

// record remembers the offsets of a result, counts its events and logs those that were dead-lettered.
func (f *Feed) record(ctx context.Context, r store.Result, found offsets) {
	for _, o := range r.Offsets {
		found[o.Partition] = o
	}
	f.metrics.countResult(ctx, r)
	f.logFailures(ctx, "event dead-lettered", r.Failures...)
	f.logFailures(ctx, "event fork rejected", r.Forks...)
}
