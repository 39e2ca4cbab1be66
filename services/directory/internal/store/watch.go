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
	// pollInterval is how often a follower asks for the revision although nobody told it of a load.
	pollInterval = 30 * time.Second
	// readTimeout is how long reading may take; a network that says nothing any more must not hold a follower for ever.
	readTimeout = 20 * time.Second
	// retryInterval is how long a follower waits before it tries a lost database retryInterval.
	retryInterval = time.Second
)

// The channel that announces changes, and its two payloads. After "reload" a watcher reads everything again, because entries
// may be gone or hidden ones changed; otherwise it reads what is newer than its revision.
const (
	listenChanges = `listen directory_changed`
	notifyChange  = `select pg_notify('directory_changed', 'change')`
	notifyReload  = `select pg_notify('directory_changed', 'reload')`

	payloadReload = "reload"
)

// Watch calls show with everything that is current, at once and after each load, until ctx ends. While the database is
// away it says so in the log and tries on: what was shown last stays valid.
func Watch(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger, show func(Snapshot)) error {
	for {
		err := follow(ctx, pool, show)
		if ctx.Err() != nil {
			return nil
		}
		log.WarnContext(ctx, "directory not followed", slog.Any("error", err))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(retryInterval):
		}
	}
}

// follow listens on a connection of its own before it reads, so that no load falls in between.
func follow(ctx context.Context, pool *pgxpool.Pool, show func(Snapshot)) error {
	pooled, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	conn := pooled.Hijack()
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, listenChanges); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	var shown *Snapshot
	for all := true; ; {
		if all {
			shown = nil
		}
		if shown, err = refresh(ctx, conn, shown, show); err != nil {
			return err
		}
		if all, err = wait(ctx, conn); err != nil {
			return err
		}
	}
}

// refresh shows what is current unless it was shown already, and returns what is shown now. Only what has changed since is
// read; with nil everything is.
func refresh(ctx context.Context, conn *pgx.Conn, shown *Snapshot, show func(Snapshot)) (*Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	before := Snapshot{}
	if shown != nil {
		switch now, err := selectCurrentRevision(ctx, conn); {
		case err != nil:
			return shown, fmt.Errorf("read revision: %w", err)
		case now == shown.Revision:
			return shown, nil
		case now > shown.Revision:
			before = *shown
		}
	}
	c, err := readSnapshot(ctx, conn, before)
	if err != nil {
		return shown, err
	}
	show(c)
	return &c, nil
}

// wait returns when something has changed, or when it is time to look; all is true when what was read before may be gone.
func wait(ctx context.Context, conn *pgx.Conn) (all bool, err error) {
	quiet, cancel := context.WithTimeout(ctx, pollInterval)
	defer cancel()
	note, err := conn.WaitForNotification(quiet)
	if err != nil && quiet.Err() == nil {
		return false, fmt.Errorf("wait for a load: %w", err)
	}
	return note != nil && note.Payload == payloadReload, ctx.Err()
}
