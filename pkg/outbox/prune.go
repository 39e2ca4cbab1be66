package outbox

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
)

// KeepDays is how long an event stays after it was sent, at least.
const KeepDays = 30

// Prune deletes events that the centre has confirmed and that were sent more than KeepDays ago, a bounded number at a
// time. The end of the line stays in outbox_line, so the chain goes on.
func Prune(ctx context.Context, pool *pgxpool.Pool, node string) (int64, error) {
	const q = `delete from outbox where node = $1 and id in (
		select o.id from outbox o join outbox_line l on l.node = o.node
		where o.node = $1 and o.node_seq <= l.confirmed_seq and o.sent_on < current_date - $2::int
		order by o.node_seq limit 5000)`
	tx, err := pool.Begin(ctx)
	if err != nil {
		return 0, fmt.Errorf("prune outbox: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := tx.Exec(ctx, `select set_config('app.node', $1, true)`, node); err != nil {
		return 0, fmt.Errorf("prune outbox: %w", err)
	}
	tag, err := tx.Exec(ctx, q, node, KeepDays)
	if err != nil {
		return 0, fmt.Errorf("prune outbox: %w", err)
	}
	if err := tx.Commit(ctx); err != nil {
		return 0, fmt.Errorf("prune outbox: %w", err)
	}
	return tag.RowsAffected(), nil
}
