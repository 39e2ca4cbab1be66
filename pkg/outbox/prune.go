package outbox

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/pg"
)

// KeepDays is how many days an event stays after the centre confirmed it, at least.
const KeepDays = 30

const (
	pruneEvery = time.Hour
	pruneMost  = 5000
)

const (
	deleteOld = `delete from outbox where node = $1 and node_seq in (
		select o.node_seq from outbox o where o.node = $1 and o.node_seq <= (
			select max(d.confirmed_seq) from outbox_day d where d.node = $1 and d.day < current_date - $2::int)
		order by o.node_seq limit $3)`
	// The newest of the old days stays: it is the answer to the next question.
	deleteDays = `delete from outbox_day where node = $1 and day < (
		select max(d.day) from outbox_day d where d.node = $1 and d.day < current_date - $2::int)`
)

// Prune deletes events that the centre confirmed more than keepDays ago, a bounded number at a time, and returns how many
// went. The end of the line stays, so the chain goes on. The leading relay does it every hour with KeepDays.
func Prune(ctx context.Context, pool *pgxpool.Pool, node string, keepDays int) (int64, error) {
	var gone int64
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, pg.SetTenant, node); err != nil {
			return err
		}
		var err error
		gone, err = prune(ctx, tx, node, keepDays)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("prune outbox: %w", err)
	}
	return gone, nil
}

func prune(ctx context.Context, tx pgx.Tx, node string, keepDays int) (int64, error) {
	tag, err := tx.Exec(ctx, deleteOld, node, keepDays, pruneMost)
	if err != nil {
		return 0, err
	}
	if _, err := tx.Exec(ctx, deleteDays, node, keepDays); err != nil {
		return 0, err
	}
	return tag.RowsAffected(), nil
}

func (l *leader) prune(ctx context.Context) error {
	var gone int64
	err := l.inTenant(ctx, func(tx pgx.Tx) error {
		var err error
		gone, err = prune(ctx, tx, l.r.c.tenant(), KeepDays)
		return err
	})
	if err != nil {
		return fmt.Errorf("%w: prune: %w", errDatabase, err)
	}
	l.pruneAt = time.Now().Add(jitter(pruneEvery))
	if gone == pruneMost {
		l.pruneAt = time.Now().Add(time.Second)
	}
	return nil
}
