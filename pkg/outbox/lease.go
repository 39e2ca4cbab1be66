package outbox

import (
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/pg"
)

// hold takes the lease of the line and calls lead while it has it. The lease is an advisory lock of the session that lead
// uses for everything it writes, so who has lost it can write nothing any more. It returns nil without calling lead when
// another relay has the lease.
func (r *Relay) hold(ctx context.Context, lead func(*leader) error) error {
	pooled, err := r.c.Pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("relay connection: %w", err)
	}
	conn := pooled.Hijack()
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	// A leader whose machine vanished must not keep the lease until TCP's usual two hours are over.
	const prepare = `select set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false),
		set_config('tcp_keepalives_count', '3', false), set_config('application_name', 'pari relay', false)`
	if _, err := conn.Exec(ctx, prepare); err != nil {
		return fmt.Errorf("relay connection: %w", err)
	}
	for {
		var held bool
		if err := conn.QueryRow(ctx, `select pg_try_advisory_lock($1)`, r.leaseKey()).Scan(&held); err != nil {
			return fmt.Errorf("relay lease: %w", err)
		}
		if held {
			break
		}
		r.update(func(s *Status) { s.Blocked = "" })
		pause(ctx, jitter(r.c.LeaseRetry))
		if ctx.Err() != nil {
			return nil
		}
	}
	l, err := r.newLeader(ctx, conn)
	if err != nil {
		return err
	}
	r.c.Log.InfoContext(ctx, "relay leads", slog.Int64("last_seq", l.last), slog.Int64("sent_seq", l.sent), slog.Int64("confirmed_seq", l.confirmed))
	return lead(l)
}

// leaseKey is the same for every relay of the line, and hardly for anything else in the database.
func (r *Relay) leaseKey() int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("pari outbox " + r.c.Line.URI()))
	return int64(h.Sum64())
}

// inTenant runs f in a transaction of the tenant, on the connection that holds the lease.
func (l *leader) inTenant(ctx context.Context, f func(pgx.Tx) error) error {
	tx, err := l.conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := tx.Exec(ctx, pg.SetTenant, l.r.c.tenant()); err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit(ctx)
}
