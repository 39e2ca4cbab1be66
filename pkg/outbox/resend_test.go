package outbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	feedv1 "github.com/retepari/pari/proto/gen/pari/feed/v1"
)

func seqRange(first, last int64) *feedv1.SequenceRange {
	return &feedv1.SequenceRange{First: first, Last: last}
}

// formatRanges formats ranges for comparison.
func formatRanges(ranges []*feedv1.SequenceRange) string {
	var parts []string
	for _, r := range ranges {
		parts = append(parts, fmt.Sprintf("%d-%d", r.GetFirst(), r.GetLast()))
	}
	return strings.Join(parts, " ")
}

// Ensure of several watermarks the leader takes the newest, once, and that none at all has no effect.
func TestLatestWatermark(t *testing.T) {
	t.Parallel()
	w := newLatestWatermark()
	for seq := range int64(3) {
		w.put(&feedv1.Watermark{AcknowledgedSeq: seq})
	}
	<-w.signal
	if got := w.take(); got.GetAcknowledgedSeq() != 2 {
		t.Errorf("took %v, want 2", got)
	}
	select {
	case <-w.signal:
		t.Error("signaled twice")
	default:
	}
	if got := w.take(); got != nil {
		t.Errorf("took %v again", got)
	}
	l := &leader{r: newTestRelay(Config{}), last: 5, published: 5, acknowledged: 3}
	if err := l.applyWatermark(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if l.acknowledged != 3 || l.resend.received || l.restored {
		t.Errorf("without a watermark: %+v", l)
	}
}

// Ensure a watermark that was sent before the last resend arrived does not cause another.
func TestLeader_ApplyWatermarkSettlesAfterAResend(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &leader{r: newTestRelay(Config{}), last: 9, published: 8, acknowledged: 2}
		request := func(ranges ...*feedv1.SequenceRange) string {
			l.advance(&feedv1.Watermark{AcknowledgedSeq: 2, Missing: ranges})
			return formatRanges(l.resend.ranges)
		}
		if got := request(seqRange(3, 4), seqRange(6, 9)); got != "3-4 6-8" {
			t.Errorf("first request: %s", got)
		}
		if got := request(seqRange(7, 7)); got != "3-4 6-8" {
			t.Errorf("while one is pending: %s", got)
		}
		if l.dropResent(3) != true || formatRanges(l.resend.ranges) != "4-4 6-8" {
			t.Errorf("after event 3: %s", formatRanges(l.resend.ranges))
		}
		if l.dropResent(4) != true || l.dropResent(8) != false || len(l.resend.ranges) != 0 {
			t.Errorf("after event 8: %s", formatRanges(l.resend.ranges))
		}
		<-time.After(settleTime) // on the bubble's clock
		if got := request(seqRange(7, 7)); got != "" {
			t.Errorf("within the settle time: %s", got)
		}
		<-time.After(1)
		if got := request(seqRange(7, 7)); got != "7-7" {
			t.Errorf("after the settle time: %s", got)
		}
	})
}

func TestClamp(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ranges []*feedv1.SequenceRange
		want   string
	}{
		"inside":          {[]*feedv1.SequenceRange{seqRange(1, 1), seqRange(3, 10)}, "1-1 3-10"},
		"below one":       {[]*feedv1.SequenceRange{seqRange(-5, 2), seqRange(-5, 0)}, "1-2"},
		"not published":   {[]*feedv1.SequenceRange{seqRange(9, 12), seqRange(11, 12)}, "9-10"},
		"reversed":        {[]*feedv1.SequenceRange{seqRange(7, 2)}, ""},
		"absent":          {[]*feedv1.SequenceRange{nil}, ""},
		"no range at all": {nil, ""},
	} {
		if got := formatRanges(clamp(c.ranges, 10)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	many := make([]*feedv1.SequenceRange, maxRanges+1)
	for i := range many {
		many[i] = seqRange(1, 1)
	}
	if got := len(clamp(many, 10)); got != maxRanges {
		t.Errorf("%d ranges remain, want %d", got, maxRanges)
	}
}

// Ensure published events are sent again by the relay itself only when watermarks arrive and have not advanced for
// ResendAfter: a centre that is away is not helped by it.
func TestResend_Due(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newTestRelay(Config{Batch: 2, ResendAfter: time.Minute})
		l := &leader{r: r, last: 20, published: 20, acknowledged: 10}
		l.resend.since = time.Now()
		step := func(name string, wait time.Duration, want string) {
			t.Helper()
			<-time.After(wait) // on the bubble's clock
			due := l.resend.due(l)
			if got := formatRanges(l.resend.ranges); got != want || due != (want != "") {
				t.Errorf("%s: due %t, %q, want %q", name, due, got, want)
			}
		}
		watermark := func(seq int64) { l.advance(&feedv1.Watermark{AcknowledgedSeq: seq}) }
		step("no watermark", time.Hour, "")
		watermark(11)
		step("it advanced", time.Hour, "")
		watermark(11)
		l.resend.since = time.Now()
		step("it stands still", time.Minute-1, "")
		step("for a minute", 1, "12-19") // four batches
	})
}

// Ensure all that is overdue is sent again as fast as the centre acknowledges it, and nothing that was published since.
func TestResend_DueGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &leader{r: newTestRelay(Config{Batch: 2, ResendAfter: time.Minute}), last: 40, published: 20}
		step := func(name string, acknowledged int64, want string) {
			t.Helper()
			l.advance(&feedv1.Watermark{AcknowledgedSeq: acknowledged})
			due := l.resend.due(l)
			if got := formatRanges(l.resend.ranges); got != want || due != (want != "") {
				t.Errorf("%s: due %t, %q, want %q", name, due, got, want)
			}
			l.resend.ranges = nil // sent
		}
		l.advance(&feedv1.Watermark{})
		<-time.After(time.Minute) // on the bubble's clock
		step("overdue", 0, "1-8")
		l.published = 40
		step("a part is acknowledged", 7, "")
		step("all of it", 8, "9-16")
		step("more than it", 18, "19-20")
		step("all that was overdue", 20, "")
		l.advance(&feedv1.Watermark{AcknowledgedSeq: 20})
		<-time.After(time.Minute)
		step("overdue again", 20, "21-28")
	})
}

// Ensure nothing is resent that was acknowledged since it was requested.
func TestLeader_ResendMissingSkipsAcknowledgedEvents(t *testing.T) {
	t.Parallel()
	l := &leader{r: newTestRelay(Config{}), last: 9, published: 9, acknowledged: 4}
	l.resend.ranges = []*feedv1.SequenceRange{seqRange(2, 3), seqRange(4, 4)}
	for i, want := range []bool{true, false} { // there is no database, so reading events would panic
		if more, err := l.resendMissing(t.Context()); more != want || err != nil {
			t.Errorf("range %d: more %t, %v; want %t", i, more, err, want)
		}
	}
}

// Ensure requested events are resent in batches, each with a new message id, and counted; those that were pruned are
// logged and skipped.
func TestLeader_ResendMissing(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	hub := newFakeHub(t)
	l := newTestLeader(t, Config{
		Conn: hub.conn, AckWait: 5 * time.Second, Batch: 3, Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	l.append(1, 8)
	for l.last < 8 {
		if err := l.storeAndNumber(t.Context()); err != nil {
			t.Fatal(err)
		}
		l.published, l.queue = l.last, nil
	}
	l.exec(`update outbox set resends = 2 where node_seq = 4`)
	l.exec(`delete from outbox where node_seq in (3, 6, 7)`)
	l.resend.ranges = []*feedv1.SequenceRange{seqRange(1, 5), seqRange(6, 7), seqRange(8, 8)}
	step := func(wantMore bool, wantEvents, wantRanges string) {
		t.Helper()
		more, err := l.resendMissing(t.Context())
		if err != nil || more != wantMore || formatRanges(l.resend.ranges) != wantRanges {
			t.Fatalf("more %t, %v, ranges %s; want %s", more, err, formatRanges(l.resend.ranges), wantRanges)
		}
		if got := hub.take(); got != wantEvents {
			t.Errorf("sent %s, want %s", got, wantEvents)
		}
	}
	step(true, "1.r1 2.r1 4.r3", "5-5 6-7 8-8")
	if log.Len() != 0 {
		t.Errorf("the log is %s", log.String())
	}
	step(true, "5.r1", "6-7 8-8")
	step(true, "", "8-8")
	if !strings.Contains(log.String(), `msg="requested events were pruned" first=6 last=7`) {
		t.Errorf("the log is %s", log.String())
	}
	step(false, "8.r1", "")
	if got := l.r.Status().Resends; got != 5 {
		t.Errorf("%d resends, want 5", got)
	}
	if got := l.count(`select sum(resends) from outbox`); got != 5+2 {
		t.Errorf("%d resends are stored, want 7", got)
	}
	step(false, "", "")
	// Of a batch whose second event fails only the first is counted.
	l.resend.ranges = []*feedv1.SequenceRange{seqRange(1, 2)}
	hub.failAfter(1)
	if _, err := l.resendMissing(t.Context()); err == nil || formatRanges(l.resend.ranges) != "2-2" {
		t.Errorf("after a failure: %v, ranges %s", err, formatRanges(l.resend.ranges))
	}
	if got := l.count(`select sum(resends) from outbox where node_seq in (1, 2)`); got != 3 {
		t.Errorf("%d resends of events 1 and 2 are stored, want 3", got)
	}
	l.resend.ranges = []*feedv1.SequenceRange{seqRange(1, 2)}
	_ = l.conn.Close(context.Background())
	if _, err := l.resendMissing(t.Context()); !errors.Is(err, errDatabase) {
		t.Errorf("without a database: %v", err)
	}
}
