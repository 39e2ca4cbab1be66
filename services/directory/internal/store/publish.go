package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/services/directory/internal/activity"
	"github.com/retepari/pari/services/directory/internal/entry"
)

const selectFirstSeen = `
	select kind, id, to_char(min(stored_at) at time zone 'Europe/Rome', 'YYYY-MM-DD') from entry
	where kind = 'office' group by kind, id`

// ListFirstSeen tells on which day, in Europe/Rome, the directory first had each office.
func ListFirstSeen(ctx context.Context, pool *pgxpool.Pool) (map[entry.Ref]string, error) {
	rows, err := pool.Query(ctx, selectFirstSeen)
	if err != nil {
		return nil, fmt.Errorf("first days of offices: %w", err)
	}
	first := map[entry.Ref]string{}
	var kind, id, day string
	_, err = pgx.ForEachRow(rows, []any{&kind, &id, &day}, func() error {
		first[entry.NewRef(kind, id)] = day
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("first days of offices: %w", err)
	}
	return first, nil
}

const selectPublishedRegions = `select distinct region from published_contribution order by region`

// ListPublishedRegions lists the regions that something was ever published for.
func ListPublishedRegions(ctx context.Context, pool *pgxpool.Pool) ([]string, error) {
	rows, err := pool.Query(ctx, selectPublishedRegions)
	if err != nil {
		return nil, fmt.Errorf("regions: %w", err)
	}
	regions, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("regions: %w", err)
	}
	return regions, nil
}

const insertAggregates = `
	insert into published_contribution (region, aggregate) select $1, * from unnest($2::text[]) on conflict do nothing`

const updatePublished = `
	update published_contribution set seq = $3, digest = $4, revision = $5 where region = $1 and aggregate = $2`

// Publish makes events of what the entries of a region contribute and was not published so yet, in one transaction, and
// returns how many. What contributes no more is taken back by an empty contribution. One that could never be sent is left
// out, and named by an error that is outbox.ErrEvent; the others are published all the same.
//
// Revision is that of the directory which contributes so. What was published of a newer one stays: a copy of the service that
// lags behind takes nothing back.
func Publish(ctx context.Context, pool *pgxpool.Pool, revision int64, region string, contributions []activity.Contribution) (n int, err error) {
	wanted := map[string]activity.Contribution{}
	var names []string
	for _, c := range contributions {
		wanted[c.Aggregate()] = c
		names = append(names, c.Aggregate())
	}
	slices.Sort(names)
	var unfit []error
	err = pg.InTenant(ctx, pool, region, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, insertAggregates, region, names); err != nil {
			return err
		}
		known, err := lockPublished(ctx, tx, region)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(known, func(p publishedRow) bool { return p.revision > revision }) {
			return nil
		}
		b := &pgx.Batch{}
		var events []outbox.Prepared
		for _, p := range known {
			c, there := wanted[p.aggregate]
			if !there {
				c = activity.EmptyContribution(region, p.aggregate)
			}
			data, err := proto.MarshalOptions{Deterministic: true}.Marshal(c.Event)
			if err != nil {
				return fmt.Errorf("%s: %w", c.Ref, err)
			}
			digest := sha256.Sum256(data)
			if string(digest[:]) == p.digest || p.seq == 0 && !there {
				continue
			}
			event, err := outbox.Prepare(ctx, outbox.Event{Node: region, Type: c.EventType(), Aggregate: p.aggregate, AggregateSeq: p.seq + 1, Data: data})
			if err != nil {
				unfit = append(unfit, fmt.Errorf("%s: %w", c.Ref, err))
				continue
			}
			b.Queue(updatePublished, region, p.aggregate, p.seq+1, digest[:], revision)
			events = append(events, event)
		}
		if n = len(events); n == 0 {
			return nil
		}
		outbox.QueueAll(b, events...)
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return 0, fmt.Errorf("publish: %w", err)
	}
	return n, errors.Join(unfit...)
}

// publishedRow is what was last said of an aggregate.
type publishedRow struct {
	aggregate, digest string
	seq, revision     int64
}

const selectPublishedForUpdate = `
	select aggregate, seq, digest, revision from published_contribution where region = $1 order by aggregate for update`

func lockPublished(ctx context.Context, tx pgx.Tx, region string) ([]publishedRow, error) {
	rows, err := tx.Query(ctx, selectPublishedForUpdate, region)
	if err != nil {
		return nil, err
	}
	known, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p publishedRow, err error) {
		var digest []byte
		err = row.Scan(&p.aggregate, &p.seq, &digest, &p.revision)
		p.digest = string(digest)
		return p, err
	})
	slices.SortFunc(known, func(a, b publishedRow) int { return strings.Compare(a.aggregate, b.aggregate) })
	return known, err
}
