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
	// look is how often a follower asks for the revision although nobody told it of a load.
	look = 30 * time.Second
	// patience is how long reading may take; a network that says nothing any more must not hold a follower for ever.
	patience = 20 * time.Second
	// again is how long a follower waits before it tries a lost database again.
	again = time.Second
)

// Follow calls show with everything that is current, at once and after each load, until ctx ends. While the database is
// away it says so in the log and tries on: what was shown last stays valid.
func Follow(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger, show func(Contents)) error {
	for {
		err := follow(ctx, pool, show)
		if ctx.Err() != nil {
			return nil
		}
		log.WarnContext(ctx, "directory not followed", slog.Any("error", err))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(again):
		}
	}
}

// follow listens on a connection of its own before it reads, so that no load falls in between.
func follow(ctx context.Context, pool *pgxpool.Pool, show func(Contents)) error {
	pooled, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	conn := pooled.Hijack()
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, statements["listen"]); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	for shown := int64(-1); ; {
		if shown, err = refresh(ctx, conn, shown, show); err != nil {
			return err
		}
		if err := wait(ctx, conn); err != nil {
			return err
		}
	}
}

// refresh shows what is current unless it was shown already, and returns the revision that is shown now.
func refresh(ctx context.Context, conn *pgx.Conn, shown int64, show func(Contents)) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	switch now, err := revision(ctx, conn); {
	case err != nil:
		return shown, fmt.Errorf("read revision: %w", err)
	case now == shown:
		return shown, nil
	}
	c, err := read(ctx, conn)
	if err != nil {
		return shown, err
	}
	show(c)
	return c.Revision, nil
}

// wait returns when somebody has loaded, or when it is time to look.
func wait(ctx context.Context, conn *pgx.Conn) error {
	quiet, cancel := context.WithTimeout(ctx, look)
	defer cancel()
	if _, err := conn.WaitForNotification(quiet); err != nil && quiet.Err() == nil {
		return fmt.Errorf("wait for a load: %w", err)
	}
	return ctx.Err()
}
