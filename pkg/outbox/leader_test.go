package outbox

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/tenant"
	feedv1 "github.com/retepari/pari/proto/gen/pari/feed/v1"
)

var testPartition = bus.Partition{Tenant: tenant.ID{Region: "lombardia", Node: "cremona"}, Source: "intake"}

// newTestRelay returns a relay with a signer and a log, for tests that call its leader's methods one by one.
func newTestRelay(c Config) *Relay {
	c.Signer = bus.NewSigner(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Relay{c: c, wake: make(chan struct{}, 1), watermark: newLatestWatermark()}
}

// testLeader is a leader on a database of its own.
type testLeader struct {
	*leader

	t *testing.T
}

func newTestLeader(t *testing.T, c Config) testLeader {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), pgtest.New(t, "outbox_model", migrateOutbox).URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	c.Partition = testPartition
	if c.Batch == 0 {
		c.Batch = 100
	}
	l, err := newTestRelay(c).newLeader(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	return testLeader{l, t}
}

func (l testLeader) append(from, to int64) {
	l.t.Helper()
	err := l.inTenant(l.t.Context(), func(tx pgx.Tx) error {
		b := &pgx.Batch{}
		for seq := from; seq <= to; seq++ {
			err := Queue(l.t.Context(), b, Event{
				Tenant: testPartition.Tenant, Type: "it.pari.case.opened.v1", Aggregate: "a", AggregateSeq: seq,
			})
			if err != nil {
				return err
			}
		}
		return tx.SendBatch(l.t.Context(), b).Close()
	})
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l testLeader) exec(sql string) {
	l.t.Helper()
	err := l.inTenant(l.t.Context(), func(tx pgx.Tx) error {
		_, err := tx.Exec(l.t.Context(), sql)
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l testLeader) count(sql string) (n int64) {
	l.t.Helper()
	err := l.inTenant(l.t.Context(), func(tx pgx.Tx) error { return tx.QueryRow(l.t.Context(), sql).Scan(&n) })
	if err != nil {
		l.t.Fatal(err)
	}
	return n
}

// Ensure a leader stops when another process has advanced its partition: two leaders would give one number twice.
func TestLeader_StopsWhenAnotherAdvancedThePartition(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"another number": `update outbox_partition set last_seq = last_seq + 1`,
		"another hash":   `update outbox_partition set last_hash = decode(repeat('01', 32), 'hex')`,
	} {
		l := newTestLeader(t, Config{})
		l.append(1, 3)
		if err := l.storeAndNumber(t.Context()); err != nil || len(l.queue) != 3 {
			t.Fatalf("%s: queue of %d, %v", name, len(l.queue), err)
		}
		l.append(4, 4)
		l.exec(sql)
		if err := l.storeAndNumber(t.Context()); !errors.Is(err, errDatabase) || len(l.queue) != 3 || l.last != 3 {
			t.Errorf("%s: got %v, queue of %d, last %d", name, err, len(l.queue), l.last)
		}
	}
}

// Ensure a leader does not skip a numbered event that is missing from the outbox.
func TestLeader_StopsAtAMissingEvent(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"first": `delete from outbox where node_seq = 1`, "all": `delete from outbox`,
	} {
		l := newTestLeader(t, Config{})
		l.append(1, 3)
		if err := l.storeAndNumber(t.Context()); err != nil {
			t.Fatal(err)
		}
		l.exec(sql)
		next, err := l.r.newLeader(t.Context(), l.conn)
		if err != nil {
			t.Fatal(err)
		}
		if err := next.storeAndNumber(t.Context()); !errors.Is(err, errDatabase) || len(next.queue) != 0 {
			t.Errorf("%s: got %v, queue of %d", name, err, len(next.queue))
		}
	}
}

// Ensure the queue is bounded by the batch, and events that a former leader numbered go before new ones.
func TestLeader_BoundsTheQueue(t *testing.T) {
	t.Parallel()
	l := newTestLeader(t, Config{Batch: 4})
	l.append(1, 10)
	numbers := func() (seqs []int64) {
		t.Helper()
		if err := l.storeAndNumber(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, e := range l.queue {
			seqs = append(seqs, e.NodeSeq)
		}
		return seqs
	}
	if got := fmt.Sprint(numbers(), numbers()); got != "[1 2 3 4] [1 2 3 4]" {
		t.Fatalf("the queue is %s", got)
	}
	l.queue, l.published = l.queue[3:], 3
	if got := fmt.Sprint(numbers()); got != "[4 5 6 7]" {
		t.Fatalf("the queue is %s", got)
	}
	next, err := l.r.newLeader(t.Context(), l.conn) // published up to 3, numbered up to 7
	if err != nil {
		t.Fatal(err)
	}
	next.r.c.Batch, l.leader = 2, next
	if got := fmt.Sprint(numbers()); got != "[4 5]" || l.last != 7 {
		t.Fatalf("the queue of the next leader is %s, last %d", got, l.last)
	}
	if n := l.count(`select count(*) from outbox where node_seq is null`); n != 3 {
		t.Errorf("%d events have no number, want 3", n)
	}
}

// Ensure a watermark that overtakes the hub's acknowledgement counts for both, and is recorded for the day.
func TestLeader_StoresOffsets(t *testing.T) {
	t.Parallel()
	l := newTestLeader(t, Config{})
	l.append(1, 5)
	if err := l.storeAndNumber(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, seq := range []int64{3, 2, 4} {
		l.advance(&feedv1.Watermark{AcknowledgedSeq: seq})
		if err := l.storeAndNumber(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if l.published != 4 || len(l.queue) != 1 || l.queue[0].NodeSeq != 5 {
		t.Errorf("published %d, queue of %d", l.published, len(l.queue))
	}
	for column, want := range map[string]int64{"published_seq": 4, "acknowledged_seq": 4} {
		if got := l.count(`select ` + column + ` from outbox_partition`); got != want {
			t.Errorf("%s is %d, want %d", column, got, want)
		}
	}
	if got := l.count(`select acknowledged_seq from outbox_daily_offset where day = current_date`); got != 4 {
		t.Errorf("the offset of today is %d, want 4", got)
	}
}

// Ensure a leader prunes once an hour, and again soon when there was more than one transaction deletes.
func TestLeader_Prune(t *testing.T) {
	t.Parallel()
	l := newTestLeader(t, Config{})
	const events = pruneLimit + 1
	l.exec(fmt.Sprintf(`insert into outbox (tenant, event_id, type, aggregate, aggregate_seq, data, traceparent)
		select 'lombardia/cremona', gen_random_uuid(), 't', 'a', i, '', '' from generate_series(1, %d) i`, events))
	l.exec(`update outbox set node_seq = aggregate_seq, prev_hash = decode(repeat('00', 32), 'hex'), key_id = 'k',
		signature = ''`)
	l.exec(fmt.Sprintf(`insert into outbox_daily_offset values ('lombardia/cremona', current_date - 31, %d)`, events))
	if wait := time.Until(l.pruneAt); wait < 30*time.Minute {
		t.Errorf("a new leader prunes after %s", wait)
	}
	for _, c := range []struct {
		left     int64
		min, max time.Duration
	}{{1, 0, time.Second}, {0, 30 * time.Minute, 90 * time.Minute}} {
		if err := l.prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := l.count(`select count(*) from outbox`); n != c.left {
			t.Errorf("%d events remain, want %d", n, c.left)
		}
		if wait := time.Until(l.pruneAt); wait < c.min || wait > c.max {
			t.Errorf("the next pruning is in %s, want %s to %s", wait, c.min, c.max)
		}
	}
}

// Ensure a step does only what is due: it numbers and prunes once a watermark has confirmed the partition, and sends
// unless it backs off.
func TestLeader_Step(t *testing.T) {
	t.Parallel()
	l := newTestLeader(t, Config{})
	l.append(1, 2)
	for name, state := range map[string]struct{ restored, confirmed bool }{
		"unconfirmed": {false, false}, "restored": {true, true}, "restored at the start": {true, false},
	} {
		l.restored, l.confirmed, l.pruneAt = state.restored, state.confirmed, time.Time{}
		if more, err := l.step(t.Context()); more || err != nil || len(l.queue) != 0 || !l.pruneAt.IsZero() {
			t.Errorf("%s: more %t, %v, queue of %d, prunes at %s", name, more, err, len(l.queue), l.pruneAt)
		}
	}
	// There is no connection to the broker, so sending would panic.
	l.restored, l.confirmed, l.retryAt = false, true, time.Now().Add(time.Hour)
	if more, err := l.step(t.Context()); more || err != nil || len(l.queue) != 2 || l.pruneAt.IsZero() {
		t.Errorf("backing off: more %t, %v, queue of %d, prunes at %s", more, err, len(l.queue), l.pruneAt)
	}
	l.queue, l.published, l.retryAt = nil, 2, time.Time{}
	if more, err := l.step(t.Context()); more || err != nil {
		t.Errorf("nothing to send: more %t, %v", more, err)
	}
	_ = l.conn.Close(t.Context())
	if more, err := l.step(t.Context()); more || !errors.Is(err, errDatabase) {
		t.Errorf("without a database: more %t, %v", more, err)
	}
}

// Ensure the pause doubles up to its bound, is ten times as long after a refusal, and that only every power of two of
// failures is logged.
func TestLeader_BackOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		r := newTestRelay(Config{MaxBackoff: time.Second, Log: slog.New(slog.NewTextHandler(&log, nil))})
		l := &leader{r: r, published: 6}
		pause := func(err error) time.Duration {
			l.backOff(t.Context(), err)
			return time.Until(l.retryAt)
		}
		for i, want := range []time.Duration{50, 100, 200, 400, 800, 1000, 1000, 1000, 1000} {
			want *= time.Millisecond
			if got := pause(errors.New("away")); got < want*3/4 || got > want*5/4+1 {
				t.Errorf("failure %d: pause of %s, want %s", i+1, got, want)
			}
		}
		logged := strings.Count(log.String(), `level=WARN msg="event publish failed" blocked=broker`)
		if logged != 4 { // failures 1, 2, 4 and 8
			t.Errorf("%d failures were logged: %s", logged, log.String())
		}
		if r.Status().Blocked != BlockedBroker || !strings.Contains(log.String(), "next_seq=7") {
			t.Errorf("blocked by %q, log %s", r.Status().Blocked, log.String())
		}
		l.failures = 0
		if got := pause(fmt.Errorf("x: %w", &refusal{})); got < 7500*time.Millisecond || got > 12501*time.Millisecond {
			t.Errorf("after a refusal: pause of %s", got)
		}
		if r.Status().Blocked != BlockedRefused || !strings.Contains(log.String(), "level=ERROR") {
			t.Errorf("blocked by %q, log %s", r.Status().Blocked, log.String())
		}
		l.failures = 1000
		if got := pause(errors.New("away")); got > 1251*time.Millisecond || got < 750*time.Millisecond {
			t.Errorf("after a thousand failures: pause of %s", got)
		}
	})
}

// Ensure the age of the oldest event is counted from when it was found, and again after each progress, and ends with
// the queue.
func TestLeader_PublishStatus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newTestRelay(Config{})
		l := &leader{r: r, last: 3, acknowledged: 1}
		step := func(name string, queue int, published int64, want time.Duration) {
			t.Helper()
			l.queue, l.published = make([]bus.Event, queue), published
			l.updateStatus()
			<-time.After(time.Second) // on the bubble's clock
			if got := r.Status(); got.OldestAge != want || got.Published != published {
				t.Errorf("%s: %+v, want age %s", name, got, want)
			}
		}
		step("nothing to send", 0, 0, 0)
		step("found", 3, 0, time.Second)
		step("not sent", 3, 0, 2*time.Second)
		step("progress", 2, 1, time.Second)
		step("not sent again", 2, 1, 2*time.Second)
		step("all sent", 0, 3, 0)
		if s := r.Status(); s.LastSeq != 3 || s.Acknowledged != 1 {
			t.Errorf("status is %+v", s)
		}
	})
}

// Ensure nothing is pruned while a centre that was restored lacks what it had acknowledged.
func TestLeader_PrunesNothingThatTheCentreLacks(t *testing.T) {
	t.Parallel()
	l, hashes := newNumberedLeader(t, Config{})
	l.exec(`insert into outbox_daily_offset values ('` + testPartition.Tenant.String() + `', current_date - 60, 5)`)
	for _, c := range []struct{ acknowledged, first int64 }{{3, 3}, {5, 6}} {
		w := &feedv1.Watermark{AcknowledgedSeq: c.acknowledged, AcknowledgedHash: hashes[c.acknowledged][:]}
		if err := l.applyWatermark(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		if err := l.prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		if first := l.count(`select min(node_seq) from outbox`); first != c.first {
			t.Errorf("acknowledged up to %d: events remain from %d on, want %d", c.acknowledged, first, c.first)
		}
	}
}
