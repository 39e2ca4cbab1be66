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

// leader is a relay that holds the lease. Everything below runs in one goroutine; an error of the database ends it.
type leader struct {
	r    *Relay
	conn *pgx.Conn

	last      int64    // highest number drawn
	lastHash  bus.Hash // and the hash of that event
	sent      int64    // sent_seq as stored
	acked     int64    // acknowledged by the hub; ahead of sent until the next transaction
	confirmed int64    // confirmed_seq as stored
	applied   int64    // confirmed by the centre; ahead of confirmed until the next transaction
	queue     []bus.Event
	restored  bool

	failures int
	retryAt  time.Time

	resend  resend
	pruneAt time.Time
}

const (
	ensureLine = `insert into outbox_line (node) values ($1) on conflict do nothing`
	readLine   = `select last_seq, last_hash, sent_seq, confirmed_seq from outbox_line where node = $1`
	countLeft  = `select count(*) from (select 1 from outbox where node = $1 and node_seq is null limit 10000) w`
)

func (r *Relay) newLeader(ctx context.Context, conn *pgx.Conn) (*leader, error) {
	l := &leader{r: r, conn: conn, resend: resend{since: time.Now()}, pruneAt: time.Now().Add(jitter(pruneEvery))}
	var hash []byte
	err := l.inTenant(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, ensureLine, r.c.tenant()); err != nil {
			return err
		}
		return tx.QueryRow(ctx, readLine, r.c.tenant()).Scan(&l.last, &hash, &l.sent, &l.confirmed)
	})
	if err != nil {
		return nil, fmt.Errorf("relay start: %w", err)
	}
	copy(l.lastHash[:], hash)
	l.acked, l.applied = l.sent, l.confirmed
	r.update(func(s *Status) { s.Leading, s.Blocked = true, "" })
	return l, nil
}

func (l *leader) run(ctx context.Context) error {
	c := l.r.c
	poll, heartbeat := time.NewTicker(c.Poll), time.NewTicker(c.Heartbeat)
	defer poll.Stop()
	defer heartbeat.Stop()
	if err := l.announce(ctx); err != nil {
		return err
	}
	for {
		moved, err := l.round(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		l.show()
		var ready <-chan time.Time
		if moved {
			ready = closed // look at the rest, do not wait
		}
		select {
		case <-ctx.Done():
			return nil
		case <-heartbeat.C:
			err = l.announce(ctx)
		case <-l.r.down.signal:
			l.heed(ctx, l.r.down.take())
		case <-l.r.wake:
		case <-poll.C:
		case <-ready:
		}
		if err != nil {
			return err
		}
	}
}

// closed is always ready.
var closed = func() <-chan time.Time { c := make(chan time.Time); close(c); return c }()

// round does one piece of everything there is to do, and tells whether there may be more.
func (l *leader) round(ctx context.Context) (bool, error) {
	if l.restored {
		return false, nil
	}
	if err := l.advance(ctx); err != nil {
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
	// What the centre waits for goes before what is new.
	again, err := l.sendAgain(ctx)
	if errors.Is(err, errDatabase) {
		return false, err
	}
	if err == nil {
		err = l.sendNew(ctx)
	}
	if err != nil {
		l.hush(ctx, err)
		return false, nil
	}
	l.failures = 0
	l.r.update(func(s *Status) { s.Blocked = "" })
	if len(l.queue) == 0 && l.acked > l.sent {
		if err := l.advance(ctx); err != nil {
			return false, err
		}
		if len(l.queue) == 0 {
			return again, l.announce(ctx)
		}
	}
	return true, nil
}

// sendNew publishes the queue, in order, as far as the hub acknowledges.
func (l *leader) sendNew(ctx context.Context) error {
	if len(l.queue) == 0 {
		return nil
	}
	msgs, err := messages(l.queue, func(e *bus.Event) (*msg, error) { return e.Msg() })
	n := 0
	if err == nil {
		n, err = l.publish(ctx, msgs)
	}
	for _, e := range l.queue[:n] {
		if l.r.c.AfterPublish != nil {
			l.r.c.AfterPublish(e.NodeSeq)
		}
		l.acked = e.NodeSeq
	}
	l.queue = l.queue[n:]
	return err
}

// hush waits longer after each failure, with a bound, and says once per failure what is wrong.
func (l *leader) hush(ctx context.Context, err error) {
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
	if l.failures&(l.failures-1) == 0 { // 1st, 2nd, 4th, 8th …
		c.Log.Log(ctx, level, "events wait: hub did not take them", slog.String("blocked", blocked), slog.Int("failures", l.failures),
			slog.Int64("next_seq", l.acked+1), slog.Any("error", err))
	}
}

// announce tells the centre how far the line is. The broker may be away: the next announcement will do.
func (l *leader) announce(ctx context.Context) error {
	var left int64
	err := l.inTenant(ctx, func(tx pgx.Tx) error { return tx.QueryRow(ctx, countLeft, l.r.c.tenant()).Scan(&left) })
	if err != nil {
		return fmt.Errorf("relay heartbeat: %w", err)
	}
	pending := l.last - l.acked + left
	l.r.update(func(s *Status) { s.Pending = pending })
	m, err := bus.SignedMsg(l.r.c.Line.HeartbeatSubject(), &feedv1.Heartbeat{
		Source: l.r.c.Line.Source, LastSeq: l.last, Pending: pending,
	}, l.r.c.Signer)
	if err != nil {
		return err
	}
	if err := l.r.c.Conn.PublishMsg(m); err != nil {
		l.r.c.Log.DebugContext(ctx, "heartbeat not sent", slog.Any("error", err))
	}
	return nil
}

// show copies the state to where Status reads it.
func (l *leader) show() {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	s := &l.r.status
	moved := s.Sent != l.acked
	s.LastSeq, s.Sent, s.Confirmed = l.last, l.acked, l.applied
	switch {
	case len(l.queue) == 0:
		l.r.waiting, s.Pending = time.Time{}, 0
	case moved || l.r.waiting.IsZero():
		l.r.waiting = time.Now()
	}
}
