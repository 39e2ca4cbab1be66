package outbox

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/pg"
)

// Lost is a report or case of which only the centre has the events.
type Lost struct {
	Aggregate string // pseudonym
	Events    int
	LastSeq   int64  // number of the last of them within the aggregate
	Decision  string // "", Keep or Withdraw
}

// Decisions about what only the centre has.
const (
	Keep     = "keep"     // it happened, and stays counted
	Withdraw = "withdraw" // it is not counted any more
)

// What the centre has an event of withdrawal of was decided before the restore.
const selectLost = `select aggregate, count(*)::int, max(aggregate_seq),
	max(case when type like '%.withdrawn.v_' then 'withdraw' else decision end) from outbox_lost
	where tenant = $1 group by aggregate order by min(node_seq)`

// ListLost lists what repairs have found that only the centre has.
func ListLost(ctx context.Context, db *pgxpool.Pool, p bus.Partition) (lost []Lost, err error) {
	err = pg.InTenant(ctx, db, p.Tenant, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectLost, p.Tenant)
		if err != nil {
			return err
		}
		lost, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Lost])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list lost events: %w", err)
	}
	return lost, nil
}

const decideLost = `with decided as (
		update outbox_lost set decision = $3 where tenant = $1 and aggregate = $2 and decision = '' and not exists (
			select from outbox_lost w where w.tenant = $1 and w.aggregate = $2 and w.type like '%.withdrawn.v_')
		returning aggregate_seq)
	select coalesce(max(aggregate_seq), 0) from decided`

// DecideLost keeps or withdraws reports or cases of which only the centre has the events. To withdraw, it appends the
// event that withdrawal returns for each; the relay sends it. What was decided before stays so. It returns how many
// were decided now.
func DecideLost(
	ctx context.Context, db *pgxpool.Pool, p bus.Partition, decision string, aggregates []string,
	withdrawal func(aggregate string) (Event, error),
) (decided int, err error) {
	err = pg.InTenant(ctx, db, p.Tenant, func(ctx context.Context, tx pgx.Tx) error {
		for _, aggregate := range aggregates {
			var last int64
			if err := tx.QueryRow(ctx, decideLost, p.Tenant, aggregate, decision).Scan(&last); err != nil {
				return err
			}
			if last == 0 {
				continue
			}
			decided++
			if decision != Withdraw {
				continue
			}
			event, err := withdrawal(aggregate)
			if err != nil {
				return err
			}
			event.Tenant, event.Aggregate, event.AggregateSeq = p.Tenant, aggregate, last+1
			if err := Append(ctx, tx, event); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("decide lost events: %w", err)
	}
	return decided, nil
}
