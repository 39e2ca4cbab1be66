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

// watermark acknowledges the partition up to seq.
func watermark(seq int64, missing ...*feedv1.SequenceRange) *feedv1.Watermark {
	return &feedv1.Watermark{Source: "intake", AcknowledgedSeq: seq, Missing: missing}
}

func missing(first, last int64) *feedv1.SequenceRange {
	return &feedv1.SequenceRange{First: first, Last: last}
}

// Ensure the acknowledged offset follows the watermark, and an old watermark takes nothing back.
func TestRelay_AppliesTheWatermark(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	r, _ := e.start(e.config())
	e.appendMany(100)
	bustest.Eventually(t, func() bool { return r.Status().Published == 100 })
	e.sendWatermark(watermark(60))
	bustest.Eventually(t, func() bool { return e.partitionColumn("acknowledged_seq") == 60 })
	e.sendWatermark(watermark(20))
	e.sendWatermark(watermark(61))
	bustest.Eventually(t, func() bool { return e.partitionColumn("acknowledged_seq") == 61 })
	if s := r.Status(); s.Resends != 0 || s.Acknowledged != 61 {
		t.Fatalf("status is %+v, want no resend", s)
	}
}

// Ensure events that the centre misses are sent again in order, and ranges that make no sense are ignored.
func TestRelay_ResendsMissingEvents(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	c := e.config()
	c.Batch = 8
	r, _ := e.start(c)
	e.appendMany(60)
	bustest.Eventually(t, func() bool { return r.Status().Published == 60 })
	e.sendWatermark(watermark(9, missing(10, 30), missing(33, 33), missing(50, 4000), missing(7, 2), missing(-5, 0)))
	bustest.Eventually(t, func() bool { return r.Status().Resends == 21+1+11 })
	events := e.stream()
	e.expect(events, summary{events: 60, duplicates: 33})
	for i, want := range map[int]int64{60: 10, 80: 30, 81: 33, 82: 50, 92: 60} {
		if events[i].NodeSeq != want {
			t.Errorf("message %d is event %d, want %d", i, events[i].NodeSeq, want)
		}
	}
	// A second resend has another message id, or the hub would drop it.
	bustest.Eventually(t, func() bool {
		e.sendWatermark(watermark(9, missing(10, 10)))
		return r.Status().Resends > 33
	})
	bustest.Eventually(t, func() bool { return len(e.stream()) > 93 })
}

// Ensure what was published is sent again when watermarks arrive but do not advance.
func TestRelay_ResendsWhenTheWatermarkStandsStill(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	c := e.config()
	c.ResendAfter = 50 * time.Millisecond
	r, _ := e.start(c)
	e.appendMany(20)
	bustest.Eventually(t, func() bool { return r.Status().Published == 20 })
	e.sendWatermark(watermark(15)) // it advances
	bustest.Eventually(t, func() bool { return r.Status().Acknowledged == 15 })
	e.sendWatermark(watermark(15)) // it stands still
	bustest.Eventually(t, func() bool { return r.Status().Resends == 5 })
	e.expectStream(summary{events: 20, duplicates: 5})
}

// startAcknowledged starts a relay whose twenty events the centre has acknowledged.
func (e *env) startAcknowledged() *outbox.Relay {
	e.t.Helper()
	c := e.config()
	c.BehindAfter = 50 * time.Millisecond
	r, _ := e.start(c)
	e.appendMany(20)
	bustest.Eventually(e.t, func() bool { return r.Status().Published == 20 })
	e.sendWatermark(watermark(20))
	bustest.Eventually(e.t, func() bool { return e.partitionColumn("acknowledged_seq") == 20 })
	return r
}

// sendUntil sends a watermark again and again until cond holds, as the centre does.
func (e *env) sendUntil(seq int64, cond func() bool) {
	e.t.Helper()
	bustest.Eventually(e.t, func() bool { e.sendWatermark(watermark(seq)); return cond() })
}

// Ensure a running relay sends again what a centre that was restored from a backup lacks, and shows how much that is.
func TestRelay_FollowsACentreThatWentBack(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	r := e.startAcknowledged()
	e.sendUntil(5, func() bool { return r.Status().Resends == 15 })
	if s := r.Status(); s.Acknowledged != 5 || s.Regressed != 15 || s.Blocked != "" {
		t.Errorf("status is %+v", s)
	}
	e.appendMany(4)
	r.Wake()
	bustest.Eventually(t, func() bool { return r.Status().Published == 24 })
	e.sendUntil(24, func() bool { return r.Status().Acknowledged == 24 })
	bustest.Eventually(t, func() bool { return r.Status().Regressed == 0 })
	if s := r.Status(); s.Resends != 15 {
		t.Errorf("status is %+v", s)
	}
	e.expectStream(summary{events: 24, duplicates: 15})
}

// Ensure a running relay stops when a centre that was restored lacks events that were pruned here, prunes no more, and
// goes on when the centre has got them from the hub.
func TestRelay_StopsWhenTheCentreLacksPrunedEvents(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	r := e.startAcknowledged()
	e.asOwner(`set app.tenant = 'lombardia/cremona'; delete from outbox where node_seq <= 10`)
	e.sendUntil(3, func() bool { return r.Status().Blocked == outbox.BlockedPruned })
	e.appendMany(4)
	r.Wake()
	e.sendUntil(9, func() bool { return r.Status().Acknowledged == 9 })
	if s := r.Status(); s.Blocked != outbox.BlockedPruned || s.LastSeq != 20 || s.Regressed != 11 || s.Resends != 0 {
		t.Errorf("status is %+v", s)
	}
	e.sendUntil(12, func() bool { return r.Status().Published == 24 })
	if s := r.Status(); s.Blocked != "" || s.Resends != 8 {
		t.Errorf("status is %+v", s)
	}
}

// Ensure a running relay stops when a centre that went back has another event there.
func TestRelay_ComparesACentreThatWentBack(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	r := e.startAcknowledged()
	bustest.Eventually(t, func() bool {
		e.sendWatermark(&feedv1.Watermark{Source: "intake", AcknowledgedSeq: 5, AcknowledgedHash: make([]byte, 32)})
		return r.Status().Blocked == outbox.BlockedRestored
	})
	if s := r.Status(); s.Resends != 0 {
		t.Errorf("status is %+v", s)
	}
}

// Ensure only a watermark that the centre signed for this partition has an effect.
func TestRelay_IgnoresForgedWatermarks(t *testing.T) {
	t.Parallel()
	e := newEnv(t, bustest.Cremona, bustest.Cuneo)
	r, _ := e.start(e.config())
	e.appendMany(10)
	bustest.Eventually(t, func() bool { return r.Status().Published == 10 })
	forged, genuine := watermark(10, missing(1, 10)), watermark(3)
	for w, hash := range map[*feedv1.Watermark]bus.Hash{forged: e.hashAt(10), genuine: e.hashAt(3)} {
		w.AcknowledgedHash = hash[:]
	}
	nc := e.net.Centre("reporting")
	publish := func(m *nats.Msg, err error) {
		if err == nil {
			err = nc.PublishMsg(m)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	subject, centre := partition.WatermarkSubject(), e.net.Signer(bus.CentreOwner)
	// Signed by nodes, for another partition, about another service, without a hash, not signed.
	publish(bus.SignMessage(subject, forged, e.net.Signer("lombardia.cremona")))
	publish(bus.SignMessage(subject, forged, e.net.Signer("piemonte.cuneo")))
	elsewhere, err := bus.SignMessage("pari.down.v1.piemonte.cuneo.watermark.intake", forged, centre)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere.Subject = subject
	publish(elsewhere, nil)
	publish(bus.SignMessage(subject, &feedv1.Watermark{
		Source: "casemanagement", AcknowledgedSeq: 10, AcknowledgedHash: forged.GetAcknowledgedHash(),
	}, centre))
	publish(bus.SignMessage(subject, watermark(10), centre)) // without a hash
	publish(&nats.Msg{Subject: subject, Data: []byte("x")}, nil)
	// The genuine one comes last: once it has an effect, the others have been handled.
	publish(bus.SignMessage(subject, genuine, centre))
	bustest.Eventually(t, func() bool { return e.partitionColumn("acknowledged_seq") > 0 })
	if got := e.partitionColumn("acknowledged_seq"); got != 3 {
		t.Fatalf("acknowledged up to %d, want 3", got)
	}
	if s := r.Status(); s.Resends != 0 {
		t.Fatalf("status is %+v, want no resend", s)
	}
}

// Ensure a node that was restored from an older backup draws no number that the centre knows already: the centre would
// take its events for duplicates, and they would be lost.
func TestRelay_StopsWhenTheCentreIsAhead(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	r, _ := e.start(e.config())
	e.appendMany(10)
	bustest.Eventually(t, func() bool { return r.Status().Published == 10 })
	e.sendWatermark(watermark(11))
	bustest.Eventually(t, func() bool { return r.Status().Blocked == outbox.BlockedRestored })
	e.appendMany(5)
	r.Wake()
	heartbeats, err := e.net.Centre("reporting").SubscribeSync(partition.HeartbeatSubject())
	if err != nil {
		t.Fatal(err)
	}
	var h feedv1.Heartbeat
	for range 3 { // the relay polls between two heartbeats
		m, err := heartbeats.NextMsg(5 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if err := bus.VerifyMessage(m, partition.Owner(), e.net.Keys(), &h); err != nil {
			t.Fatal(err)
		}
	}
	if got := e.partitionColumn("last_seq"); got != 10 {
		t.Fatalf("numbered up to %d, want 10", got)
	}
	if s := r.Status(); s.Blocked != outbox.BlockedRestored || h.GetLastSeq() != 10 || h.GetPending() != 5 {
		t.Fatalf("status is %+v, heartbeat %v", s, &h)
	}
}

// Ensure a relay draws no number and sends nothing but heartbeats before the first watermark, which it asks for again
// until it arrives, and that the same holds for each relay that takes over.
func TestRelay_DrawsNoNumberBeforeAWatermark(t *testing.T) {
	t.Parallel()
	e := newSilentEnv(t)
	heartbeats, err := e.net.Centre("reporting").SubscribeSync(partition.HeartbeatSubject())
	if err != nil {
		t.Fatal(err)
	}
	for round := range int64(2) {
		e.appendMany(20)
		c := e.config()
		c.Heartbeat = time.Minute
		r, stop := e.start(c)
		for range 2 {
			m, err := heartbeats.NextMsg(10 * time.Second)
			if err != nil {
				t.Fatal(err)
			}
			var h feedv1.Heartbeat
			if err := bus.VerifyMessage(m, partition.Owner(), e.net.Keys(), &h); err != nil {
				t.Fatal(err)
			}
			if h.GetLastSeq() != 20*round || h.GetPending() != 20 || !h.GetAwaitsWatermark() {
				t.Fatalf("the heartbeat is %v", &h)
			}
		}
		s := r.Status()
		if s.Blocked != outbox.BlockedUnconfirmed || s.LastSeq != 20*round || len(e.stream()) != 20*int(round) {
			t.Fatalf("status is %+v", s)
		}
		e.sendWatermark(watermark(10 * round))
		bustest.Eventually(t, func() bool { return r.Status().Published == 20+20*round })
		if s := r.Status(); s.Blocked != "" {
			t.Fatalf("status is %+v", s)
		}
		stop()
		for {
			if _, err := heartbeats.NextMsg(100 * time.Millisecond); err != nil {
				break
			}
		}
	}
	e.expectStream(summary{events: 40})
}

// Ensure a relay whose database has another event than the centre at a number that both know stops before anything is
// acknowledged.
func TestRelay_StopsAtAFork(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	r, _ := e.start(e.config())
	e.appendMany(10)
	bustest.Eventually(t, func() bool { return r.Status().Published == 10 })
	fork := watermark(7)
	fork.AcknowledgedHash = make([]byte, 32)
	e.sendWatermark(fork)
	bustest.Eventually(t, func() bool { return r.Status().Blocked == outbox.BlockedRestored })
	e.sendWatermark(watermark(9))
	e.appendMany(5)
	r.Wake()
	e.sendWatermark(watermark(10))
	if s := r.Status(); s.Acknowledged != 0 || s.LastSeq != 10 || e.partitionColumn("acknowledged_seq") != 0 {
		t.Fatalf("status is %+v", s)
	}
}

// Ensure a hub that lost its stream gets the events that the centre has not applied from the outbox.
func TestRelay_RefillsALostStream(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	r, _ := e.start(e.config())
	e.appendMany(50)
	bustest.Eventually(t, func() bool { return r.Status().Published == 50 })
	e.net.StopHub()
	e.net.LoseStore()
	e.net.StartHub()
	if _, err := bus.EnsureStream(t.Context(), e.net.Centre("reporting"), bus.StreamOptions{}); err != nil {
		t.Fatal(err)
	}
	bustest.Eventually(t, func() bool {
		e.sendWatermark(watermark(0, missing(1, 50)))
		return r.Status().Resends == 50
	})
	e.expectStream(summary{events: 50})
}
