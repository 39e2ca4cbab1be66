package outbox

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
)

// RetentionDays is how many days an event is kept after the centre acknowledged it, at least.
const RetentionDays = 30

const (
	pruneInterval = time.Hour
	pruneLimit    = 5000 // events in one transaction
)

const (
	deleteOld = `delete from outbox where tenant = $1 and node_seq in (
		select o.node_seq from outbox o where o.tenant = $1 and o.node_seq <= (
			select max(d.acknowledged_seq) from outbox_daily_offset d
			where d.tenant = $1 and d.day < current_date - $2::int)
		order by o.node_seq limit $3)`
	// The newest of the old days stays: deleteOld asks for it next time.
	deleteOldOffsets = `delete from outbox_daily_offset where tenant = $1 and day < (
		select max(d.day) from outbox_daily_offset d where d.tenant = $1 and d.day < current_date - $2::int)`
)

// Prune deletes events that the centre acknowledged more than retentionDays ago, a bounded number at a time, and
// returns how many it deleted. The end of the partition stays, so the chain goes on. The leading relay calls it every
// hour.
func Prune(ctx context.Context, db *pgxpool.Pool, t tenant.ID, retentionDays int) (int64, error) {
	var deleted int64
	err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, pg.SetTenant, t); err != nil {
			return err
		}
		var err error
		deleted, err = prune(ctx, tx, t, retentionDays)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("prune outbox: %w", err)
	}
	return deleted, nil
}

func prune(ctx context.Context, tx pgx.Tx, t tenant.ID, retentionDays int) (int64, error) {
	tag, err := tx.Exec(ctx, deleteOld, t, retentionDays, pruneLimit)
	if err != nil {
		return 0, err
	}
	if _, err := tx.Exec(ctx, deleteOldOffsets, t, retentionDays); err != nil {
		return 0, err
	}
	return tag.RowsAffected(), nil
}

// prune deletes nothing while the centre acknowledges less than it did: what it lacks is sent again.
func (l *leader) prune(ctx context.Context) error {
	if l.acknowledged < l.storedAcknowledged {
		l.pruneAt = time.Now().Add(jitter(pruneInterval))
		return nil
	}
	var deleted int64
	err := l.inTenant(ctx, func(tx pgx.Tx) error {
		var err error
		deleted, err = prune(ctx, tx, l.r.c.tenant(), RetentionDays)
		return err
	})
	if err != nil {
		return fmt.Errorf("%w: prune: %w", errDatabase, err)
	}
	l.pruneAt = time.Now().Add(jitter(pruneInterval))
	if deleted == pruneLimit {
		l.pruneAt = time.Now().Add(time.Second)
	}
	return nil
}
