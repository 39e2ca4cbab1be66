package bus_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/tenant"
)

func TestPartition_Names(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		cremona.HeartbeatSubject():                "pari.v1.lombardia.cremona.heartbeat.intake",
		cremona.WatermarkSubject():                "pari.down.v1.lombardia.cremona.watermark.intake",
		cremona.URI():                             "/region/lombardia/node/cremona/intake",
		cremona.String():                          "lombardia/cremona/intake",
		cremona.Owner():                           "lombardia.cremona",
		bus.InboxPrefix(cremona.Tenant, "intake"): "_INBOX.lombardia.cremona.intake",
		bus.DirectoryRequest(cremona.Tenant):      "pari.v1.lombardia.cremona.directory.ask",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// Ensure no name of a partition is that of a namesake in another region.
func TestPartition_NamesTheRegion(t *testing.T) {
	t.Parallel()
	names := func(region string) []string {
		of := tenant.ID{Region: region, Node: "livo"}
		p := bus.Partition{Tenant: of, Source: "intake"}
		subject, err := p.EventSubject(eventType)
		if err != nil {
			t.Fatal(err)
		}
		return []string{
			subject, p.HeartbeatSubject(), p.WatermarkSubject(), p.URI(), p.String(), p.Owner(),
			bus.InboxPrefix(of, "intake"), bus.DirectoryRequest(of),
		}
	}
	trentino := names("trentino")
	for i, name := range names("lombardia") {
		if name == trentino[i] {
			t.Errorf("two partitions are called %s", name)
		}
	}
}

func TestParsePartition(t *testing.T) {
	t.Parallel()
	if got, err := bus.ParsePartition(cremona.URI()); err != nil || got != cremona {
		t.Errorf("got %v, %v", got, err)
	}
	for _, uri := range []string{
		"", "/region/lombardia/node/cremona", "/region/lombardia/node/cremona/intake/x",
		"region/lombardia/node/cremona/intake/", "x/region/lombardia/node/cremona/intake",
		"/state/lombardia/node/cremona/intake", "/region/lombardia/town/cremona/intake",
		"/region/*/node/cremona/intake", "/region/lombardia/node/Cremona/intake", "/region/lombardia/node/cremona/",
		"/region/all/node/cremona/intake",
	} {
		if got, err := bus.ParsePartition(uri); !errors.Is(err, bus.ErrName) {
			t.Errorf("%q: got %v, %v; want ErrName", uri, got, err)
		}
	}
}

func TestParseHeartbeatSubject(t *testing.T) {
	t.Parallel()
	if got, err := bus.ParseHeartbeatSubject(cremona.HeartbeatSubject()); err != nil || got != cremona {
		t.Errorf("got %v, %v", got, err)
	}
	for _, subject := range []string{
		"", "pari.v1.lombardia.cremona.events.intake", "pari.v1.lombardia.cremona.heartbeat",
		"pari.v1.lombardia.cremona.heartbeat.intake.x", "pari.v2.lombardia.cremona.heartbeat.intake",
		"other.v1.lombardia.cremona.heartbeat.intake", "pari.v1.*.cremona.heartbeat.intake",
		"pari.v1.all.cremona.heartbeat.intake",
	} {
		if got, err := bus.ParseHeartbeatSubject(subject); !errors.Is(err, bus.ErrName) {
			t.Errorf("%q: got %v, %v; want ErrName", subject, got, err)
		}
	}
}

func TestParseDirectoryRequest(t *testing.T) {
	t.Parallel()
	got, err := bus.ParseDirectoryRequest(bus.DirectoryRequest(cremona.Tenant))
	if err != nil || got != cremona.Tenant {
		t.Errorf("got %s, %v", got, err)
	}
	for _, subject := range []string{
		"", "pari.v1.lombardia.cremona.directory", "pari.v1.lombardia.cremona.directory.ask.x",
		"pari.v1.lombardia.cremona.directory.tell", "pari.v1.*.cremona.directory.ask",
		"pari.v1.lombardia.*.directory.ask", "pari.v1.all.cremona.directory.ask",
	} {
		if got, err := bus.ParseDirectoryRequest(subject); !errors.Is(err, bus.ErrName) || !got.IsZero() {
			t.Errorf("%q: got %s, %v; want ErrName", subject, got, err)
		}
	}
}

// Ensure only the types of ours have a subject, which must fit the broker's limit.
func TestPartition_EventSubject(t *testing.T) {
	t.Parallel()
	longest := "it.pari." + strings.Repeat("a", 128-len(".v1")) + ".v1"
	for eventType, ok := range map[string]bool{
		eventType: true, "it.pari.a.v12": true, longest: true, longest[:8] + "a" + longest[8:]: false,
		"org.example.thing.v1": false, "it.pari.thing": false, "it.pari.thing.v0": false, "it.pari.Thing.v1": false,
		"it.pari..v1": false, "it.pari.*.v1": false, "it.pari.v1": false,
	} {
		got, err := cremona.EventSubject(eventType)
		if ok && (err != nil || got != "pari.v1.lombardia.cremona.events.intake."+eventType[len("it.pari."):]) {
			t.Errorf("%s: got %s, %v", eventType, got, err)
		}
		if !ok && !errors.Is(err, bus.ErrName) {
			t.Errorf("%s: got %s, %v; want ErrName", eventType, got, err)
		}
	}
}

// Ensure the trace of a call reaches the handler of its event, as a remote parent.
func TestTraceparent_RoundTrip(t *testing.T) {
	t.Parallel()
	if got := bus.Traceparent(t.Context()); got != "" {
		t.Fatalf("got %q outside a trace", got)
	}
	sent := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled,
	})
	header := bus.Traceparent(trace.ContextWithSpanContext(context.Background(), sent))
	received := trace.SpanContextFromContext(bus.WithTraceparent(t.Context(), header))
	if received.TraceID() != sent.TraceID() || received.SpanID() != sent.SpanID() || !received.IsRemote() {
		t.Errorf("got %v", received)
	}
	for _, header := range []string{"", "nonsense"} {
		if got := trace.SpanContextFromContext(bus.WithTraceparent(t.Context(), header)); got.IsValid() {
			t.Errorf("%q: got %v", header, got)
		}
	}
}
