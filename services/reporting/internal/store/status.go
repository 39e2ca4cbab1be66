package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/tenant"
)

const (
	insertNodes = `
		insert into node (region, node) select * from unnest($1::text[], $2::text[]) on conflict do nothing`
	selectNodes = `select region, node from node order by region, node`
)

// AddNodes adds nodes that are not stored yet. A node is never removed, because its events stay counted.
func (s *Store) AddNodes(ctx context.Context, nodes []tenant.ID) error {
	var regions, names []string
	for _, n := range nodes {
		regions, names = append(regions, n.Region), append(names, n.Node)
	}
	if _, err := s.pool.Exec(ctx, insertNodes, regions, names); err != nil {
		return fmt.Errorf("add nodes: %w", err)
	}
	return nil
}

// ListNodes lists the nodes by region and name.
func (s *Store) ListNodes(ctx context.Context) ([]tenant.ID, error) {
	rows, err := s.pool.Query(ctx, selectNodes)
	if err != nil {
		return nil, fmt.Errorf("list nodes: %w", err)
	}
	nodes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[tenant.ID])
	if err != nil {
		return nil, fmt.Errorf("list nodes: %w", err)
	}
	return nodes, nil
}

// Heartbeat is the content of a relay's heartbeat, and when it was received.
type Heartbeat struct {
	Partition bus.Partition
	LastSeq   int64
	Pending   int64
	At        time.Time
}

const upsertHeartbeats = `
	insert into partition (region, node, source, last_seq, pending, last_seen_at)
	select $1, * from unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::timestamptz[])
	on conflict (region, node, source) do update set last_seq = greatest(partition.last_seq, excluded.last_seq),
	       pending = excluded.pending, last_seen_at = greatest(partition.last_seen_at, excluded.last_seen_at)`

// StoreHeartbeats stores heartbeats of a region, at most one per partition.
func (s *Store) StoreHeartbeats(ctx context.Context, region string, heartbeats []Heartbeat) error {
	var (
		nodes, sources []string
		last, pending  []int64
		at             []time.Time
	)
	for _, h := range heartbeats {
		nodes, sources = append(nodes, h.Partition.Tenant.Node), append(sources, h.Partition.Source)
		last, pending, at = append(last, h.LastSeq), append(pending, h.Pending), append(at, h.At)
	}
	err := s.inRegion(ctx, region, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, upsertHeartbeats, region, nodes, sources, last, pending, at)
		return err
	})
	if err != nil {
		return fmt.Errorf("store heartbeats: %w", err)
	}
	return nil
}

// PartitionStatus is the state of a partition.
type PartitionStatus struct {
	Source       string
	LastSeq      int64 // highest number received or announced
	Acknowledged int64
	Hash         bus.Hash // of the event with the acknowledged number
	Buffered     int64    // events behind a gap
	DeadLettered int64    // without those that they block
	Blocked      int64    // by a dead-lettered event of the same report, case or entry
	Duplicates   int64
	Pending      int64 // events that the node has not sent yet, as it announced
	Reports      int64
	Cases        int64
	LastSeen     time.Time // last event or heartbeat; zero: never
}

// Gaps is how many numbers are missing.
func (s PartitionStatus) Gaps() int64 { return max(0, s.LastSeq-s.Acknowledged-s.Buffered) }

const selectPartitions = `
	select p.node, p.source, p.last_seq, p.acknowledged_seq, p.acknowledged_hash, p.buffered, p.duplicates, p.pending,
	       p.reports, p.cases, p.last_seen_at, u.dead_lettered, u.blocked
	from partition p cross join lateral (
		select count(*) filter (where class <> 'blocked') as dead_lettered,
		       count(*) filter (where class = 'blocked') as blocked
		from unapplied_event
		where region = p.region and node = p.node and source = p.source and class <> 'gap') u
	where p.region = $1 order by p.node, p.source`

// ListPartitions returns the partitions of a region by node.
func (s *Store) ListPartitions(ctx context.Context, region string) (map[string][]PartitionStatus, error) {
	found := map[string][]PartitionStatus{}
	err := s.inRegion(ctx, region, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectPartitions, region)
		if err != nil {
			return err
		}
		var (
			node     string
			p        PartitionStatus
			hash     []byte
			lastSeen *time.Time
		)
		columns := []any{
			&node, &p.Source, &p.LastSeq, &p.Acknowledged, &hash, &p.Buffered, &p.Duplicates, &p.Pending, &p.Reports,
			&p.Cases, &lastSeen, &p.DeadLettered, &p.Blocked,
		}
		_, err = pgx.ForEachRow(rows, columns, func() error {
			p.Hash = bus.Hash(hash)
			if p.LastSeen = (time.Time{}); lastSeen != nil {
				p.LastSeen = lastSeen.UTC()
			}
			found[node] = append(found[node], p)
			return nil
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list partitions: %w", err)
	}
	return found, nil
}

// Range is a range of sequence numbers, both ends included.
type Range struct{ First, Last int64 }

// maxRanges bounds the missing ranges of one watermark; the others are requested when these have arrived.
const maxRanges = 100

const selectMissing = `
	select before + 1, node_seq - 1 from (
		select u.node_seq, lag(u.node_seq, 1, p.acknowledged_seq) over (order by u.node_seq) as before
		from partition p join unapplied_event u on u.region = p.region and u.node = p.node and u.source = p.source
		     and u.class = 'gap' and u.node_seq > p.acknowledged_seq
		where p.region = $1 and p.node = $2 and p.source = $3
	) steps where node_seq > before + 1 order by before limit $4`

// ListMissing lists the ranges between the acknowledged offset and the buffered events that have not arrived.
func (s *Store) ListMissing(ctx context.Context, p bus.Partition) ([]Range, error) {
	var ranges []Range
	err := s.inRegion(ctx, p.Tenant.Region, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectMissing, p.Tenant.Region, p.Tenant.Node, p.Source, maxRanges)
		if err != nil {
			return err
		}
		ranges, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Range])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list missing ranges: %w", err)
	}
	return ranges, nil
}
