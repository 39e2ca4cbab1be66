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

// A leader whose machine vanished must not keep the lease for the two hours that TCP waits by default.
const configureSession = `select set_config('tcp_keepalives_idle', '10', false),
	set_config('tcp_keepalives_interval', '5', false), set_config('tcp_keepalives_count', '3', false),
	set_config('application_name', 'pari relay', false)`

const tryLease = `select pg_try_advisory_lock($1)`

// withLease waits for the lease of the partition and calls lead while it holds it. The lease is an advisory lock of the
// database session that lead writes with, so a leader that lost it cannot write.
func (r *Relay) withLease(ctx context.Context, lead func(*leader) error) error {
	pooled, err := r.c.DB.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("relay connection: %w", err)
	}
	conn := pooled.Hijack()
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	if _, err := conn.Exec(ctx, configureSession); err != nil {
		return fmt.Errorf("relay connection: %w", err)
	}
	for {
		var held bool
		if err := conn.QueryRow(ctx, tryLease, r.leaseKey()).Scan(&held); err != nil {
			return fmt.Errorf("relay lease: %w", err)
		}
		if held {
			break
		}
		r.update(func(s *Status) { s.Blocked = "" })
		sleep(ctx, jitter(r.c.LeaseRetry))
		if ctx.Err() != nil {
			return nil
		}
	}
	l, err := r.newLeader(ctx, conn)
	if err != nil {
		return err
	}
	r.c.Log.InfoContext(ctx, "relay leads", slog.Int64("last_seq", l.last), slog.Int64("published_seq", l.published),
		slog.Int64("acknowledged_seq", l.acknowledged))
	return lead(l)
}

// leaseKey is the same for all relays of the partition, and hardly collides with another lock of the database.
func (r *Relay) leaseKey() int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("pari outbox " + r.c.Partition.URI()))
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
