package natsconf_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/dev/testkit/loopback"
	"github.com/retepari/pari/dev/testkit/natsserver"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/bus/natsconf"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
)

const (
	cremonaEvents = "pari.v1.lombardia.cremona.events.intake.report.counted.v1"
	cuneoEvents   = "pari.v1.piemonte.cuneo.events.intake.report.counted.v1"
)

const (
	// replyTimeout bounds a request that must be answered.
	replyTimeout = 3 * time.Second
	// silence is how long a request that must not be answered waits.
	silence = 200 * time.Millisecond
)

// hostileLeaf connects to a leaf that an attacker runs on Cremona's machine: it has Cremona's certificate, and no
// permissions of its own.
func hostileLeaf(t *testing.T, n *bustest.Network) *nats.Conn {
	t.Helper()
	files := natsconf.TLSIn(n.Identity(natsconf.LeafID(bustest.TrustDomain, bustest.Cremona)))
	leaves := n.Hub().Leaves()
	s, err := natsserver.Start(t.Context(), `
		server_name: hostile
		listen: "127.0.0.1:-1"
		accounts { "NODE": { users: [{user: "evil", password: "evil"}] } }
		leafnodes { remotes: [{ url: "tls://`+n.LeafListener()+`", account: "NODE", tls {
			cert_file: "`+files.Cert+`", key_file: "`+files.Key+`", ca_file: "`+files.CA+`" } }] }
	`, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	bustest.Eventually(t, func() bool { return n.Hub().Leaves() == leaves+1 })
	inbox := nats.CustomInboxPrefix("_INBOX.lombardia.cremona.evil")
	nc, err := nats.Connect(s.URL(), nats.UserInfo("evil", "evil"), inbox)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	// Its own prefix works from here on, so a missing answer below is a refusal and not a missing link.
	bustest.Eventually(t, func() bool {
		_, err := nc.RequestMsg(event(cremonaEvents, "hello"), time.Second)
		return err == nil
	})
	return nc
}

// startBroker runs a broker until the test ends.
func startBroker(t *testing.T, of interface{ Config() (string, error) }) *natsserver.Server {
	t.Helper()
	config, err := of.Config()
	if err != nil {
		t.Fatal(err)
	}
	s, err := natsserver.Start(t.Context(), config, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func freeAddr(t *testing.T) string {
	t.Helper()
	addr, err := loopback.Addr(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

func event(subject, id string) *nats.Msg {
	return &nats.Msg{Subject: subject, Header: nats.Header{nats.MsgIdHdr: []string{id}}, Data: []byte("x")}
}

// eventReplyingTo is an event whose acknowledgement goes to another subject.
func eventReplyingTo(subject, id, reply string) *nats.Msg {
	m := event(subject, id)
	m.Reply = reply
	return m
}

// storedSubjects returns the number of stored messages by subject.
func storedSubjects(t *testing.T, n *bustest.Network, filter string) map[string]uint64 {
	t.Helper()
	js, err := jetstream.New(n.Centre("reporting"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(t.Context(), bus.StreamName)
	if err != nil {
		t.Fatal(err)
	}
	info, err := s.Info(t.Context(), jetstream.WithSubjectFilter(filter))
	if err != nil {
		t.Fatal(err)
	}
	return info.State.Subjects
}

func publish(t *testing.T, nc *nats.Conn, msgs ...*nats.Msg) {
	t.Helper()
	for _, m := range msgs {
		if err := nc.PublishMsg(m); err != nil {
			t.Fatal(err)
		}
	}
}

// request publishes an event and waits for the hub's acknowledgement, so what was sent before has been handled.
func request(t *testing.T, nc *nats.Conn, subject, id string) {
	t.Helper()
	if _, err := nc.RequestMsg(event(subject, id), replyTimeout); err != nil {
		t.Fatalf("%s: %v", subject, err)
	}
}

func subscribe(t *testing.T, nc *nats.Conn, subject string) *nats.Subscription {
	t.Helper()
	sub, err := nc.SubscribeSync(subject)
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

// onlyReceives publishes a genuine message again and again until sub receives one, and fails when sub receives another.
func onlyReceives(t *testing.T, sub *nats.Subscription, from *nats.Conn, subject string) {
	t.Helper()
	bustest.Eventually(t, func() bool {
		publish(t, from, &nats.Msg{Subject: subject, Data: []byte("genuine")})
		m, err := sub.NextMsg(50 * time.Millisecond)
		if err != nil {
			return false
		}
		if string(m.Data) != "genuine" {
			t.Fatalf("received %q on %s", m.Data, m.Subject)
		}
		return true
	})
}

func nodeID(region, node, kind, name string) identity.ID {
	of := tenant.ID{Region: region, Node: node}
	return identity.ID{TrustDomain: bustest.TrustDomain, Tenant: of, Kind: kind, Name: name}
}
