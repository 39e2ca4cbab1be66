package natsconf_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/tenant"
)

const (
	cremonaWatermarks = "pari.down.v1.lombardia.cremona.watermark.intake"
	cuneoWatermarks   = "pari.down.v1.piemonte.cuneo.watermark.intake"
	cuneoHeartbeats   = "pari.v1.piemonte.cuneo.heartbeat.intake"
)

func TestHub_IsolatesNodes(t *testing.T) {
	t.Parallel()
	n := bustest.New(t, bustest.Cremona, bustest.Cuneo)
	evil := hostileLeaf(t, n)
	centre := n.Centre("reporting")
	victim := n.Connect(bustest.Cuneo, "intake")

	// Ensure nothing that Cremona publishes is stored under Cuneo, neither by its subject nor by its reply subject.
	t.Run("publish under another prefix", func(t *testing.T) {
		publish(t, evil,
			event(cuneoEvents, "forged-1"),
			event(cuneoHeartbeats, "forged-2"),
			eventReplyingTo(cremonaEvents, "own-1", cuneoEvents),
			eventReplyingTo(cremonaEvents, "own-2", cuneoHeartbeats),
		)
		if _, err := evil.RequestMsg(event(cuneoEvents, "forged-3"), silence); err == nil {
			t.Fatal("the hub acknowledged an event under another node's prefix")
		}
		request(t, evil, cremonaEvents, "barrier-1")
		if got := storedSubjects(t, n, ">"); got[cremonaEvents] != 4 || len(got) != 1 {
			t.Fatalf("stream holds %v, want four events of Cremona and no others", got)
		}
	})

	// Ensure a subscription of Cremona to all subjects receives only messages for Cremona.
	t.Run("subscribe to everything", func(t *testing.T) { testWildcardSubscription(t, evil, centre, victim) })

	// Ensure Cremona can send no watermark to another node, neither by subject nor by reply subject.
	t.Run("publish as the centre", func(t *testing.T) {
		watermarks := subscribe(t, victim, cuneoWatermarks)
		publish(t, evil,
			&nats.Msg{Subject: cuneoWatermarks, Data: []byte("forged")},
			eventReplyingTo(cremonaEvents, "own-3", cuneoWatermarks),
		)
		request(t, evil, cremonaEvents, "barrier-2")
		onlyReceives(t, watermarks, centre, cuneoWatermarks)
	})

	// Ensure the JetStream API answers no request of a node, under either of its prefixes.
	t.Run("call the JetStream API", func(t *testing.T) {
		for _, prefix := range []string{"$JS.API.", "$JS.hub.API."} {
			for _, verb := range []string{
				"INFO", "STREAM.NAMES", "STREAM.LIST", "STREAM.INFO.PARI_EVENTS", "STREAM.MSG.GET.PARI_EVENTS",
				"DIRECT.GET.PARI_EVENTS", "CONSUMER.NAMES.PARI_EVENTS", "CONSUMER.CREATE.PARI_EVENTS",
				"CONSUMER.CREATE.PARI_EVENTS.spy", "CONSUMER.DURABLE.CREATE.PARI_EVENTS.spy",
				"CONSUMER.MSG.NEXT.PARI_EVENTS.reporting", "STREAM.PURGE.PARI_EVENTS", "STREAM.DELETE.PARI_EVENTS",
				"STREAM.CREATE.MINE", "STREAM.SNAPSHOT.PARI_EVENTS",
			} {
				if m, err := evil.Request(prefix+verb, []byte(`{"seq":1}`), 50*time.Millisecond); err == nil {
					t.Errorf("%s%s was answered with %d bytes", prefix, verb, len(m.Data))
				}
			}
		}
	})

	// Ensure JetStream headers give a node no power over the stream.
	t.Run("send JetStream headers", func(t *testing.T) {
		before := storedSubjects(t, n, ">")[cremonaEvents]
		for header, value := range map[string]string{
			"Nats-Rollup": "all", "Nats-TTL": "1s", "Nats-Incr": "5", "Nats-Schedule": "@at 2026-01-01T00:00:00Z",
			"Nats-Stream-Source": "PARI_EVENTS 1 > > x", "Nats-Expected-Stream": "OTHER",
		} {
			m := event(cremonaEvents, "header-"+strings.ToLower(header))
			m.Header.Set(header, value)
			reply, err := evil.RequestMsg(m, replyTimeout)
			refused := err != nil || strings.Contains(string(reply.Data), `"error"`)
			if !refused {
				t.Errorf("%s was accepted: %s", header, reply.Data)
			}
		}
		if after := storedSubjects(t, n, ">")[cremonaEvents]; after < before {
			t.Fatalf("the number of events fell from %d to %d", before, after)
		}
	})
}

func testWildcardSubscription(t *testing.T, evil, centre, victim *nats.Conn) {
	received := subscribe(t, evil, ">")
	for _, subject := range []string{
		"pari.down.v1.piemonte.cuneo.>", "pari.down.v1.lombardia.cremona.>", "pari.>", "_INBOX.piemonte.cuneo.>",
		"_INBOX.>", "$SYS.>", "$JS.>",
	} {
		if _, err := evil.ChanSubscribe(subject, make(chan *nats.Msg, 100)); err != nil {
			t.Fatal(err)
		}
	}
	if err := evil.Flush(); err != nil {
		t.Fatal(err)
	}
	bustest.Eventually(t, func() bool {
		publish(t, centre,
			&nats.Msg{Subject: cuneoWatermarks, Data: []byte("for cuneo")},
			&nats.Msg{Subject: cremonaWatermarks, Data: []byte("for cremona")},
		)
		request(t, victim, cuneoEvents, nats.NewInbox())
		for found := false; ; found = true {
			m, err := received.NextMsg(20 * time.Millisecond)
			if err != nil {
				return found
			}
			if m.Subject != cremonaWatermarks || string(m.Data) != "for cremona" {
				t.Fatalf("received a message on %s", m.Subject)
			}
		}
	})
}

// Ensure a node has no power over a node of the same name in another region.
func TestHub_IsolatesNamesakes(t *testing.T) {
	t.Parallel()
	namesake := tenant.ID{Region: "piemonte", Node: bustest.Cremona.Node}
	n := bustest.New(t, bustest.Cremona, namesake)
	evil, victim, centre := hostileLeaf(t, n), n.Connect(namesake, "intake"), n.Centre("reporting")
	partition := bus.Partition{Tenant: namesake, Source: "intake"}
	events, err := partition.EventSubject("it.pari.report.counted.v1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := evil.RequestMsg(event(events, "forged"), silence); err == nil {
		t.Error("the hub acknowledged an event in the name of a namesake")
	}
	request(t, victim, events, "genuine")
	if got := storedSubjects(t, n, ">"); got[events] != 1 {
		t.Errorf("the stream holds %v", got)
	}
	watermarks := subscribe(t, victim, partition.WatermarkSubject())
	publish(t, evil, &nats.Msg{Subject: partition.WatermarkSubject(), Data: []byte("forged")})
	request(t, evil, cremonaEvents, "barrier")
	onlyReceives(t, watermarks, centre, partition.WatermarkSubject())
	spied := subscribe(t, evil, ">")
	bustest.Eventually(t, func() bool {
		publish(t, centre, &nats.Msg{Subject: partition.WatermarkSubject()}, &nats.Msg{Subject: cremonaWatermarks})
		m, err := spied.NextMsg(20 * time.Millisecond)
		if err == nil && m.Subject != cremonaWatermarks {
			t.Fatalf("received a message on %s", m.Subject)
		}
		return err == nil
	})
}
