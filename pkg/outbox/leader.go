package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/bus"
	feedv1 "github.com/retepari/pari/proto/gen/pari/feed/v1"
)

// leader is a relay that holds the lease. It runs in one goroutine. An error of the database ends it.
type leader struct {
	r    *Relay
	conn *pgx.Conn

	last     int64    // highest number drawn
	lastHash bus.Hash // hash of that event
	// Up to here the hub has acknowledged, and up to there the database has recorded it.
	published, storedPublished int64
	// Up to here the centre has acknowledged, and up to there the database has recorded it. Only a centre that was
	// restored from a backup acknowledges less than it did.
	acknowledged, storedAcknowledged int64
	queue                            []bus.Event // numbered, to be published next
	lost                             int64       // the centre may know numbers up to here that a restore has lost
	confirmed                        bool        // a watermark has matched this database
	restored                         bool        // a watermark has not
	pruned                           bool        // the centre lacks events that were pruned here
	behindSince                      time.Time   // since when watermarks are below the acknowledged offset
	askAt                            time.Time   // when to ask for the first watermark again
	askPause                         time.Duration

	failures int
	retryAt  time.Time

	resend  resend
	pruneAt time.Time
}

const (
	insertPartition = `insert into outbox_partition (tenant) values ($1) on conflict do nothing`
	selectPartition = `select last_seq, last_hash, published_seq, acknowledged_seq, lost_seq
		from outbox_partition where tenant = $1`
	// countUnnumbered counts up to a limit, so that a large backlog costs no more.
	countUnnumbered = `select count(*) from (
		select 1 from outbox where tenant = $1 and node_seq is null limit 10000) unnumbered`
)

func (r *Relay) newLeader(ctx context.Context, conn *pgx.Conn) (*leader, error) {
	l := &leader{r: r, conn: conn, resend: resend{since: time.Now()}, pruneAt: time.Now().Add(jitter(pruneInterval))}
	var hash []byte
	err := l.inTenant(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, insertPartition, r.c.tenant()); err != nil {
			return err
		}
		row := tx.QueryRow(ctx, selectPartition, r.c.tenant())
		return row.Scan(&l.last, &hash, &l.storedPublished, &l.storedAcknowledged, &l.lost)
	})
	if err != nil {
		return nil, fmt.Errorf("relay start: %w", err)
	}
	copy(l.lastHash[:], hash)
	l.published, l.acknowledged = l.storedPublished, l.storedAcknowledged
	r.update(func(s *Status) { s.Leading, s.Blocked = true, BlockedUnconfirmed })
	return l, nil
}

func (l *leader) run(ctx context.Context) error {
	c := l.r.c
	poll, heartbeat := time.NewTicker(c.Poll), time.NewTicker(c.Heartbeat)
	defer poll.Stop()
	defer heartbeat.Stop()
	for {
		if err := l.askForWatermark(ctx); err != nil {
			return err
		}
		more, err := l.step(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		l.updateStatus()
		var ready <-chan time.Time
		if more {
			ready = closed
		}
		select {
		case <-ctx.Done():
			return nil
		case <-heartbeat.C:
			if err = l.sendHeartbeat(ctx); err == nil && l.restored {
				err = l.checkUnchanged(ctx)
			}
		case <-l.r.watermark.signal:
			err = l.applyWatermark(ctx, l.r.watermark.take())
		case <-l.r.wake:
		case <-poll.C:
		case <-ready:
		}
		if err != nil {
			return err
		}
	}
}

// closed is always ready to receive from.
var closed = func() <-chan time.Time { c := make(chan time.Time); close(c); return c }()

// step does one bounded piece of all pending work, and reports whether there may be more.
func (l *leader) step(ctx context.Context) (more bool, err error) {
	if l.restored || l.pruned || !l.confirmed {
		return false, nil
	}
	if err := l.storeAndNumber(ctx); err != nil {
		return false, err
	}
	if time.Now().After(l.pruneAt) {
		if err := l.prune(ctx); err != nil {
			return false, err
		}
	}
	if len(l.queue) == 0 && !l.resend.due(l) || time.Now().Before(l.retryAt) {
		return false, nil
	}
	// What the centre lacks goes before new events: it blocks them there.
	resendMore, err := l.resendMissing(ctx)
	if errors.Is(err, errDatabase) {
		return false, err
	}
	if err == nil {
		err = l.publishQueue(ctx)
	}
	if err != nil {
		l.backOff(ctx, err)
		return false, nil
	}
	l.failures = 0
	l.r.update(func(s *Status) { s.Blocked = "" })
	if len(l.queue) == 0 && l.published > l.storedPublished {
		if err := l.storeAndNumber(ctx); err != nil {
			return false, err
		}
		if len(l.queue) == 0 {
			return resendMore, l.sendHeartbeat(ctx)
		}
	}
	return true, nil
}

// publishQueue publishes the queue in order, as far as the hub acknowledges.
func (l *leader) publishQueue(ctx context.Context) error {
	if len(l.queue) == 0 {
		return nil
	}
	msgs, err := messages(l.queue, func(e *bus.Event) (*msg, error) { return e.Msg() })
	n := 0
	if err == nil {
		n, err = l.publish(ctx, msgs)
	}
	if n > 0 {
		l.published = l.queue[n-1].NodeSeq
	}
	l.queue = l.queue[n:]
	return err
}

// backOff waits longer after each failure, up to a bound. It logs the 1st, 2nd, 4th, 8th … failure in a row.
func (l *leader) backOff(ctx context.Context, err error) {
	c := l.r.c
	l.failures++
	d := min(50*time.Millisecond<<min(l.failures-1, 10), c.MaxBackoff)
	blocked := BlockedBroker
	level := slog.LevelWarn
	if refused := (*refusal)(nil); errors.As(err, &refused) {
		blocked, level, d = BlockedRefused, slog.LevelError, 10*c.MaxBackoff
	}
	l.retryAt = time.Now().Add(jitter(d))
	l.r.update(func(s *Status) { s.Blocked = blocked })
	if l.failures&(l.failures-1) == 0 {
		c.Log.Log(ctx, level, "event publish failed", slog.String("blocked", blocked), slog.Int("failures", l.failures),
			slog.Int64("next_seq", l.published+1), slog.Any("error", err))
	}
}

// sendHeartbeat tells the centre how far the partition is. When the broker is away, the next heartbeat will do.
func (l *leader) sendHeartbeat(ctx context.Context) error {
	var unnumbered int64
	err := l.inTenant(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, countUnnumbered, l.r.c.tenant()).Scan(&unnumbered)
	})
	if err != nil {
		return fmt.Errorf("relay heartbeat: %w", err)
	}
	pending := l.last - l.published + unnumbered
	l.r.update(func(s *Status) { s.Pending = pending })
	m, err := bus.SignMessage(l.r.c.Partition.HeartbeatSubject(), &feedv1.Heartbeat{
		Source: l.r.c.Partition.Source, LastSeq: l.last, Pending: pending,
		AwaitsWatermark: !l.confirmed && !l.restored,
	}, l.r.c.Signer)
	if err != nil {
		return err
	}
	if err := l.r.c.Conn.PublishMsg(m); err != nil {
		l.r.c.Log.DebugContext(ctx, "heartbeat publish failed", slog.Any("error", err))
	}
	return nil
}

// updateStatus copies the leader's state to where Status reads it.
func (l *leader) updateStatus() {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	s := &l.r.status
	progress := s.Published != l.published
	s.LastSeq, s.Published, s.Acknowledged = l.last, l.published, l.acknowledged
	s.Regressed = max(0, l.storedAcknowledged-l.acknowledged)
	switch {
	case len(l.queue) == 0:
		l.r.pendingSince, s.Pending = time.Time{}, 0
	case progress || l.r.pendingSince.IsZero():
		l.r.pendingSince = time.Now()
	}
}
