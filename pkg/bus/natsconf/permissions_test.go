package natsconf_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/bus/natsconf"
	"github.com/retepari/pari/pkg/identity"
)

// Ensure the hub admits exactly the programs of the centre, by their certificates.
func TestHub_AuthenticatesByCertificate(t *testing.T) {
	t.Parallel()
	n := bustest.New(t, bustest.Cremona)
	other := bustest.New(t)
	reporting := nodeID("all", "centre", "service", "reporting")
	foreign := reporting
	foreign.TrustDomain = "other.test"
	for _, c := range []struct {
		name     string
		issuer   *bustest.Network // nil connects without a certificate
		id       identity.ID
		admitted bool
	}{
		{"reporting", n, reporting, true},
		{"monitor", n, nodeID("all", "centre", "ops", "monitor"), true},
		{"reporting of another authority", other, reporting, false},
		{"no certificate", nil, identity.ID{}, false},
		{"a leaf as a client", n, natsconf.LeafID(bustest.TrustDomain, bustest.Cremona), false},
		{"a service of a node that has a leaf", n, nodeID("lombardia", "cremona", "service", "intake"), false},
		{"reporting of a node", n, nodeID("lombardia", "cremona", "service", "reporting"), false},
		{"another service of the centre", n, nodeID("all", "centre", "service", "intake"), false},
		{"another trust domain", n, foreign, false},
		{"the hub itself", n, natsconf.HubID(bustest.TrustDomain), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			options := []nats.Option{nats.Timeout(2 * time.Second)}
			if c.issuer != nil {
				options = append(options, nats.Secure(c.issuer.ClientTLS(c.id)))
			}
			nc, err := nats.Connect(n.HubURL(), options...)
			if err == nil {
				nc.Close()
			}
			if (err == nil) != c.admitted {
				t.Fatalf("connected %t, want %t (%v)", err == nil, c.admitted, err)
			}
		})
	}
}

// Ensure a leaf takes no system for its hub, although the host name is the hub's and the authority is right.
func TestLeaf_RefusesASystemAsHub(t *testing.T) {
	t.Parallel()
	n := bustest.New(t)
	const system = identity.KindSystem
	for _, c := range []struct {
		id     identity.ID
		linked bool
	}{
		{natsconf.HubID(bustest.TrustDomain), true}, // so the link fails for the reason that is meant
		{nodeID("piemonte", "cuneo", system, "portal"), false},
		{nodeID("all", "centre", system, "console"), false},
		{nodeID("all", "centre", identity.KindOps, "monitor"), false},
	} {
		listen := freeAddr(t)
		hub := startBroker(t, natsconf.Hub{
			TrustDomain: bustest.TrustDomain, Listen: freeAddr(t), LeafListen: listen, StoreDir: t.TempDir(),
			TLS: natsconf.TLSIn(n.Identity(c.id)), Nodes: []natsconf.Node{{Tenant: bustest.Cremona}},
		})
		startBroker(t, natsconf.Leaf{
			TrustDomain: bustest.TrustDomain, Tenant: bustest.Cremona, Listen: freeAddr(t), HubURL: "tls://" + listen,
			TLS: natsconf.TLSIn(n.Identity(natsconf.LeafID(bustest.TrustDomain, bustest.Cremona))),
		})
		if c.linked {
			bustest.Eventually(t, func() bool { return hub.Leaves() == 1 })
			continue
		}
		bustest.Remains(t, func() bool { return hub.Leaves() == 0 }) // the leaf tries twice a second
	}
}

// Ensure reporting can create its consumer and read the stream, and can neither write nor delete.
func TestHub_LimitsReporting(t *testing.T) {
	t.Parallel()
	n := bustest.New(t, bustest.Cremona)
	reporting := n.Centre("reporting")
	request(t, n.Connect(bustest.Cremona, "intake"), cremonaEvents, "one")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	consumer, err := bus.EnsureConsumer(ctx, reporting, "reporting")
	if err != nil {
		t.Fatal(err)
	}
	msg, err := consumer.Next(jetstream.FetchMaxWait(replyTimeout))
	if err != nil {
		t.Fatal(err)
	}
	if err := msg.DoubleAck(ctx); err != nil {
		t.Fatalf("acknowledge: %v", err)
	}
	for _, subject := range []string{
		cremonaEvents, "$JS.API.STREAM.PURGE.PARI_EVENTS", "$JS.API.STREAM.DELETE.PARI_EVENTS",
		"$JS.API.STREAM.MSG.DELETE.PARI_EVENTS", "$JS.API.STREAM.CREATE.OTHER",
		"$JS.API.CONSUMER.DELETE.PARI_EVENTS.reporting",
	} {
		if r, err := reporting.Request(subject, []byte(`{"seq":1}`), 100*time.Millisecond); err == nil {
			t.Errorf("%s was answered: %s", subject, r.Data)
		}
	}
	if got := storedSubjects(t, n, ">")[cremonaEvents]; got != 1 {
		t.Fatalf("stream holds %d events, want 1", got)
	}
}

// Ensure the leaf lets a service send only its own partition, and admits no service of another node.
func TestLeaf_LimitsServices(t *testing.T) {
	t.Parallel()
	n := bustest.New(t, bustest.Cremona)
	intake := n.Connect(bustest.Cremona, "intake")
	const otherPartition = "pari.v1.lombardia.cremona.events.casemanagement.case.opened.v1"
	if _, err := intake.RequestMsg(event(otherPartition, "a"), silence); err == nil {
		t.Fatal("intake sent an event of casemanagement")
	}
	request(t, intake, cremonaEvents, "b")
	if got := storedSubjects(t, n, ">"); len(got) != 1 || got[cremonaEvents] != 1 {
		t.Fatalf("stream holds %v", got)
	}
	for _, id := range []identity.ID{
		nodeID("piemonte", "cuneo", "service", "intake"), nodeID("piemonte", "cremona", "service", "intake"),
	} {
		nc, err := nats.Connect(n.Leaf(bustest.Cremona).URL(), nats.Secure(n.ClientTLS(id)))
		if err == nil {
			nc.Close()
			t.Errorf("%s connected to the leaf of Cremona", id)
		}
	}
}
