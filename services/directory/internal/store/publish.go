package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/services/directory/internal/activity"
	"github.com/retepari/pari/services/directory/internal/entry"
)

const selectFirstSeen = `
	select kind, id, to_char(min(stored_at) at time zone 'Europe/Rome', 'YYYY-MM-DD') from entry
	where kind = 'office' group by kind, id`

// ListFirstSeen returns the day, in Europe/Rome, on which each office was first stored.
func ListFirstSeen(ctx context.Context, pool *pgxpool.Pool) (map[entry.Ref]string, error) {
	rows, err := pool.Query(ctx, selectFirstSeen)
	if err != nil {
		return nil, fmt.Errorf("list first days of offices: %w", err)
	}
	firstSeen := map[entry.Ref]string{}
	var kind, id, day string
	_, err = pgx.ForEachRow(rows, []any{&kind, &id, &day}, func() error {
		firstSeen[entry.NewRef(kind, id)] = day
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list first days of offices: %w", err)
	}
	return firstSeen, nil
}

const selectPublishedRegions = `select distinct region from published_contribution order by region`

// ListPublishedRegions returns the regions for which the directory has published something.
func ListPublishedRegions(ctx context.Context, pool *pgxpool.Pool) ([]string, error) {
	rows, err := pool.Query(ctx, selectPublishedRegions)
	if err != nil {
		return nil, fmt.Errorf("list published regions: %w", err)
	}
	regions, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("list published regions: %w", err)
	}
	return regions, nil
}

const insertAggregates = `
	insert into published_contribution (region, aggregate) select $1, * from unnest($2::text[]) on conflict do nothing`

const updatePublished = `
	update published_contribution set seq = $3, digest = $4, revision = $5 where region = $1 and aggregate = $2`

// Publish writes events for the contributions of a region that differ from the last published ones, in one transaction,
// and returns their number. An empty contribution replaces a published one that no longer exists. A contribution that
// does not make a valid event is left out and named in an error that wraps the one of outbox.Prepare; the others are
// still published.
//
// Revision is that of the directory with these contributions. Publish changes nothing if a newer revision was
// published: a server that lags behind must not replace newer contributions.
func Publish(
	ctx context.Context, pool *pgxpool.Pool, revision int64, region string, contributions []activity.Contribution,
) (n int, err error) {
	byAggregate := map[string]activity.Contribution{}
	for _, c := range contributions {
		byAggregate[c.Aggregate()] = c
	}
	var invalid []error
	centre := tenant.ID{Region: region, Node: tenant.CentreNode}
	err = pg.InTenant(ctx, pool, centre, func(ctx context.Context, tx pgx.Tx) error {
		aggregates := slices.Sorted(maps.Keys(byAggregate)) // sorted, so that concurrent calls do not deadlock
		if _, err := tx.Exec(ctx, insertAggregates, region, aggregates); err != nil {
			return err
		}
		published, err := lockPublished(ctx, tx, region)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(published, func(p publishedRow) bool { return p.revision > revision }) {
			return nil
		}
		b := &pgx.Batch{}
		var events []outbox.Prepared
		for _, p := range published {
			c, ok := byAggregate[p.aggregate]
			if !ok {
				if p.seq == 0 {
					continue
				}
				c = activity.EmptyContribution(region, p.aggregate)
			}
			data, err := proto.MarshalOptions{Deterministic: true}.Marshal(c.Event)
			if err != nil {
				return fmt.Errorf("%s: %w", c.Ref, err)
			}
			digest := sha256.Sum256(data)
			if bytes.Equal(digest[:], p.digest) {
				continue
			}
			event, err := outbox.Prepare(ctx, outbox.Event{
				Tenant: centre, Type: c.EventType(), Aggregate: p.aggregate, AggregateSeq: p.seq + 1, Data: data,
			})
			if err != nil {
				invalid = append(invalid, fmt.Errorf("%s: %w", c.Ref, err))
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
		return 0, fmt.Errorf("publish contributions: %w", err)
	}
	return n, errors.Join(invalid...)
}

// publishedRow describes the last event of an aggregate; seq is 0 before the first one.
type publishedRow struct {
	aggregate     string
	digest        []byte
	seq, revision int64
}

const selectPublishedForUpdate = `
	select aggregate, digest, seq, revision from published_contribution where region = $1 order by aggregate for update`

// lockPublished locks the rows of a region, so that concurrent calls publish one after the other.
func lockPublished(ctx context.Context, tx pgx.Tx, region string) ([]publishedRow, error) {
	rows, err := tx.Query(ctx, selectPublishedForUpdate, region)
	if err != nil {
		return nil, err
	}
	published, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p publishedRow, err error) {
		err = row.Scan(&p.aggregate, &p.digest, &p.seq, &p.revision)
		return p, err
	})
	// The collation of the database must not decide the order of the events.
	slices.SortFunc(published, func(a, b publishedRow) int { return strings.Compare(a.aggregate, b.aggregate) })
	return published, err
}
