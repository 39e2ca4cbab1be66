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

// inbox keeps the newest watermark until the leader looks.
type inbox struct {
	signal chan struct{}
	mu     *sync.Mutex
	latest **feedv1.Watermark
}

func newInbox() inbox {
	return inbox{signal: make(chan struct{}, 1), mu: &sync.Mutex{}, latest: new(*feedv1.Watermark)}
}

func (i inbox) put(w *feedv1.Watermark) {
	i.mu.Lock()
	*i.latest = w
	i.mu.Unlock()
	select {
	case i.signal <- struct{}{}:
	default:
	}
}

func (i inbox) take() *feedv1.Watermark {
	i.mu.Lock()
	defer i.mu.Unlock()
	w := *i.latest
	*i.latest = nil
	return w
}

// hear takes a watermark from the broker. What the centre did not sign for this line is dropped.
func (r *Relay) hear(m *nats.Msg) {
	ctx := context.Background()
	var w feedv1.Watermark
	if err := bus.OpenMsg(m, bus.CentreOwner, r.c.Centre, &w); err != nil {
		r.c.Log.WarnContext(ctx, "watermark dropped", slog.Any("error", err))
		return
	}
	if w.GetSource() != r.c.Line.Source {
		r.c.Log.WarnContext(ctx, "watermark dropped", slog.String("error", "it is about another line"))
		return
	}
	r.down.put(&w)
}

// resend is what has to be sent again.
type resend struct {
	ranges []*feedv1.SequenceRange // asked for by the centre, or overdue
	last   time.Time               // when the last pass over ranges ended
	since  time.Time               // when the confirmed position last moved, or had nothing to move to
	heard  bool                    // the centre has spoken since then
}

// settle is how long a watermark may still speak of the time before a resend.
const settle = time.Second

func (s *resend) due(l *leader) bool {
	now := time.Now()
	if len(s.ranges) > 0 {
		return true
	}
	if l.acked <= l.applied {
		s.since, s.heard = now, false
		return false
	}
	// A centre that says nothing would not be helped by more of the same; one that speaks and stands still would.
	if !s.heard || now.Sub(s.since) < l.r.c.ResendAfter {
		return false
	}
	s.since, s.heard = now, false
	s.ranges = []*feedv1.SequenceRange{{First: l.applied + 1, Last: min(l.acked, l.applied+int64(4*l.r.c.Batch))}}
	return true
}

// heed applies a watermark. An old one that comes again does nothing: the position only grows.
func (l *leader) heed(ctx context.Context, w *feedv1.Watermark) {
	if w == nil {
		return
	}
	if w.GetAcknowledgedSeq() > l.last {
		if !l.restored {
			l.r.c.Log.ErrorContext(ctx, "the centre has events that this database never numbered: it was restored from an older backup; "+
				"nothing is sent until that is settled with the centre", slog.Int64("last_seq", l.last), slog.Int64("applied_seq", w.GetAcknowledgedSeq()))
		}
		l.restored = true
		l.r.update(func(s *Status) { s.Blocked = BlockedRestored })
		return
	}
	l.resend.heard = true
	if w.GetAcknowledgedSeq() > l.applied {
		l.applied = w.GetAcknowledgedSeq()
		l.resend.since, l.resend.heard = time.Now(), false
	}
	if len(l.resend.ranges) == 0 && time.Since(l.resend.last) > settle {
		l.resend.ranges = clamp(w.GetMissing(), l.acked)
	}
}

// clamp keeps of the ranges what was sent, a bounded number of them.
func clamp(ranges []*feedv1.SequenceRange, acked int64) []*feedv1.SequenceRange {
	var kept []*feedv1.SequenceRange
	for _, r := range ranges {
		first, last := max(r.GetFirst(), 1), min(r.GetLast(), acked)
		if first <= last && len(kept) < 100 {
			kept = append(kept, &feedv1.SequenceRange{First: first, Last: last})
		}
	}
	return kept
}

const countResends = `update outbox set resends = resends + 1 where node = $1 and node_seq between $2 and $3`

// sendAgain sends the next piece of what is asked for, and tells whether there is more.
func (l *leader) sendAgain(ctx context.Context) (bool, error) {
	if !l.resend.due(l) {
		return false, nil
	}
	r := l.resend.ranges[0]
	if r.First = max(r.First, l.applied+1); r.First > r.Last { // it has come meanwhile
		return l.passed(r.Last), nil
	}
	events, resends, err := l.numbered(ctx, r.GetFirst(), r.GetLast(), l.r.c.Batch)
	if err != nil {
		return false, err
	}
	if len(events) == 0 || events[0].NodeSeq != r.GetFirst() {
		l.r.c.Log.ErrorContext(ctx, "the centre asks for events that are not kept any more", slog.Int64("first", r.GetFirst()), slog.Int64("last", r.GetLast()))
	}
	if len(events) == 0 {
		return l.passed(r.GetLast()), nil
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
			_, err := tx.Exec(ctx, countResends, l.r.c.tenant(), first, last)
			return err
		})
		if dbErr != nil {
			return false, fmt.Errorf("%w: resend: %w", errDatabase, errors.Join(dbErr, err))
		}
		l.r.update(func(s *Status) { s.Resends += int64(n) })
		l.passed(last)
	}
	return len(l.resend.ranges) > 0, err
}

// passed drops what was sent again up to seq from the ranges.
func (l *leader) passed(seq int64) bool {
	s := &l.resend
	if s.ranges[0].First = seq + 1; s.ranges[0].First > s.ranges[0].Last {
		s.ranges = s.ranges[1:]
	}
	if len(s.ranges) == 0 {
		s.last = time.Now()
	}
	return len(s.ranges) > 0
}
