package outbox_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/outbox"
	feedv1 "github.com/retepari/pari/proto/gen/pari/feed/v1"
)

// stored reads a column of the line.
func (b *bundle) stored(column string) (n int64) {
	b.t.Helper()
	tx, err := b.pool.Begin(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(b.t.Context()) }()
	if _, err := tx.Exec(b.t.Context(), `select set_config('app.node', $1, true)`, line.Node); err != nil {
		b.t.Fatal(err)
	}
	if err := tx.QueryRow(b.t.Context(), `select `+column+` from outbox_partition where node = $1`, line.Node).Scan(&n); err != nil {
		b.t.Fatal(err)
	}
	return n
}

func TestRelay_follows_the_watermark(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r, _ := b.start(b.config())
	b.writeMany(100)
	bustest.Eventually(t, func() bool { return r.Status().Published == 100 })
	centre := b.net.Signer(bus.CentreOwner)
	b.centre(centre, &feedv1.Watermark{Source: "intake", AcknowledgedSeq: 60})
	bustest.Eventually(t, func() bool { return b.stored("acknowledged_seq") == 60 })
	// Ensure that an old watermark that comes again takes nothing back.
	b.centre(centre, &feedv1.Watermark{Source: "intake", AcknowledgedSeq: 20})
	b.centre(centre, &feedv1.Watermark{Source: "intake", AcknowledgedSeq: 61})
	bustest.Eventually(t, func() bool { return b.stored("acknowledged_seq") == 61 })
	if s := r.Status(); s.Resends != 0 {
		t.Fatalf("status is %+v, wants no resend", s)
	}
}

func TestRelay_sends_again_what_the_centre_misses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.config()
	c.Batch = 8
	r, _ := b.start(c)
	b.writeMany(60)
	bustest.Eventually(t, func() bool { return r.Status().Published == 60 })
	b.centre(b.net.Signer(bus.CentreOwner), &feedv1.Watermark{Source: "intake", AcknowledgedSeq: 9, Missing: []*feedv1.SequenceRange{
		{First: 10, Last: 30}, {First: 33, Last: 33}, {First: 50, Last: 4000}, {First: 7, Last: 2}, {First: -5, Last: 0},
	}})
	bustest.Eventually(t, func() bool { return r.Status().Resends == 21+1+11 })
	events := b.stream()
	b.want(check(b.net.Keys(), events), verdict{events: 60, again: 33})
	for i, want := range map[int]int64{60: 10, 80: 30, 81: 33, 82: 50, 92: 60} {
		if events[i].NodeSeq != want {
			t.Errorf("message %d is event %d, wants %d", i, events[i].NodeSeq, want)
		}
	}
}

func TestRelay_sends_again_when_the_watermark_stands_still(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.config()
	c.ResendAfter = 50 * time.Millisecond
	r, _ := b.start(c)
	b.writeMany(20)
	bustest.Eventually(t, func() bool { return r.Status().Published == 20 })
	b.centre(b.net.Signer(bus.CentreOwner), &feedv1.Watermark{Source: "intake", AcknowledgedSeq: 15}) // it moved
	bustest.Eventually(t, func() bool { return r.Status().Acknowledged == 15 })                       // of two that come at once the relay reads the last alone
	b.centre(b.net.Signer(bus.CentreOwner), &feedv1.Watermark{Source: "intake", AcknowledgedSeq: 15}) // and stands
	bustest.Eventually(t, func() bool { return r.Status().Resends == 5 })
	b.want(check(b.net.Keys(), b.stream()), verdict{events: 20, again: 5})
}

func TestRelay_ignores_a_forged_watermark(t *testing.T) {
	t.Parallel()
	b := setup(t, bustest.Cremona, bustest.Cuneo)
	r, _ := b.start(b.config())
	b.writeMany(10)
	bustest.Eventually(t, func() bool { return r.Status().Published == 10 })
	all := &feedv1.Watermark{Source: "intake", AcknowledgedSeq: 10, Missing: []*feedv1.SequenceRange{{First: 1, Last: 10}}}
	nc := b.net.Centre("reporting")
	publish := func(m *nats.Msg, err error) {
		if err == nil {
			err = nc.PublishMsg(m)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	centre := b.net.Signer(bus.CentreOwner)
	// Signed by nodes, for another line, about another line, not signed at all.
	publish(bus.SignMessage(line.WatermarkSubject(), all, b.net.Signer("lombardia.cremona")))
	publish(bus.SignMessage(line.WatermarkSubject(), all, b.net.Signer("piemonte.cuneo")))
	m, err := bus.SignMessage("pari.down.v1.piemonte.cuneo.watermark.intake", all, centre)
	if err != nil {
		t.Fatal(err)
	}
	m.Subject = line.WatermarkSubject()
	publish(m, nil)
	publish(bus.SignMessage(line.WatermarkSubject(), &feedv1.Watermark{Source: "casemanagement", AcknowledgedSeq: 10}, centre))
	publish(&nats.Msg{Subject: line.WatermarkSubject(), Data: []byte("x")}, nil)
	// The genuine one comes last: once it counts, the others have been judged.
	publish(bus.SignMessage(line.WatermarkSubject(), &feedv1.Watermark{Source: "intake", AcknowledgedSeq: 3}, centre))
	bustest.Eventually(t, func() bool { return b.stored("acknowledged_seq") > 0 })
	if got := b.stored("acknowledged_seq"); got != 3 {
		t.Fatalf("confirmed up to %d, wants 3", got)
	}
	if s := r.Status(); s.Resends != 0 {
		t.Fatalf("status is %+v, wants no resend", s)
	}
}

// Ensure that a node that was restored from an older backup does not draw numbers that the centre knows already: their
// events would be taken for duplicates and lost.
func TestRelay_stops_when_the_centre_is_ahead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r, _ := b.start(b.config())
	b.writeMany(10)
	bustest.Eventually(t, func() bool { return r.Status().Published == 10 })
	b.centre(b.net.Signer(bus.CentreOwner), &feedv1.Watermark{Source: "intake", AcknowledgedSeq: 11})
	bustest.Eventually(t, func() bool { return r.Status().Blocked == outbox.BlockedRestored })
	b.writeMany(5)
	heard, err := b.net.Centre("reporting").SubscribeSync(line.HeartbeatSubject())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // three beats later nothing has been drawn
		if _, err := heard.NextMsg(5 * time.Second); err != nil {
			t.Fatal(err)
		}
	}
	if got := b.stored("last_seq"); got != 10 {
		t.Fatalf("drew up to %d, wants 10", got)
	}
}

// Ensure that the hub may lose its stream: what the centre has not applied comes again from the outbox.
func TestRelay_refills_a_hub_that_lost_its_store(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r, _ := b.start(b.config())
	b.writeMany(50)
	bustest.Eventually(t, func() bool { return r.Status().Published == 50 })
	b.net.StopHub()
	b.net.LoseStore()
	b.net.StartHub()
	if _, err := bus.EnsureStream(t.Context(), b.net.Centre("reporting"), bus.StreamOptions{}); err != nil {
		t.Fatal(err)
	}
	bustest.Eventually(t, func() bool {
		b.centre(b.net.Signer(bus.CentreOwner), &feedv1.Watermark{Source: "intake", Missing: []*feedv1.SequenceRange{{First: 1, Last: 50}}})
		return r.Status().Resends == 50
	})
	b.want(check(b.net.Keys(), b.stream()), verdict{events: 50})
}
