package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"

	"github.com/retepari/pari/pkg/bus"
	feedv1 "github.com/retepari/pari/proto/gen/pari/feed/v1"
)

const (
	// maxRanges bounds the missing ranges that are kept of one watermark.
	maxRanges = 100
	// settleTime is how long after a resend a watermark may still describe the time before it.
	settleTime = time.Second
	// minAskPause is the first pause before the first watermark is asked for again.
	minAskPause = 250 * time.Millisecond
)

// latestWatermark holds the newest watermark until the leader takes it.
type latestWatermark struct {
	signal chan struct{}
	mu     *sync.Mutex
	latest **feedv1.Watermark
}

func newLatestWatermark() latestWatermark {
	return latestWatermark{signal: make(chan struct{}, 1), mu: &sync.Mutex{}, latest: new(*feedv1.Watermark)}
}

func (w latestWatermark) put(m *feedv1.Watermark) {
	w.mu.Lock()
	*w.latest = m
	w.mu.Unlock()
	select {
	case w.signal <- struct{}{}:
	default:
	}
}

func (w latestWatermark) take() *feedv1.Watermark {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := *w.latest
	*w.latest = nil
	return m
}

// onWatermark receives a watermark from the broker. It drops what the centre did not sign for this partition.
func (r *Relay) onWatermark(m *nats.Msg) {
	ctx := context.Background()
	var w feedv1.Watermark
	if err := bus.VerifyMessage(m, bus.CentreOwner, r.c.CentreKeys, &w); err != nil {
		r.c.Log.WarnContext(ctx, "watermark dropped", slog.Any("error", err))
		return
	}
	problem := ""
	switch {
	case w.GetSource() != r.c.Partition.Source:
		problem = "it names another service"
	case len(w.GetAcknowledgedHash()) != len(bus.Hash{}) || w.GetAcknowledgedSeq() < 0:
		problem = "it is malformed"
	}
	if problem != "" {
		r.c.Log.WarnContext(ctx, "watermark dropped", slog.String("error", problem))
		return
	}
	r.watermark.put(&w)
}

// resend is what has to be sent again.
type resend struct {
	ranges   []*feedv1.SequenceRange // requested by the centre, or overdue
	last     time.Time               // when the last pass over ranges ended
	since    time.Time               // when the acknowledged offset last advanced, or had nothing to advance to
	received bool                    // a watermark has arrived since then
	// Events up to end are overdue, and were sent again up to sent. A range follows as soon as the one before it is
	// acknowledged.
	sent, end int64
}

func (s *resend) due(l *leader) bool {
	now := time.Now()
	switch {
	case len(s.ranges) > 0:
		return true
	case l.published <= l.acknowledged:
		s.since, s.received = now, false
		return false
	case s.sent <= l.acknowledged && l.acknowledged < s.end:
	case !s.received || now.Sub(s.since) < l.r.c.ResendAfter:
		// Resending does not help a centre that is away. It helps one that sends watermarks which do not advance.
		return false
	default:
		s.end = l.published
	}
	s.since, s.received = now, false
	s.sent = min(s.end, l.acknowledged+int64(4*l.r.c.Batch))
	s.ranges = []*feedv1.SequenceRange{{First: l.acknowledged + 1, Last: s.sent}}
	return true
}

// restart makes all that was published after the acknowledged offset due now.
func (s *resend) restart(l *leader) { s.ranges, s.sent, s.end = nil, l.acknowledged, l.published }

// applyWatermark advances the acknowledged offset and notes what the centre lacks, when the watermark matches this
// database. A single watermark that was replayed or is late has no effect.
//
// Watermarks that stay below the acknowledged offset are those of a centre that was restored from a backup. The offset
// goes back, and what the centre lacks is sent again. Nothing is sent when it was pruned here.
//
// A watermark that does not match stops the partition before anything else is done: the database was restored from an
// older backup, and new events would use numbers that the centre has given to others. See Repair.
func (l *leader) applyWatermark(ctx context.Context, w *feedv1.Watermark) error {
	if w == nil || l.restored {
		return nil
	}
	match, err := l.matches(ctx, w)
	switch {
	case err != nil:
		return err
	case match == mismatch:
		return l.stopRestored(ctx, w)
	case match == pruned:
		l.stopPruned(ctx, w)
	case match == matching:
		l.confirm(ctx, w)
		l.advance(w)
	case match == late:
		l.advance(w)
	}
	return nil
}

// match is how the centre's position relates to this database.
type match int

const (
	unknown  match = iota // this database does not know the event at the position
	late                  // below the acknowledged offset, and perhaps overtaken by another watermark
	pruned                // the centre was restored, and lacks events that were pruned here
	matching              // both have the same event there
	mismatch              // the centre has numbers, or an event, that this database has not
)

func (l *leader) matches(ctx context.Context, w *feedv1.Watermark) (match, error) {
	acknowledged := w.GetAcknowledgedSeq()
	switch {
	case acknowledged > l.last || w.GetAnnouncedSeq() > max(l.last, l.lost):
		return mismatch, nil
	case l.isLate(w):
		return late, nil
	case l.confirmed && !l.pruned && acknowledged == l.acknowledged:
		return matching, nil // compared before
	}
	hash, ok, err := l.hashAt(ctx, acknowledged)
	switch {
	case err != nil:
		return unknown, err
	case !ok && acknowledged < l.storedAcknowledged:
		return pruned, nil
	case !ok:
		l.r.c.Log.WarnContext(ctx, "watermark not verifiable", slog.Int64("acknowledged_seq", acknowledged))
		return unknown, nil
	case hash != bus.Hash(w.GetAcknowledgedHash()):
		return mismatch, nil
	}
	return matching, nil
}

// isLate reports whether another watermark may have overtaken one that is below the acknowledged offset. It is not late
// when no other has arrived for BehindAfter.
func (l *leader) isLate(w *feedv1.Watermark) bool {
	switch {
	case !l.confirmed || w.GetAcknowledgedSeq() >= l.acknowledged:
		l.behindSince = time.Time{}
		return false
	case l.behindSince.IsZero():
		l.behindSince = time.Now()
	}
	return time.Since(l.behindSince) < l.r.c.BehindAfter
}

// confirm lets the relay draw numbers. When the centre itself was restored from a backup, it is behind what it has
// acknowledged before, and what it lacks is sent again.
func (l *leader) confirm(ctx context.Context, w *feedv1.Watermark) {
	acknowledged := w.GetAcknowledgedSeq()
	if l.confirmed && !l.pruned && acknowledged >= l.acknowledged {
		return
	}
	l.confirmed, l.pruned, l.behindSince = true, false, time.Time{}
	l.acknowledged = min(l.acknowledged, acknowledged)
	if acknowledged < l.storedAcknowledged {
		l.r.c.Log.WarnContext(ctx, "centre went back", slog.Int64("acknowledged_seq", acknowledged),
			slog.Int64("acknowledged_before", l.storedAcknowledged))
		l.resend.restart(l)
	}
	l.r.update(func(s *Status) { s.Blocked = "" })
}

// stopPruned stops the partition until the centre has got from the hub what was pruned here.
func (l *leader) stopPruned(ctx context.Context, w *feedv1.Watermark) {
	if !l.pruned {
		l.r.c.Log.ErrorContext(ctx, "partition stopped", slog.String("reason", BlockedPruned),
			slog.Int64("acknowledged_seq", w.GetAcknowledgedSeq()),
			slog.Int64("acknowledged_before", l.storedAcknowledged))
	}
	l.pruned, l.behindSince, l.acknowledged = true, time.Time{}, w.GetAcknowledgedSeq()
	l.r.update(func(s *Status) { s.Blocked = BlockedPruned })
}

// stopRestored stops the partition, unless another process has advanced it: then this relay is the one that is
// outdated.
func (l *leader) stopRestored(ctx context.Context, w *feedv1.Watermark) error {
	if err := l.checkUnchanged(ctx); err != nil {
		return err
	}
	l.restored = true
	l.r.update(func(s *Status) { s.Blocked = BlockedRestored })
	l.r.c.Log.ErrorContext(ctx, "partition stopped", slog.String("reason", BlockedRestored),
		slog.Int64("last_seq", l.last), slog.Int64("acknowledged_seq", w.GetAcknowledgedSeq()),
		slog.Int64("announced_seq", w.GetAnnouncedSeq()))
	return nil
}

// advance applies a matching watermark.
func (l *leader) advance(w *feedv1.Watermark) {
	l.resend.received = true
	if w.GetAcknowledgedSeq() > l.acknowledged {
		l.acknowledged = w.GetAcknowledgedSeq()
		l.resend.since, l.resend.received = time.Now(), false
	}
	if len(l.resend.ranges) == 0 && time.Since(l.resend.last) > settleTime {
		l.resend.ranges = clamp(w.GetMissing(), l.published)
	}
}

// askForWatermark sends a heartbeat at once, and again after growing pauses while the first watermark has not arrived.
func (l *leader) askForWatermark(ctx context.Context) error {
	if l.confirmed || l.restored || time.Now().Before(l.askAt) {
		return nil
	}
	l.askPause = min(max(2*l.askPause, minAskPause), max(l.r.c.Heartbeat, minAskPause))
	l.askAt = time.Now().Add(jitter(l.askPause))
	return l.sendHeartbeat(ctx)
}

// errChanged ends a leader whose partition was repaired, or advanced by another process. The next one starts from what
// is stored.
var errChanged = errors.New("another process advanced the partition")

const selectEnd = `select last_seq, last_hash, lost_seq from outbox_partition where tenant = $1`

// checkUnchanged returns errChanged when another process has changed the end of the partition.
func (l *leader) checkUnchanged(ctx context.Context) error {
	var last, lost int64
	var hash []byte
	err := l.inTenant(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, selectEnd, l.r.c.tenant()).Scan(&last, &hash, &lost)
	})
	if err != nil {
		return fmt.Errorf("%w: read partition: %w", errDatabase, err)
	}
	if last != l.last || lost != l.lost || bus.Hash(hash) != l.lastHash {
		return errChanged
	}
	return nil
}

// clamp keeps the published part of the ranges, and a bounded number of them.
func clamp(ranges []*feedv1.SequenceRange, published int64) []*feedv1.SequenceRange {
	var kept []*feedv1.SequenceRange
	for _, r := range ranges {
		first, last := max(r.GetFirst(), 1), min(r.GetLast(), published)
		if first <= last && len(kept) < maxRanges {
			kept = append(kept, &feedv1.SequenceRange{First: first, Last: last})
		}
	}
	return kept
}

const incrementResends = `update outbox set resends = resends + 1 where tenant = $1 and node_seq between $2 and $3`

// resendMissing sends the next batch of what has to be sent again, and reports whether there is more.
func (l *leader) resendMissing(ctx context.Context) (more bool, err error) {
	if !l.resend.due(l) {
		return false, nil
	}
	r := l.resend.ranges[0]
	if r.First = max(r.First, l.acknowledged+1); r.First > r.Last { // acknowledged meanwhile
		return l.dropResent(r.Last), nil
	}
	events, resends, err := l.selectRange(ctx, r.GetFirst(), r.GetLast(), l.r.c.Batch)
	if err != nil {
		return false, err
	}
	if len(events) == 0 || events[0].NodeSeq != r.GetFirst() {
		l.r.c.Log.ErrorContext(ctx, "requested events were pruned",
			slog.Int64("first", r.GetFirst()), slog.Int64("last", r.GetLast()))
	}
	if len(events) == 0 {
		return l.dropResent(r.GetLast()), nil
	}
	next := 0
	msgs, err := messages(events, func(e *bus.Event) (*msg, error) { next++; return e.ResendMsg(resends[next-1] + 1) })
	n := 0
	if err == nil {
		n, err = l.publish(ctx, msgs)
	}
	if n > 0 {
		first, last := events[0].NodeSeq, events[n-1].NodeSeq
		dbErr := l.inTenant(ctx, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, incrementResends, l.r.c.tenant(), first, last)
			return err
		})
		if dbErr != nil {
			return false, fmt.Errorf("%w: resend: %w", errDatabase, errors.Join(dbErr, err))
		}
		l.r.update(func(s *Status) { s.Resends += int64(n) })
		l.dropResent(last)
	}
	return len(l.resend.ranges) > 0, err
}

// dropResent removes numbers up to seq from the ranges, and reports whether any are left.
func (l *leader) dropResent(seq int64) bool {
	s := &l.resend
	if s.ranges[0].First = seq + 1; s.ranges[0].First > s.ranges[0].Last {
		s.ranges = s.ranges[1:]
	}
	if len(s.ranges) == 0 {
		s.last = time.Now()
	}
	return len(s.ranges) > 0
}
