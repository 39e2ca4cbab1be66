package natsserver_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/pkg/bus"
)

// Ensure that a node asks for its own copy of the directory only, is answered, and can neither ask nor answer nor announce for
// anybody else.
func TestHub_keeps_copies_of_the_directory_apart(t *testing.T) {
	t.Parallel()
	n := bustest.New(t, bustest.Cremona, bustest.Cuneo)
	evil := hostile(t, n)
	centre, cuneo := n.Centre("directory"), n.Connect(bustest.Cuneo, "directory")
	own, other := bus.DirectoryRequest("lombardia", "cremona"), bus.DirectoryRequest("piemonte", "cuneo")
	asked := make(chan string, 100)
	if _, err := centre.Subscribe(bus.AllDirectoryRequests, func(m *nats.Msg) {
		asked <- m.Subject
		_ = centre.Publish(m.Reply, []byte("for "+m.Subject))
	}); err != nil {
		t.Fatal(err)
	}
	for nc, subject := range map[*nats.Conn]string{cuneo: other, evil: own} {
		bustest.Eventually(t, func() bool {
			m, err := nc.Request(subject, nil, time.Second)
			return err == nil && string(m.Data) == "for "+subject
		})
		for len(asked) > 0 {
			<-asked
		}
	}
	if m, err := evil.Request(other, nil, 300*time.Millisecond); err == nil {
		t.Errorf("asked as another node, and was answered %q", m.Data)
	}
	// The question is its own, the answer would reach another node.
	if err := evil.PublishRequest(own, "_INBOX.piemonte.cuneo.directory.x", nil); err != nil {
		t.Fatal(err)
	}
	heard, err := cuneo.SubscribeSync(bus.DirectoryUpdates)
	if err != nil {
		t.Fatal(err)
	}
	spied, err := evil.SubscribeSync("_INBOX.piemonte.cuneo.>")
	if err != nil {
		t.Fatal(err)
	}
	for _, forged := range []*nats.Msg{
		{Subject: bus.DirectoryUpdates, Data: []byte("forged")}, {Subject: own, Reply: bus.DirectoryUpdates, Data: []byte("forged")},
	} {
		if err := evil.PublishMsg(forged); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := evil.Request(own, nil, 3*time.Second); err != nil { // what was sent before has been dealt with
		t.Fatal(err)
	}
	if _, err := cuneo.Request(other, nil, 3*time.Second); err != nil {
		t.Fatal(err)
	}
	bustest.Eventually(t, func() bool {
		if err := centre.Publish(bus.DirectoryUpdates, []byte("true")); err != nil {
			t.Fatal(err)
		}
		m, err := heard.NextMsg(50 * time.Millisecond)
		if err != nil {
			return false
		}
		if string(m.Data) != "true" {
			t.Fatalf("Cuneo heard %q", m.Data)
		}
		return true
	})
	if m, err := spied.NextMsg(50 * time.Millisecond); err == nil {
		t.Errorf("Cremona heard an answer to Cuneo: %q", m.Data)
	}
	for len(asked) > 0 {
		if subject := <-asked; subject != own && subject != other {
			t.Errorf("the centre heard %s", subject)
		}
	}
}

// Ensure that the centre's directory neither reads nor writes events, and that a node's can send none.
func TestHub_gives_the_directory_no_more_than_it_needs(t *testing.T) {
	t.Parallel()
	n := bustest.New(t, bustest.Cremona)
	for who, nc := range map[string]*nats.Conn{"the centre's": n.Centre("directory"), "a node's": n.Connect(bustest.Cremona, "directory")} {
		for _, subject := range []string{
			ownEvents, "pari.v1.lombardia.cremona.heartbeat.intake", "$JS.API.STREAM.INFO.PARI_EVENTS", "$JS.API.CONSUMER.CREATE.PARI_EVENTS.spy",
			"pari.down.v1.lombardia.cremona.watermark.intake",
		} {
			if m, err := nc.Request(subject, nil, 100*time.Millisecond); err == nil {
				t.Errorf("%s directory: %s was answered %q", who, subject, m.Data)
			}
		}
	}
	if got := stored(t, n, ">"); len(got) != 0 {
		t.Errorf("stream holds %v", got)
	}
}
