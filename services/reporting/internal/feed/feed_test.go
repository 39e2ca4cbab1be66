package feed

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/pkg/bus"
	eventsv1 "github.com/retepari/pari/proto/gen/pari/events/v1"
	feedv1 "github.com/retepari/pari/proto/gen/pari/feed/v1"
	"github.com/retepari/pari/services/reporting/internal/store"
)

func TestFeed_TakesInAndAnswers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w, other := b.wire(intake), b.wire(cuneo)
	heard := b.watermarks(intake)
	b.start(b.config())
	w.send(w.reports(20)...)
	other.send(other.reports(3)...)
	l := b.until(intake, appliedAt(20))
	if l.Reports != 20 || l.Duplicates != 0 || l.HeardAt.IsZero() {
		t.Errorf("line %+v", l)
	}
	b.until(cuneo, appliedAt(3))
	b.said(heard, func(w *feedv1.Watermark) bool { return w.GetAcknowledgedSeq() == 20 && len(w.GetMissing()) == 0 })
	b.settled()
	b.sound("lombardia")
	b.sound("piemonte")
}

func TestFeed_IgnoresDuplicates(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.wire(intake)
	b.start(b.config())
	events := w.reports(5)
	w.send(events...)
	w.send(events...)
	l := b.until(intake, func(l store.Line) bool { return l.Applied == 5 && l.Duplicates == 5 })
	if l.Reports != 5 {
		t.Errorf("line %+v", l)
	}
	b.sound("lombardia")
}

func TestFeed_ParksOutOfOrderAndAsks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.wire(intake)
	heard := b.watermarks(intake)
	b.start(b.config())
	events := w.reports(30)
	w.send(events[0])
	w.send(events[2:4]...)
	w.send(events[6:]...)
	b.said(heard, func(w *feedv1.Watermark) bool {
		want := &feedv1.Watermark{Source: "intake", AcknowledgedSeq: 1, Missing: []*feedv1.SequenceRange{{First: 2, Last: 2}, {First: 5, Last: 6}}}
		return cmp.Equal(want, w, protocmp.Transform())
	})
	w.send(events[4:6]...)
	w.send(events[1]) // more wait than follow at once
	b.until(intake, func(l store.Line) bool { return l.Applied == 30 && l.Waiting == 0 && l.Reports == 30 })
	b.said(heard, func(w *feedv1.Watermark) bool { return w.GetAcknowledgedSeq() == 30 && len(w.GetMissing()) == 0 })
	b.sound("lombardia")
}

func TestFeed_RefusesForgeries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.wire(intake)
	b.start(b.config())
	good := w.reports(3)
	w.send(good[0])

	stranger := good[1]
	stranger.Sign(b.net.Signer(cuneo.Owner()))
	w.send(stranger)
	changed := good[1]
	changed.Data = append([]byte{}, good[2].Data...)
	changed.AggregateSeq = 2
	w.send(changed)
	renumbered := good[2]
	renumbered.NodeSeq = 2
	w.send(renumbered)
	moved, err := good[1].Msg()
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, err := intake.EventSubject("it.pari.report.recounted.v1")
	if err != nil {
		t.Fatal(err)
	}
	w.raw(&nats.Msg{Subject: elsewhere, Header: moved.Header, Data: moved.Data})
	w.raw(&nats.Msg{Subject: moved.Subject, Data: []byte("no event at all")})

	b.settled() // none of them is delivered for ever
	if l := b.lineOf(intake); l.Applied != 1 || l.Waiting != 0 || l.Refused != 0 {
		t.Errorf("a forgery left %+v", l)
	}
	w.send(good[1:]...)
	b.until(intake, appliedAt(3))
	b.sound("lombardia")
}

// Ensure that what cannot take effect holds up nobody else, and is mended when the code lists are.
func TestFeed_PoisonStopsItsCaseOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.wire(cases)
	b.start(b.config())
	w.send(
		w.opened("c1", "DESK"), w.opened("c2", "DESK"),
		w.event(closed, "c1", []byte{0xff}), // cannot be read
		w.opened("c3", "CARRIER_PIGEON"),    // a code that the centre does not have yet
		w.of(closed, "c2", &eventsv1.CaseClosed{CasePseudonym: "c1", Month: march, Outcome: "CONCILIATED"}), // another's case
		w.closed("c1"), w.closed("c3"), w.opened("c4", "DESK"), w.closed("c4"),
	)
	l := b.until(cases, appliedAt(9))
	if l.Cases != 3 || l.Refused != 5 {
		t.Errorf("line %+v", l)
	}
	refused, err := b.store.Refused(context.Background(), cases)
	if err != nil {
		t.Fatal(err)
	}
	want := map[int64]store.Class{3: store.Unreadable, 4: store.Code, 5: store.Foreign, 6: store.Behind, 7: store.Behind}
	if diff := cmp.Diff(want, refused); diff != "" {
		t.Error(diff)
	}
	b.settled()

	b.codes.Store(vocabularyWith("DESK", "CARRIER_PIGEON")) // as the replica does when the directory has a new list
	b.until(cases, func(l store.Line) bool { return l.Cases == 4 && l.Refused == 3 })
	b.sound("lombardia")
}

func TestFeed_EffectThatTheDatabaseRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.codes.Store(vocabularyWith("DESK", "LETTER"))
	b.asOwner(`alter table fact_case add constraint no_letters check (channel <> 'LETTER')`)
	w := b.wire(cases)
	stop := b.start(b.config())
	w.send(w.opened("c1", "DESK"), w.opened("c2", "LETTER"), w.opened("c3", "DESK"))
	b.until(cases, func(l store.Line) bool { return l.Applied == 3 && l.Refused == 1 && l.Cases == 2 })

	// The same among events that wait behind a gap.
	first := w.opened("c4", "DESK")
	waiting := []bus.Event{w.opened("c5", "DESK"), w.opened("c6", "LETTER"), w.opened("c7", "DESK"), w.opened("c8", "LETTER"), w.opened("c9", "DESK")}
	w.send(waiting...)
	b.until(cases, func(l store.Line) bool { return l.Waiting == 5 })
	w.send(first)
	b.until(cases, func(l store.Line) bool { return l.Applied == 9 && l.Waiting == 0 && l.Refused == 3 && l.Cases == 6 })
	b.settled()
	stop()
	b.sound("lombardia")
}

// Ensure that a tick mends a line whose gap closed just before somebody stopped, and tells the node so at once.
func TestFeed_FollowsUpWhatWasLeft(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.wire(intake)
	var events []store.Event
	for _, e := range w.reports(25) {
		events = append(events, store.NewEvent(e))
	}
	f, err := New(b.config())
	if err != nil {
		t.Fatal(err)
	}
	for _, some := range [][]store.Event{events[1:], events[:1]} {
		if _, err := b.store.Apply(context.Background(), store.Batch{Region: intake.Region, Events: some}, Read, f.codes()); err != nil {
			t.Fatal(err)
		}
	}
	if l := b.lineOf(intake); l.Applied != 1 || l.Waiting != 24 {
		t.Fatalf("line %+v", l)
	}
	heard := b.watermarks(intake)
	b.start(b.config())
	if first := <-heard; first.GetAcknowledgedSeq() != 25 || len(first.GetMissing()) > 0 {
		t.Errorf("the node is told %v", first)
	}
	b.until(intake, func(l store.Line) bool { return l.Applied == 25 && l.Waiting == 0 })
}

// Ensure that a crash between commit and acknowledgement doubles nothing.
func TestFeed_CrashAfterCommit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.wire(intake)
	c := b.config()
	var crashed atomic.Bool
	c.AfterCommit = func() {
		if crashed.CompareAndSwap(false, true) {
			c.Conn.Close()
		}
	}
	stop := b.start(c)
	b.impatient()
	w.send(w.reports(10)...)
	bustest.Eventually(t, crashed.Load)
	stop()
	before := b.lineOf(intake)
	if before.Applied == 0 {
		t.Fatal("nothing was committed")
	}
	b.start(b.config())
	w.send(w.reports(10)...)
	b.until(intake, func(l store.Line) bool { return l.LastSeq == 20 }) // it is there, with the broker's own patience
	b.impatient()
	l := b.until(intake, func(l store.Line) bool { return l.Applied == 20 && l.Duplicates >= before.Applied })
	if l.Reports != 20 {
		t.Errorf("line %+v", l)
	}
	b.settled()
	b.sound("lombardia")
}

// Ensure that a crash between delivery and commit loses nothing.
func TestFeed_CrashBeforeCommit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.wire(intake)
	c := b.config()
	ctx, cancel := context.WithCancel(context.Background())
	b.asOwner(`alter table inbox rename to inbox_away`) // the transaction fails and is tried again
	f, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	b.impatient()
	w.send(w.reports(10)...)
	_, consumer := b.consumer()
	bustest.Eventually(t, func() bool {
		i, err := consumer.Info(context.Background())
		return err == nil && i.NumAckPending > 0
	})
	c.Conn.Close() // what it says on its way out is not heard
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if l := b.lineOf(intake); l.Applied != 0 {
		t.Fatalf("line %+v", l)
	}
	b.asOwner(`alter table inbox_away rename to inbox`)
	b.start(b.config())
	w.send(w.reports(10)...)
	b.until(intake, func(l store.Line) bool { return l.LastSeq == 20 }) // it is there, with the broker's own patience
	b.impatient()
	if l := b.until(intake, appliedAt(20)); l.Reports != 20 {
		t.Errorf("line %+v", l)
	}
	b.settled()
	b.sound("lombardia")
}

// Ensure that events wait while the database is away, and go on by themselves.
func TestFeed_WaitsForTheDatabase(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.wire(intake)
	b.start(b.config())
	w.send(w.report())
	b.until(intake, appliedAt(1))
	b.asOwner(`alter table inbox rename to inbox_away`)
	w.send(w.reports(5)...)
	_, c := b.consumer()
	bustest.Eventually(t, func() bool { i, err := c.Info(context.Background()); return err == nil && i.NumAckPending > 0 })
	b.asOwner(`alter table inbox_away rename to inbox`)
	if l := b.until(intake, appliedAt(6)); l.Reports != 6 || l.Refused != 0 {
		t.Errorf("line %+v", l)
	}
	b.settled()
}

// Ensure that two copies share the work without doubling any.
func TestFeed_TwoCopies(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w, other := b.wire(intake), b.wire(cases)
	c := b.config()
	c.Batch = 7
	b.start(c)
	c.Conn = b.net.Centre("reporting")
	b.start(c)
	for range 20 {
		w.send(w.reports(10)...)
		other.send(other.opened(wireName(other), "DESK"))
	}
	if l := b.until(intake, appliedAt(200)); l.Reports != 200 {
		t.Errorf("line %+v", l)
	}
	b.until(cases, appliedAt(20))
	b.settled()
	b.sound("lombardia")
}

func wireName(w *wire) string { return "c" + string(rune('a'+w.seq)) }
