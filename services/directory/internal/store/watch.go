package store

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// pollInterval is how often Watch reads the revision without a notification.
	pollInterval = 30 * time.Second
	// readTimeout limits one read, so that a dead connection does not block Watch forever.
	readTimeout = 20 * time.Second
	// retryInterval is the pause before Watch connects again.
	retryInterval = time.Second
)

// The channel of the notifications has two payloads. After "reload" Watch reads everything again, because entries may
// have been deleted or hidden ones changed. Otherwise it reads what is newer than its revision.
const (
	listenChanges = `listen directory_changed`
	notifyChange  = `select pg_notify('directory_changed', 'change')`
	notifyReload  = `select pg_notify('directory_changed', 'reload')`

	payloadReload = "reload"
)

// Watch calls onChange with the current directory, at once and after each change, until ctx ends; then it returns nil.
// It logs failures of the database and connects again.
func Watch(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger, onChange func(Snapshot)) error {
	for {
		err := watch(ctx, pool, onChange)
		if ctx.Err() != nil {
			return nil
		}
		log.WarnContext(ctx, "directory watch failed", slog.Any("error", err))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(retryInterval):
		}
	}
}

// watch uses one connection until it fails. It listens before it reads, so that it misses no change in between.
func watch(ctx context.Context, pool *pgxpool.Pool, onChange func(Snapshot)) error {
	pooled, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	conn := pooled.Hijack()
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, listenChanges); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	var last *Snapshot
	for {
		if last, err = refresh(ctx, conn, last, onChange); err != nil {
			return err
		}
		reload, err := waitForChange(ctx, conn)
		if err != nil {
			return err
		}
		if reload {
			last = nil
		}
	}
}

// refresh calls onChange if the revision differs from that of last, and returns the current snapshot. It reads what has
// changed since last, or everything if last is nil.
func refresh(ctx context.Context, conn *pgx.Conn, last *Snapshot, onChange func(Snapshot)) (*Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	before := Snapshot{}
	if last != nil {
		switch revision, err := selectCurrentRevision(ctx, conn); {
		case err != nil:
			return nil, fmt.Errorf("read revision: %w", err)
		case revision == last.Revision:
			return last, nil
		case revision > last.Revision:
			before = *last
		}
	}
	current, err := readSnapshot(ctx, conn, before)
	if err != nil {
		return nil, err
	}
	onChange(current)
	return &current, nil
}

// waitForChange returns after a notification or after pollInterval. With reload, everything must be read again.
func waitForChange(ctx context.Context, conn *pgx.Conn) (reload bool, err error) {
	waitCtx, cancel := context.WithTimeout(ctx, pollInterval)
	defer cancel()
	n, err := conn.WaitForNotification(waitCtx)
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case err == nil:
		return n.Payload == payloadReload, nil
	case waitCtx.Err() != nil:
		return false, nil
	}
	return false, fmt.Errorf("wait for notification: %w", err)
}
