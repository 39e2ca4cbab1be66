package bus_test

import (
	"context"
	"errors"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"github.com/retepari/pari/pkg/bus"
)

func TestLine_subjects(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		cremona.HeartbeatSubject(): "pari.v1.lombardia.cremona.heartbeat.intake",
		cremona.WatermarkSubject(): "pari.down.v1.lombardia.cremona.watermark.intake",
		cremona.URI():              "/region/lombardia/node/cremona/intake",
		cremona.Owner():            "lombardia.cremona",
		bus.InboxPrefix("lombardia", "cremona", "intake"): "_INBOX.lombardia.cremona.intake",
	} {
		if got != want {
			t.Errorf("got %s, wants %s", got, want)
		}
	}
	if got, err := bus.ParseHeartbeatSubject(cremona.HeartbeatSubject()); err != nil || got != cremona {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := bus.ParsePartition(cremona.URI()); err != nil || got != cremona {
		t.Errorf("got %v, %v", got, err)
	}
	for _, s := range []string{"", "pari.v1.lombardia.cremona.events.intake", "pari.v1.lombardia.cremona.heartbeat", "pari.v1.*.cremona.heartbeat.intake"} {
		if _, err := bus.ParseHeartbeatSubject(s); !errors.Is(err, bus.ErrName) {
			t.Errorf("%q: got %v, wants ErrName", s, err)
		}
	}
}

func TestTraceparent_goes_round(t *testing.T) {
	t.Parallel()
	if got := bus.Traceparent(t.Context()); got != "" {
		t.Fatalf("got %q for no trace", got)
	}
	in := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled})
	written := bus.Traceparent(trace.ContextWithSpanContext(context.Background(), in))
	out := trace.SpanContextFromContext(bus.WithTraceparent(t.Context(), written))
	if out.TraceID() != in.TraceID() || out.SpanID() != in.SpanID() || !out.IsRemote() {
		t.Fatalf("got %v", out)
	}
}
