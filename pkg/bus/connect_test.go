package bus_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/bus/natsconf"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
)

// Ensure a program accepts the broker of its own node and the hub, and no other program or broker.
func TestAcceptBroker(t *testing.T) {
	t.Parallel()
	id := func(domain, region, node, kind string) identity.ID {
		return identity.ID{
			TrustDomain: domain, Tenant: tenant.ID{Region: region, Node: node}, Kind: kind, Name: "x",
		}
	}
	accept := bus.AcceptBroker(id("pari.test", "lombardia", "cremona", identity.KindService))
	for _, c := range []struct {
		server identity.ID
		want   bool
	}{
		{natsconf.LeafID("pari.test", bustest.Cremona), true},
		{natsconf.HubID("pari.test"), true},
		{natsconf.LeafID("pari.test", tenant.ID{Region: "lombardia", Node: "milano"}), false},
		{natsconf.LeafID("pari.test", tenant.ID{Region: "piemonte", Node: "cremona"}), false},
		{id("pari.test", "all", "cremona", identity.KindLeaf), false},
		{id("pari.test", "lombardia", "centre", identity.KindLeaf), false},
		{natsconf.LeafID("other.test", bustest.Cremona), false},
		{natsconf.HubID("other.test"), false},
		{id("pari.test", "lombardia", "cremona", identity.KindService), false},
		{id("pari.test", "all", "centre", identity.KindSystem), false},
	} {
		if got := accept(c.server); got != c.want {
			t.Errorf("%s: %t, want %t", c.server, got, c.want)
		}
	}
}

// logBuffer is a log that the connection writes while the test reads it.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// Ensure a connection waits for a broker that is away, reconnects after a restart, and never buffers: a publish fails
// meanwhile, so that the outbox sends the event again.
func TestConnect_SurvivesTheBroker(t *testing.T) {
	t.Parallel()
	n := bustest.New(t, bustest.Cremona)
	leaf := n.Leaf(bustest.Cremona)
	url := leaf.URL()
	leaf.Stop()
	var log logBuffer
	id := identity.ID{
		TrustDomain: bustest.TrustDomain, Tenant: bustest.Cremona, Kind: identity.KindService, Name: "intake",
	}
	conn, err := bus.Connect(t.Context(), bus.Config{
		URL: url, Name: "intake", Identity: n.Source(id), InboxPrefix: bus.InboxPrefix(bustest.Cremona, "intake"),
		Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	publish := func() error { return conn.Publish(cremona.HeartbeatSubject(), nil) }
	if err := publish(); err == nil {
		t.Error("a publish before the first connection was buffered")
	}
	n.StartLeaf(bustest.Cremona)
	bustest.Eventually(t, conn.IsConnected)
	if err := publish(); err != nil {
		t.Error(err)
	}
	if inbox := conn.NewInbox(); !strings.HasPrefix(inbox, "_INBOX.lombardia.cremona.intake.") {
		t.Errorf("replies go to %s", inbox)
	}
	n.Leaf(bustest.Cremona).Stop()
	bustest.Eventually(t, func() bool { return !conn.IsConnected() })
	if err := publish(); err == nil {
		t.Error("a publish while the broker is away was buffered")
	}
	n.StartLeaf(bustest.Cremona)
	bustest.Eventually(t, conn.IsConnected)
	bustest.Eventually(t, func() bool { return strings.Contains(log.String(), "broker connection restored") })
	if !strings.Contains(log.String(), "broker connection lost") {
		t.Errorf("the log is %s", log.String())
	}
	// The broker refuses the subjects of other services, without an answer to the call.
	if err := conn.Publish("pari.v1.lombardia.cremona.heartbeat.directory", nil); err != nil {
		t.Error(err)
	}
	bustest.Eventually(t, func() bool { return strings.Contains(log.String(), "Permissions Violation") })
	lines := strings.Count(log.String(), "broker connection lost")
	conn.Close()
	bustest.Eventually(t, conn.IsClosed)
	if n := strings.Count(log.String(), "broker connection lost"); n != lines {
		t.Error("closing was logged as a loss")
	}
}

// Ensure a program leaves a broker that is denied while it is connected, and comes back when that is undone.
func TestConnect_LeavesADeniedBroker(t *testing.T) {
	t.Parallel()
	n := bustest.New(t, bustest.Cremona)
	id := identity.ID{
		TrustDomain: bustest.TrustDomain, Tenant: bustest.Cremona, Kind: identity.KindService, Name: "intake",
	}
	list := filepath.Join(t.TempDir(), "deny.yaml")
	deny := func(ids ...string) {
		t.Helper()
		if err := os.WriteFile(list, []byte("identities: ["+strings.Join(ids, ", ")+"]"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	deny()
	source, err := identity.NewSource(identity.SourceConfig{
		Dir: n.Identity(id), DenyFile: list, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	var log logBuffer
	conn, err := bus.Connect(t.Context(), bus.Config{
		URL: n.Leaf(bustest.Cremona).URL(), Name: "intake", Identity: source,
		InboxPrefix: bus.InboxPrefix(bustest.Cremona, "intake"), Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	bustest.Eventually(t, conn.IsConnected)
	deny(natsconf.LeafID(bustest.TrustDomain, bustest.Cremona).String())
	bustest.Eventually(t, func() bool { return !conn.IsConnected() })
	bustest.Remains(t, func() bool { return !conn.IsConnected() }) // it tries several times a second
	if !strings.Contains(log.String(), "broker refused") {
		t.Errorf("the log is %s", log.String())
	}
	deny(natsconf.LeafID(bustest.TrustDomain, bustest.Cuneo).String())
	bustest.Eventually(t, conn.IsConnected)
}

// Ensure an address that can never work is an error.
func TestConnect_RefusesABrokenAddress(t *testing.T) {
	t.Parallel()
	if conn, err := bus.Connect(t.Context(), bus.Config{URL: "tls://%zz"}); err == nil {
		conn.Close()
		t.Error("connected")
	}
}

// Ensure connections without a log, an inbox prefix or TLS work too.
func TestConnect_Minimal(t *testing.T) {
	t.Parallel()
	broker := startBroker(t, "")
	conn, err := bus.Connect(t.Context(), bus.Config{URL: broker.URL()})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	bustest.Eventually(t, conn.IsConnected)
	if _, err := conn.Request("unanswered", nil, time.Second); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("got %v", err)
	}
	broker.Stop()
	bustest.Eventually(t, func() bool { return !conn.IsConnected() })
}
