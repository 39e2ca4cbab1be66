package bus_test

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/retepari/pari/dev/testkit/natsserver"
	"github.com/retepari/pari/pkg/bus"
)

// startBroker runs a broker without TLS and accounts. Its JetStream stores in dir; "" means none.
func startBroker(t *testing.T, dir string) *natsserver.Server {
	t.Helper()
	config := `listen: "127.0.0.1:-1"`
	if dir != "" {
		config += "\n" + `jetstream { store_dir: "` + dir + `" }`
	}
	s, err := natsserver.Start(t.Context(), config, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func connectPlain(t *testing.T, s *natsserver.Server) *nats.Conn {
	t.Helper()
	conn, err := nats.Connect(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// Ensure the stream protects what it stores, drops duplicates, and bounds its messages; and that a later call changes
// what an installation may choose.
func TestEnsureStream(t *testing.T) {
	t.Parallel()
	conn := connectPlain(t, startBroker(t, t.TempDir()))
	for options, maxBytes := range map[bus.StreamOptions]int64{{}: -1, {Replicas: 1, MaxBytes: 1 << 20}: 1 << 20} {
		s, err := bus.EnsureStream(t.Context(), conn, options)
		if err != nil {
			t.Fatal(err)
		}
		got := s.CachedInfo().Config
		if got.MaxBytes != maxBytes || got.Replicas != 1 {
			t.Errorf("%+v: %d bytes, %d replicas", options, got.MaxBytes, got.Replicas)
		}
		if !got.DenyDelete || !got.DenyPurge || !got.AllowAtomicPublish || got.Discard != jetstream.DiscardNew {
			t.Errorf("%+v: config is %+v", options, got)
		}
		if got.MaxMsgSize != bus.MaxMsgSize || got.Duplicates != 10*time.Minute ||
			got.Storage != jetstream.FileStorage {
			t.Errorf("%+v: config is %+v", options, got)
		}
		if diff := cmp.Diff([]string{"pari.v1.*.*.events.>"}, got.Subjects); diff != "" {
			t.Error(diff)
		}
	}
}

// Ensure a consumer redelivers without end, waits for explicit acknowledgements and reads only its subjects.
func TestEnsureConsumer(t *testing.T) {
	t.Parallel()
	conn := connectPlain(t, startBroker(t, t.TempDir()))
	if _, err := bus.EnsureConsumer(t.Context(), conn, "a"); !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Errorf("without a stream: got %v", err)
	}
	if _, err := bus.EnsureStream(t.Context(), conn, bus.StreamOptions{}); err != nil {
		t.Fatal(err)
	}
	const one, two = "pari.v1.lombardia.*.events.>", "pari.v1.piemonte.*.events.>"
	for name, c := range map[string]struct {
		subjects []string
		filter   string
		filters  []string
	}{
		"all": {nil, "", nil}, "one": {[]string{one}, one, nil}, "two": {[]string{one, two}, "", []string{one, two}},
	} {
		for range 2 { // the second call finds it
			consumer, err := bus.EnsureConsumer(t.Context(), conn, name, c.subjects...)
			if err != nil {
				t.Fatal(err)
			}
			got := consumer.CachedInfo().Config
			if got.FilterSubject != c.filter || !cmp.Equal(c.filters, got.FilterSubjects) {
				t.Errorf("%s: filters are %q and %q", name, got.FilterSubject, got.FilterSubjects)
			}
			if got.AckPolicy != jetstream.AckExplicitPolicy || got.MaxDeliver != -1 || got.InactiveThreshold != 0 ||
				got.DeliverPolicy != jetstream.DeliverAllPolicy || got.Durable != name {
				t.Errorf("%s: config is %+v", name, got)
			}
		}
	}
	if _, err := bus.EnsureConsumer(t.Context(), conn, "not a name"); err == nil {
		t.Error("a consumer with blanks in its name was created")
	}
}

// Ensure a broker without JetStream is an error: its acknowledgements would mean nothing.
func TestEnsureStream_RequiresJetStream(t *testing.T) {
	t.Parallel()
	conn := connectPlain(t, startBroker(t, ""))
	if _, err := bus.EnsureStream(t.Context(), conn, bus.StreamOptions{}); err == nil {
		t.Error("a broker without JetStream has a stream")
	}
}
