package natsserver_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/dev/testkit/natsserver"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/bus/natsconf"
	"github.com/retepari/pari/pkg/identity"
)

const (
	ownEvents   = "pari.v1.lombardia.cremona.events.intake.report.counted.v1"
	otherEvents = "pari.v1.piemonte.cuneo.events.intake.report.counted.v1"
)

// hostile is the leaf of a node whose machine belongs to somebody else: Cremona's certificate, no permissions of its own.
func hostile(t *testing.T, n *bustest.Network) *nats.Conn {
	t.Helper()
	id := natsconf.LeafID(bustest.TrustDomain, "lombardia", "cremona")
	files := natsconf.TLSIn(n.Identity(id))
	before := n.Hub().Leaves()
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
	bustest.Eventually(t, func() bool { return n.Hub().Leaves() == before+1 })
	nc, err := nats.Connect(s.URL(), nats.UserInfo("evil", "evil"), nats.CustomInboxPrefix("_INBOX.lombardia.cremona.evil"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	// From here on its own prefix works, so that a refusal below is a refusal and not a missing link.
	bustest.Eventually(t, func() bool {
		_, err := nc.RequestMsg(event(ownEvents, "hello"), time.Second)
		return err == nil
	})
	return nc
}

func event(subject, id string) *nats.Msg {
	return &nats.Msg{Subject: subject, Header: nats.Header{nats.MsgIdHdr: []string{id}}, Data: []byte("x")}
}

func stored(t *testing.T, n *bustest.Network, filter string) map[string]uint64 {
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

func TestHub_keeps_nodes_apart(t *testing.T) {
	t.Parallel()
	n := bustest.New(t, bustest.Cremona, bustest.Cuneo)
	evil := hostile(t, n)
	centre := n.Centre("reporting")
	victim := n.Connect(bustest.Cuneo, "intake")

	// Ensure that nothing published from Cremona is stored under Cuneo, whatever it is addressed to or answered to.
	t.Run("publishing under another prefix", func(t *testing.T) {
		for _, m := range []*nats.Msg{
			event(otherEvents, "forged-1"),
			event("pari.v1.piemonte.cuneo.heartbeat.intake", "forged-2"),
			{Subject: ownEvents, Reply: otherEvents, Header: nats.Header{nats.MsgIdHdr: []string{"own-1"}}, Data: []byte("x")},
			{Subject: ownEvents, Reply: "pari.v1.piemonte.cuneo.heartbeat.intake", Header: nats.Header{nats.MsgIdHdr: []string{"own-2"}}},
		} {
			if err := evil.PublishMsg(m); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := evil.RequestMsg(event(otherEvents, "forged-3"), 300*time.Millisecond); err == nil {
			t.Fatal("the hub acknowledged an event under another node's prefix")
		}
		if _, err := evil.RequestMsg(event(ownEvents, "barrier"), 3*time.Second); err != nil {
			t.Fatal(err)
		}
		if got := stored(t, n, ">"); got[ownEvents] != 4 || len(got) != 1 {
			t.Fatalf("stream holds %v, wants four events of Cremona and nothing else", got)
		}
	})

	// Ensure that a subscription of Cremona to everything hears what is meant for Cremona only.
	t.Run("listening", func(t *testing.T) {
		heard, err := evil.SubscribeSync(">")
		if err != nil {
			t.Fatal(err)
		}
		for _, subject := range []string{"pari.down.v1.piemonte.cuneo.>", "pari.down.v1.lombardia.cremona.>", "pari.>", "_INBOX.piemonte.cuneo.>", "_INBOX.>", "$SYS.>", "$JS.>"} {
			if _, err := evil.ChanSubscribe(subject, make(chan *nats.Msg, 100)); err != nil {
				t.Fatal(err)
			}
		}
		if err := evil.Flush(); err != nil {
			t.Fatal(err)
		}
		bustest.Eventually(t, func() bool {
			if err := centre.Publish("pari.down.v1.piemonte.cuneo.watermark.intake", []byte("for cuneo")); err != nil {
				t.Fatal(err)
			}
			if err := centre.Publish("pari.down.v1.lombardia.cremona.watermark.intake", []byte("for cremona")); err != nil {
				t.Fatal(err)
			}
			if _, err := victim.RequestMsg(event(otherEvents, nats.NewInbox()), 3*time.Second); err != nil {
				t.Fatal(err)
			}
			got := false
			for {
				m, err := heard.NextMsg(20 * time.Millisecond)
				if err != nil {
					return got
				}
				if m.Subject != "pari.down.v1.lombardia.cremona.watermark.intake" || string(m.Data) != "for cremona" {
					t.Fatalf("heard %s", m.Subject)
				}
				got = true
			}
		})
	})

	// Ensure that no watermark can be played to another node, and none under a false name into the centre's account.
	t.Run("answering for the centre", func(t *testing.T) {
		down, err := victim.SubscribeSync("pari.down.v1.piemonte.cuneo.watermark.intake")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []*nats.Msg{
			{Subject: "pari.down.v1.piemonte.cuneo.watermark.intake", Data: []byte("forged")},
			{Subject: ownEvents, Reply: "pari.down.v1.piemonte.cuneo.watermark.intake", Header: nats.Header{nats.MsgIdHdr: []string{"own-3"}}},
		} {
			if err := evil.PublishMsg(m); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := evil.RequestMsg(event(ownEvents, "barrier-2"), 3*time.Second); err != nil {
			t.Fatal(err)
		}
		bustest.Eventually(t, func() bool {
			if err := centre.Publish("pari.down.v1.piemonte.cuneo.watermark.intake", []byte("true")); err != nil {
				t.Fatal(err)
			}
			m, err := down.NextMsg(50 * time.Millisecond)
			if err != nil {
				return false
			}
			if string(m.Data) != "true" {
				t.Fatalf("victim heard %q", m.Data)
			}
			return true
		})
	})

	// Ensure that no call of the JetStream API is answered, by any name of it.
	t.Run("reading the stream", func(t *testing.T) {
		for _, prefix := range []string{"$JS.API.", "$JS.hub.API."} {
			for _, verb := range []string{
				"INFO", "STREAM.NAMES", "STREAM.LIST", "STREAM.INFO.PARI_EVENTS", "STREAM.MSG.GET.PARI_EVENTS", "DIRECT.GET.PARI_EVENTS",
				"CONSUMER.NAMES.PARI_EVENTS", "CONSUMER.CREATE.PARI_EVENTS", "CONSUMER.CREATE.PARI_EVENTS.spy", "CONSUMER.DURABLE.CREATE.PARI_EVENTS.spy",
				"CONSUMER.MSG.NEXT.PARI_EVENTS.reporting", "STREAM.PURGE.PARI_EVENTS", "STREAM.DELETE.PARI_EVENTS", "STREAM.CREATE.MINE", "STREAM.SNAPSHOT.PARI_EVENTS",
			} {
				if m, err := evil.Request(prefix+verb, []byte(`{"seq":1}`), 50*time.Millisecond); err == nil {
					t.Errorf("%s%s was answered with %d bytes", prefix, verb, len(m.Data))
				}
			}
		}
	})

	// Ensure that broker headers give a node no power over the stream.
	t.Run("commanding by header", func(t *testing.T) {
		before := stored(t, n, ">")[ownEvents]
		for header, value := range map[string]string{
			"Nats-Rollup": "all", "Nats-TTL": "1s", "Nats-Incr": "5", "Nats-Schedule": "@at 2026-01-01T00:00:00Z",
			"Nats-Stream-Source": "PARI_EVENTS 1 > > x", "Nats-Expected-Stream": "OTHER",
		} {
			m := event(ownEvents, "header-"+strings.ToLower(header))
			m.Header.Set(header, value)
			if r, err := evil.RequestMsg(m, 3*time.Second); err == nil && !strings.Contains(string(r.Data), `"error"`) && header != "Nats-Stream-Source" {
				t.Errorf("%s was accepted: %s", header, r.Data)
			}
		}
		if after := stored(t, n, ">")[ownEvents]; after < before {
			t.Fatalf("events went from %d to %d", before, after)
		}
	})
}

func TestHub_lets_in_by_certificate(t *testing.T) {
	t.Parallel()
	n := bustest.New(t, bustest.Cremona)
	stranger := bustest.New(t)
	id := func(region, node, kind, name string) identity.ID {
		return identity.ID{TrustDomain: bustest.TrustDomain, Region: region, Node: node, Kind: kind, Name: name}
	}
	nobody := identity.ID{}
	dial := func(net *bustest.Network, id identity.ID) error {
		opts := []nats.Option{nats.Timeout(2 * time.Second)}
		if id != nobody {
			opts = append(opts, nats.Secure(net.ClientTLS(id)))
		}
		nc, err := nats.Connect(n.HubURL(), opts...)
		if err == nil {
			nc.Close()
		}
		return err
	}
	reporting := id("all", "centre", "service", "reporting")
	for _, c := range []struct {
		name string
		net  *bustest.Network
		id   identity.ID
		in   bool
	}{
		{"reporting", n, reporting, true},
		{"monitor", n, id("all", "centre", "ops", "monitor"), true},
		{"reporting of another authority", stranger, reporting, false},
		{"nobody", n, nobody, false},
		{"a leaf as a client", n, natsconf.LeafID(bustest.TrustDomain, "lombardia", "cremona"), false},
		{"a service of a node that has a leaf", n, id("lombardia", "cremona", "service", "intake"), false},
		{"reporting of a node", n, id("lombardia", "cremona", "service", "reporting"), false},
		{"another service of the centre", n, id("all", "centre", "service", "intake"), false},
		{"another trust domain", n, identity.ID{TrustDomain: "other.test", Region: "all", Node: "centre", Kind: "service", Name: "reporting"}, false},
		{"the hub itself", n, natsconf.HubID(bustest.TrustDomain), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := dial(c.net, c.id); (err == nil) != c.in {
				t.Fatalf("connected: %v, wants %v (%v)", err == nil, c.in, err)
			}
		})
	}
}

func TestHub_gives_the_centre_no_more_than_it_needs(t *testing.T) {
	t.Parallel()
	n := bustest.New(t, bustest.Cremona)
	centre := n.Centre("reporting")
	if _, err := n.Connect(bustest.Cremona, "intake").RequestMsg(event(ownEvents, "one"), 3*time.Second); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()

	// Ensure that reporting can make its consumer and take what is there.
	consumer, err := bus.EnsureConsumer(ctx, centre, "reporting")
	if err != nil {
		t.Fatal(err)
	}
	msg, err := consumer.Next(jetstream.FetchMaxWait(3 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if err := msg.DoubleAck(ctx); err != nil {
		t.Fatalf("acknowledgement: %v", err)
	}
	// Ensure that it cannot write, delete or purge, though it reads.
	for _, subject := range []string{
		ownEvents, "$JS.API.STREAM.PURGE.PARI_EVENTS", "$JS.API.STREAM.DELETE.PARI_EVENTS", "$JS.API.STREAM.MSG.DELETE.PARI_EVENTS",
		"$JS.API.STREAM.CREATE.OTHER", "$JS.API.CONSUMER.DELETE.PARI_EVENTS.reporting",
	} {
		if r, err := centre.Request(subject, []byte(`{"seq":1}`), 100*time.Millisecond); err == nil {
			t.Errorf("%s was answered: %s", subject, r.Data)
		}
	}
	if got := stored(t, n, ">")[ownEvents]; got != 1 {
		t.Fatalf("stream holds %d events, wants 1", got)
	}
}

// Ensure that the centre's directory sends what it counts on its own line of every region, and on no other, that it hears the
// watermarks of that line alone, and that no node can speak in its name.
func TestHub_gives_the_directory_its_own_lines(t *testing.T) {
	t.Parallel()
	n := bustest.New(t, bustest.Cremona)
	directory, reporting := n.Centre("directory"), n.Centre("reporting")
	mine := []string{"pari.v1.lombardia.centre.events.directory.activity.counted.v1", "pari.v1.piemonte.centre.events.directory.programme.counted.v1"}
	for _, subject := range mine {
		if _, err := directory.RequestMsg(event(subject, subject), 3*time.Second); err != nil {
			t.Errorf("%s: %v", subject, err)
		}
	}
	for _, subject := range []string{
		ownEvents, "pari.v1.lombardia.cremona.events.directory.activity.counted.v1", "pari.v1.lombardia.centre.events.intake.report.counted.v1",
		"pari.v1.all.centre.heartbeat.intake", "$JS.API.STREAM.INFO.PARI_EVENTS",
	} {
		if _, err := directory.RequestMsg(event(subject, subject), 200*time.Millisecond); err == nil {
			t.Errorf("the directory was let send on %s", subject)
		}
	}
	heartbeats, err := reporting.SubscribeSync(bus.AllHeartbeats)
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan string, 100)
	if _, err := directory.Subscribe("pari.down.v1.*.centre.watermark.directory", func(m *nats.Msg) { heard <- m.Subject }); err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{"pari.down.v1.lombardia.cremona.watermark.intake", "pari.down.v1.>", "pari.v1.>"} {
		if _, err := directory.Subscribe(subject, func(m *nats.Msg) { heard <- "spied: " + m.Subject }); err != nil {
			t.Fatal(err)
		}
	}
	bustest.Eventually(t, func() bool {
		for _, to := range []string{"pari.down.v1.lombardia.cremona.watermark.intake", "pari.down.v1.lombardia.centre.watermark.directory"} {
			if err := reporting.Publish(to, nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := directory.Publish("pari.v1.lombardia.centre.heartbeat.directory", nil); err != nil {
			t.Fatal(err)
		}
		m, err := heartbeats.NextMsg(20 * time.Millisecond)
		return err == nil && m.Subject == "pari.v1.lombardia.centre.heartbeat.directory" && len(heard) > 0
	})
	for len(heard) > 0 {
		if subject := <-heard; subject != "pari.down.v1.lombardia.centre.watermark.directory" {
			t.Errorf("the directory heard %s", subject)
		}
	}
	evil := hostile(t, n)
	for _, subject := range mine {
		if _, err := evil.RequestMsg(event(subject, "forged "+subject), 200*time.Millisecond); err == nil {
			t.Errorf("a node was let send on %s", subject)
		}
	}
	if got := stored(t, n, "pari.v1.*.centre.>"); len(got) != 2 || got[mine[0]] != 1 || got[mine[1]] != 1 {
		t.Errorf("the stream holds %v", got)
	}
}

func TestLeaf_keeps_services_apart(t *testing.T) {
	t.Parallel()
	n := bustest.New(t, bustest.Cremona)
	intake := n.Connect(bustest.Cremona, "intake")
	// Ensure that intake cannot send on the line of case-management.
	foreign := "pari.v1.lombardia.cremona.events.casemanagement.case.opened.v1"
	if _, err := intake.RequestMsg(event(foreign, "a"), 300*time.Millisecond); err == nil {
		t.Fatal("intake sent an event of casemanagement")
	}
	if _, err := intake.RequestMsg(event(ownEvents, "b"), 3*time.Second); err != nil {
		t.Fatal(err)
	}
	if got := stored(t, n, ">"); len(got) != 1 || got[ownEvents] != 1 {
		t.Fatalf("stream holds %v", got)
	}
	// Ensure that a service of another node finds no door here.
	cfg := n.ClientTLS(identity.ID{TrustDomain: bustest.TrustDomain, Region: "piemonte", Node: "cuneo", Kind: identity.KindService, Name: "intake"})
	if nc, err := nats.Connect(n.Leaf(bustest.Cremona).URL(), nats.Secure(cfg)); err == nil {
		nc.Close()
		t.Fatal("a service of Cuneo connected to the leaf of Cremona")
	}
}
