package natsconf_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/pkg/bus"
)

const (
	directoryActivity  = "pari.v1.lombardia.centre.events.directory.activity.counted.v1"
	directoryProgramme = "pari.v1.piemonte.centre.events.directory.programme.counted.v1"
	directoryHeartbeat = "pari.v1.lombardia.centre.heartbeat.directory"
	directoryWatermark = "pari.down.v1.lombardia.centre.watermark.directory"
)

// Ensure a node can request only its own copy of the directory and gets the answer, and that it can neither request,
// answer nor announce in another's name.
func TestHub_IsolatesDirectoryRequests(t *testing.T) {
	t.Parallel()
	n := bustest.New(t, bustest.Cremona, bustest.Cuneo)
	evil := hostileLeaf(t, n)
	centre, cuneo := n.Centre("directory"), n.Connect(bustest.Cuneo, "directory")
	ofCremona, ofCuneo := bus.DirectoryRequest(bustest.Cremona), bus.DirectoryRequest(bustest.Cuneo)
	requests := make(chan string, 100)
	if _, err := centre.Subscribe(bus.AllDirectoryRequests, func(m *nats.Msg) {
		requests <- m.Subject
		_ = centre.Publish(m.Reply, []byte("for "+m.Subject))
	}); err != nil {
		t.Fatal(err)
	}
	for nc, subject := range map[*nats.Conn]string{cuneo: ofCuneo, evil: ofCremona} {
		bustest.Eventually(t, func() bool {
			m, err := nc.Request(subject, nil, time.Second)
			return err == nil && string(m.Data) == "for "+subject
		})
		for len(requests) > 0 {
			<-requests
		}
	}
	if m, err := evil.Request(ofCuneo, nil, silence); err == nil {
		t.Errorf("a request as another node was answered with %q", m.Data)
	}
	updates, spied := subscribe(t, cuneo, bus.DirectoryAnnouncements), subscribe(t, evil, "_INBOX.piemonte.cuneo.>")
	publish(t, evil,
		// Its own request, with the inbox of another node.
		&nats.Msg{Subject: ofCremona, Reply: "_INBOX.piemonte.cuneo.directory.x"},
		&nats.Msg{Subject: bus.DirectoryAnnouncements, Data: []byte("forged")},
		&nats.Msg{Subject: ofCremona, Reply: bus.DirectoryAnnouncements, Data: []byte("forged")},
	)
	for nc, subject := range map[*nats.Conn]string{cuneo: ofCuneo, evil: ofCremona} { // everything before is handled
		if _, err := nc.Request(subject, nil, replyTimeout); err != nil {
			t.Fatal(err)
		}
	}
	onlyReceives(t, updates, centre, bus.DirectoryAnnouncements)
	if m, err := spied.NextMsg(50 * time.Millisecond); err == nil {
		t.Errorf("Cremona received an answer to Cuneo: %q", m.Data)
	}
	for len(requests) > 0 {
		if subject := <-requests; subject != ofCremona && subject != ofCuneo {
			t.Errorf("the centre received %s", subject)
		}
	}
}

// Ensure neither the centre's directory nor a node's can read the stream or send an event of another service.
func TestHub_LimitsDirectory(t *testing.T) {
	t.Parallel()
	n := bustest.New(t, bustest.Cremona)
	for name, nc := range map[string]*nats.Conn{
		"centre": n.Centre("directory"), "node": n.Connect(bustest.Cremona, "directory"),
	} {
		for _, subject := range []string{
			cremonaEvents, cremonaWatermarks, "pari.v1.lombardia.cremona.heartbeat.intake",
			"$JS.API.STREAM.INFO.PARI_EVENTS", "$JS.API.CONSUMER.CREATE.PARI_EVENTS.spy",
		} {
			if m, err := nc.Request(subject, nil, 100*time.Millisecond); err == nil {
				t.Errorf("directory of the %s: %s was answered with %q", name, subject, m.Data)
			}
		}
	}
	if got := storedSubjects(t, n, ">"); len(got) != 0 {
		t.Errorf("stream holds %v", got)
	}
}

// Ensure the centre's directory can send only its own partition of each region, receives only the watermarks of that
// partition, and that no node can send in its name.
func TestHub_GivesDirectoryItsPartitions(t *testing.T) {
	t.Parallel()
	n := bustest.New(t, bustest.Cremona)
	directory, reporting := n.Centre("directory"), n.Centre("reporting")
	own := []string{directoryActivity, directoryProgramme}
	for _, subject := range own {
		request(t, directory, subject, subject)
	}
	for _, subject := range []string{
		cremonaEvents,
		"pari.v1.lombardia.cremona.events.directory.activity.counted.v1",
		"pari.v1.lombardia.centre.events.intake.report.counted.v1",
		"pari.v1.all.centre.heartbeat.intake",
		"$JS.API.STREAM.INFO.PARI_EVENTS",
	} {
		if _, err := directory.RequestMsg(event(subject, subject), silence); err == nil {
			t.Errorf("the directory sent a message on %s", subject)
		}
	}
	testDirectoryWatermarks(t, directory, reporting)
	evil := hostileLeaf(t, n)
	for _, subject := range own {
		if _, err := evil.RequestMsg(event(subject, "forged "+subject), silence); err == nil {
			t.Errorf("a node sent a message on %s", subject)
		}
	}
	got := storedSubjects(t, n, "pari.v1.*.centre.>")
	if len(got) != 2 || got[directoryActivity] != 1 || got[directoryProgramme] != 1 {
		t.Errorf("stream holds %v", got)
	}
}

func testDirectoryWatermarks(t *testing.T, directory, reporting *nats.Conn) {
	t.Helper()
	heartbeats := subscribe(t, reporting, bus.AllHeartbeats)
	received := make(chan string, 100)
	for subscription, label := range map[string]string{
		"pari.down.v1.*.centre.watermark.directory": "",
		// The broker must refuse these.
		cremonaWatermarks: "refused: ", "pari.down.v1.>": "refused: ", "pari.v1.>": "refused: ",
	} {
		handle := func(m *nats.Msg) { received <- label + m.Subject }
		if _, err := directory.Subscribe(subscription, handle); err != nil {
			t.Fatal(err)
		}
	}
	bustest.Eventually(t, func() bool {
		publish(t, reporting, &nats.Msg{Subject: cremonaWatermarks}, &nats.Msg{Subject: directoryWatermark})
		publish(t, directory, &nats.Msg{Subject: directoryHeartbeat})
		m, err := heartbeats.NextMsg(20 * time.Millisecond)
		return err == nil && m.Subject == directoryHeartbeat && len(received) > 0
	})
	for len(received) > 0 {
		if subject := <-received; subject != directoryWatermark {
			t.Errorf("the directory received %s", subject)
		}
	}
}
