package feed

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/retepari/pari/dev/testkit/bustest"
	feedv1 "github.com/retepari/pari/proto/gen/pari/feed/v1"
	"github.com/retepari/pari/services/reporting/internal/store"
)

func TestFeed_AppliesEventsAndSendsWatermarks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w, other := b.producer(intake), b.producer(cuneo)
	received := b.watermarks(intake)
	b.start(b.config())
	w.send(w.reports(20)...)
	other.send(other.reports(3)...)
	s := b.waitFor(intake, acknowledgedAt(20))
	if s.Reports != 20 || s.Duplicates != 0 || s.LastSeen.IsZero() {
		t.Errorf("partition %+v", s)
	}
	b.waitFor(cuneo, acknowledgedAt(3))
	b.waitForWatermark(received, complete(20))
	b.waitUntilAcked()
	b.checkCells("lombardia")
	b.checkCells("piemonte")
}

func TestFeed_IgnoresDuplicates(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.producer(intake)
	b.start(b.config())
	events := w.reports(5)
	w.send(events...)
	w.send(events...)
	s := b.waitFor(intake, func(s status) bool { return s.Acknowledged == 5 && s.Duplicates == 5 })
	if s.Reports != 5 {
		t.Errorf("partition %+v", s)
	}
	b.checkCells("lombardia")
}

func TestFeed_BuffersOutOfOrderAndRequestsMissing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.producer(intake)
	received := b.watermarks(intake)
	b.start(b.config())
	events := w.reports(30)
	w.send(events[0])
	w.send(events[2:4]...)
	w.send(events[6:]...)
	hash := events[0].Hash()
	want := &feedv1.Watermark{
		Source: "intake", AcknowledgedSeq: 1, AcknowledgedHash: hash[:], AnnouncedSeq: 30,
		Missing: []*feedv1.SequenceRange{{First: 2, Last: 2}, {First: 5, Last: 6}},
	}
	b.waitForWatermark(received, func(w *feedv1.Watermark) bool { return cmp.Equal(want, w, protocmp.Transform()) })
	w.send(events[4:6]...)
	w.send(events[1]) // more are buffered than DrainLimit
	b.waitFor(intake, func(s status) bool { return s.Acknowledged == 30 && s.Buffered == 0 && s.Reports == 30 })
	b.waitForWatermark(received, complete(30))
	b.checkCells("lombardia")
}

func TestFeed_RejectsForgeries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.producer(intake)
	b.start(b.config())
	good := w.reports(3)
	w.send(good[0])

	otherKey := good[1]
	otherKey.Sign(b.net.Signer(cuneo.Owner()))
	w.send(otherKey)
	altered := good[1]
	altered.Data = append([]byte{}, good[2].Data...)
	altered.AggregateSeq = 2
	w.send(altered)
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
	w.sendMsg(&nats.Msg{Subject: elsewhere, Header: moved.Header, Data: moved.Data})
	w.sendMsg(&nats.Msg{Subject: moved.Subject, Data: []byte("not an event")})

	b.waitUntilAcked() // none of them is redelivered for ever
	if s := b.partition(intake); s.Acknowledged != 1 || s.Buffered != 0 || s.DeadLettered != 0 {
		t.Errorf("a forgery left %+v", s)
	}
	w.send(good[1:]...)
	b.waitFor(intake, acknowledgedAt(3))
	b.checkCells("lombardia")
}

// Ensure that a dead-lettered event blocks its case only, and is applied once the code lists have its code.
func TestFeed_DeadLetterBlocksItsCaseOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.producer(cases)
	b.start(b.config())
	w.send(
		w.opened("c1", "DESK"), w.opened("c2", "DESK"),
		w.event(closed, "c1", []byte{0xff}), // does not decode
		w.opened("c3", "CARRIER_PIGEON"),    // a code that the centre does not have yet
		w.closedFor("c2", "c1"),             // a mismatch
		w.closed("c1"), w.closed("c3"), w.opened("c4", "DESK"), w.closed("c4"),
	)
	s := b.waitFor(cases, acknowledgedAt(9))
	if s.Cases != 3 || s.DeadLettered != 3 || s.Blocked != 2 {
		t.Errorf("partition %+v", s)
	}
	want := map[int64]store.Class{
		3: store.ClassUnreadable, 4: store.ClassCode, 5: store.ClassMismatch,
		6: store.ClassBlocked, 7: store.ClassBlocked,
	}
	if diff := cmp.Diff(want, b.unapplied(cases)); diff != "" {
		t.Error(diff)
	}
	b.waitUntilAcked()

	b.codes.Store(vocabularyWith("DESK", "CARRIER_PIGEON")) // as the replica does when the directory has a new list
	b.waitFor(cases, func(s status) bool { return s.Cases == 4 && s.DeadLettered == 2 && s.Blocked == 1 })
	b.checkCells("lombardia")
}

// Ensure that each dead-lettered event is logged once with its error, and again when it still fails later.
func TestFeed_LogsDeadLetters(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.execAsOwner(`alter table fact_case add constraint no_c4 check (pseudonym <> 'c4')`)
	w := b.producer(cases)
	var logged logRecords
	c := b.config()
	c.Log = logged.logger()
	b.start(c)
	w.send(
		w.opened("c1", "DESK"),
		w.opened("c2", "CARRIER_PIGEON"), // a code that the centre does not have
		w.event(closed, "c1", []byte{0xff}),
		w.opened("c4", "DESK"),
		w.closed("c2"), // blocked
	)
	b.waitFor(cases, acknowledgedAt(5))
	b.waitUntilAcked()
	want := []map[string]any{
		failureRecord(2, "code", "channel: unknown code"), failureRecord(3, "unreadable", "event cannot be decoded"),
	}
	if diff := cmp.Diff(want, logged.find(t, "event dead-lettered")); diff != "" {
		t.Error(diff)
	}
	rejected := logged.find(t, "event rejected by the database")
	if len(rejected) != 1 || rejected[0]["partition"] != cases.String() || rejected[0]["node_seq"] != 4.0 ||
		rejected[0]["class"] != "database" || !strings.Contains(fmt.Sprint(rejected[0]["error"]), "no_c4") {
		t.Errorf("got %v", rejected)
	}

	b.codes.Store(vocabularyWith("DESK", "DOVE")) // not the missing one
	var failed []map[string]any
	bustest.Eventually(t, func() bool {
		failed = logged.find(t, "event reprocess failed")
		return len(failed) >= 3
	})
	seqs := map[any]any{}
	for _, r := range failed {
		seqs[r["node_seq"]] = r["class"]
	}
	if diff := cmp.Diff(map[any]any{2.0: "code", 3.0: "unreadable", 4.0: "database"}, seqs); diff != "" {
		t.Error(diff)
	}
}

func failureRecord(seq float64, class, err string) map[string]any {
	return map[string]any{"partition": cases.String(), "node_seq": seq, "class": class, "error": err}
}

func TestNew_RequiresItsParts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if _, err := New(b.config()); err != nil {
		t.Fatal(err)
	}
	for name, remove := range map[string]func(*Config){
		"store":       func(c *Config) { c.Store = nil },
		"connection":  func(c *Config) { c.Conn = nil },
		"signing key": func(c *Config) { c.Signer = nil },
		"code lists":  func(c *Config) { c.Codes = nil },
		"public keys": func(c *Config) { c.KeysDir = "" },
	} {
		c := b.config()
		remove(&c)
		if _, err := New(c); err == nil {
			t.Errorf("without %s: no error", name)
		}
	}
}

func TestFeed_DeadLettersWhatTheDatabaseRejects(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.codes.Store(vocabularyWith("DESK", "LETTER"))
	b.execAsOwner(`alter table fact_case add constraint no_letters check (channel <> 'LETTER')`)
	w := b.producer(cases)
	stop := b.start(b.config())
	w.send(w.opened("c1", "DESK"), w.opened("c2", "LETTER"), w.opened("c3", "DESK"))
	b.waitFor(cases, func(s status) bool { return s.Acknowledged == 3 && s.DeadLettered == 1 && s.Cases == 2 })

	// The same among events that are buffered behind a gap.
	first := w.opened("c4", "DESK")
	w.send(w.opened("c5", "DESK"), w.opened("c6", "LETTER"), w.opened("c7", "DESK"), w.opened("c8", "LETTER"),
		w.opened("c9", "DESK"))
	b.waitFor(cases, func(s status) bool { return s.Buffered == 5 })
	w.send(first)
	b.waitFor(cases, func(s status) bool {
		return s.Acknowledged == 9 && s.Buffered == 0 && s.DeadLettered == 3 && s.Cases == 6
	})
	b.waitUntilAcked()
	stop()
	b.checkCells("lombardia")
}

// Ensure that a tick drains a partition whose gap closed just before a replica stopped, before it sends a watermark.
func TestFeed_DrainsWhatAReplicaLeftBuffered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.producer(intake)
	var events []store.Event
	for _, e := range w.reports(25) {
		events = append(events, store.NewEvent(e))
	}
	f, err := New(b.config())
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range [][]store.Event{events[1:], events[:1]} {
		batch := store.Batch{Region: intake.Tenant.Region, Events: part}
		if _, err := b.store.Apply(context.Background(), batch, Decode, f.codes()); err != nil {
			t.Fatal(err)
		}
	}
	if s := b.partition(intake); s.Acknowledged != 1 || s.Buffered != 24 {
		t.Fatalf("partition %+v", s)
	}
	received := b.watermarks(intake)
	b.start(b.config())
	if first := <-received; first.GetAcknowledgedSeq() != 25 || len(first.GetMissing()) > 0 {
		t.Errorf("first watermark %v", first)
	}
	b.waitFor(intake, func(s status) bool { return s.Acknowledged == 25 && s.Buffered == 0 })
}

// Ensure that after a crash between commit and acknowledgement no event is applied twice.
func TestFeed_CrashAfterCommit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.producer(intake)
	c := b.config()
	var crashed atomic.Bool
	c.AfterCommit = func() {
		if crashed.CompareAndSwap(false, true) {
			c.Conn.Close()
		}
	}
	stop := b.start(c)
	b.shortenAckWait()
	w.send(w.reports(10)...)
	bustest.Eventually(t, crashed.Load)
	stop()
	before := b.partition(intake)
	if before.Acknowledged == 0 {
		t.Fatal("nothing was committed")
	}
	b.start(b.config())
	w.send(w.reports(10)...)
	b.waitFor(intake, func(s status) bool { return s.LastSeq == 20 }) // the new feed has reset the AckWait
	b.shortenAckWait()
	s := b.waitFor(intake, func(s status) bool {
		return s.Acknowledged == 20 && s.Duplicates >= before.Acknowledged
	})
	if s.Reports != 20 {
		t.Errorf("partition %+v", s)
	}
	b.waitUntilAcked()
	b.checkCells("lombardia")
}

// Ensure that after a crash between delivery and commit no event is lost.
func TestFeed_CrashBeforeCommit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.producer(intake)
	c := b.config()
	ctx, cancel := context.WithCancel(context.Background())
	b.execAsOwner(`alter table inbox rename to inbox_away`) // so the transaction fails and is retried
	f, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	b.shortenAckWait()
	w.send(w.reports(10)...)
	b.waitUntilDelivered()
	c.Conn.Close() // so it cannot send its Naks
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if s := b.partition(intake); s.Acknowledged != 0 {
		t.Fatalf("partition %+v", s)
	}
	b.execAsOwner(`alter table inbox_away rename to inbox`)
	b.start(b.config())
	w.send(w.reports(10)...)
	b.waitFor(intake, func(s status) bool { return s.LastSeq == 20 }) // the new feed has reset the AckWait
	b.shortenAckWait()
	if s := b.waitFor(intake, acknowledgedAt(20)); s.Reports != 20 {
		t.Errorf("partition %+v", s)
	}
	b.waitUntilAcked()
	b.checkCells("lombardia")
}

// Ensure that events are retried while the database is away, and applied when it is back.
func TestFeed_RetriesWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.producer(intake)
	b.start(b.config())
	w.send(w.report())
	b.waitFor(intake, acknowledgedAt(1))
	b.execAsOwner(`alter table inbox rename to inbox_away`)
	w.send(w.reports(5)...)
	b.waitUntilDelivered()
	b.execAsOwner(`alter table inbox_away rename to inbox`)
	if s := b.waitFor(intake, acknowledgedAt(6)); s.Reports != 6 || s.DeadLettered != 0 {
		t.Errorf("partition %+v", s)
	}
	b.waitUntilAcked()
}

// Ensure that two replicas share the work and apply no event twice.
func TestFeed_TwoReplicas(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w, other := b.producer(intake), b.producer(cases)
	c := b.config()
	c.Batch = 7
	b.start(c)
	c.Conn = b.net.Centre("reporting")
	b.start(c)
	for range 20 {
		w.send(w.reports(10)...)
		other.send(other.opened(caseName(other), "DESK"))
	}
	if s := b.waitFor(intake, acknowledgedAt(200)); s.Reports != 200 {
		t.Errorf("partition %+v", s)
	}
	b.waitFor(cases, acknowledgedAt(20))
	b.waitUntilAcked()
	b.checkCells("lombardia")
}

func caseName(w *producer) string { return "c" + string(rune('a'+w.seq)) }
