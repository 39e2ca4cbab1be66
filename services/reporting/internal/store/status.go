package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/bus"
)

// Node is a node of a region.
type Node struct{ Region, Name string }

var (
	insertNodes = statement("insert nodes", `
		insert into node (region, node) select * from unnest($1::text[], $2::text[]) on conflict do nothing`)
	selectNodes = statement("select nodes", `select region, node from node order by region, node`)
)

// AddNodes makes nodes known. A node is never forgotten: what it sent counts on.
func (s *Store) AddNodes(ctx context.Context, nodes []Node) error {
	var regions, names []string
	for _, n := range nodes {
		regions, names = append(regions, n.Region), append(names, n.Name)
	}
	if _, err := s.pool.Exec(ctx, insertNodes, regions, names); err != nil {
		return fmt.Errorf("add nodes: %w", err)
	}
	return nil
}

// Nodes lists the nodes by region and name.
func (s *Store) Nodes(ctx context.Context) ([]Node, error) {
	rows, err := s.pool.Query(ctx, selectNodes)
	if err != nil {
		return nil, fmt.Errorf("list nodes: %w", err)
	}
	nodes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Node])
	if err != nil {
		return nil, fmt.Errorf("list nodes: %w", err)
	}
	return nodes, nil
}

// Heartbeat is what a relay announced about its line.
type Heartbeat struct {
	Line    bus.Partition
	LastSeq int64
	Pending int64
	At      time.Time
}

var saveHeartbeats = statement("save heartbeats", `
	insert into line (region, node, source, last_seq, pending, heard_at)
	select $1, * from unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::timestamptz[])
	on conflict (region, node, source) do update set last_seq = greatest(line.last_seq, excluded.last_seq),
	       pending = excluded.pending, heard_at = greatest(line.heard_at, excluded.heard_at)`)

// Hear keeps what relays of a region announced, one heartbeat per line.
func (s *Store) Hear(ctx context.Context, region string, beats []Heartbeat) error {
	var (
		nodes, sources []string
		last, pending  []int64
		at             []time.Time
	)
	for _, h := range beats {
		nodes, sources = append(nodes, h.Line.Node), append(sources, h.Line.Source)
		last, pending, at = append(last, h.LastSeq), append(pending, h.Pending), append(at, h.At)
	}
	err := s.inRegion(ctx, region, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, saveHeartbeats, region, nodes, sources, last, pending, at)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep heartbeats: %w", err)
	}
	return nil
}

// Line is how a line stands.
type Line struct {
	Source     string
	LastSeq    int64
	Applied    int64
	Waiting    int64 // behind a gap
	Refused    int64 // parked for good, or behind such an event
	Duplicates int64
	Pending    int64
	Reports    int64
	Cases      int64
	HeardAt    time.Time // zero: never
}

// Gaps is how many numbers are missing.
func (l Line) Gaps() int64 { return max(0, l.LastSeq-l.Applied-l.Waiting) }

var selectLines = statement("select lines", `
	select l.node, l.source, l.last_seq, l.applied_seq, l.waiting, l.duplicates, l.pending, l.reports, l.cases, l.heard_at,
	       (select count(*) from parked p where p.region = l.region and p.node = l.node and p.source = l.source and p.class <> 'gap')
	from line l where l.region = $1 order by l.node, l.source`)

// Lines returns the lines of a region by node.
func (s *Store) Lines(ctx context.Context, region string) (map[string][]Line, error) {
	found := map[string][]Line{}
	err := s.inRegion(ctx, region, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectLines, region)
		if err != nil {
			return err
		}
		var (
			node  string
			l     Line
			heard *time.Time
		)
		_, err = pgx.ForEachRow(rows, []any{&node, &l.Source, &l.LastSeq, &l.Applied, &l.Waiting, &l.Duplicates, &l.Pending, &l.Reports,
			&l.Cases, &heard, &l.Refused}, func() error {
			if l.HeardAt = (time.Time{}); heard != nil {
				l.HeardAt = heard.UTC()
			}
			found[node] = append(found[node], l)
			return nil
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list lines: %w", err)
	}
	return found, nil
}

// Range is numbers, both ends included.
type Range struct{ First, Last int64 }

// maxRanges bounds what is asked for at once; the rest is asked for when that has come.
const maxRanges = 100

var selectMissing = statement("select missing", `
	select before + 1, node_seq - 1 from (
		select p.node_seq, lag(p.node_seq, 1, l.applied_seq) over (order by p.node_seq) as before
		from line l join parked p on p.region = l.region and p.node = l.node and p.source = l.source and p.class = 'gap' and p.node_seq > l.applied_seq
		where l.region = $1 and l.node = $2 and l.source = $3
	) steps where node_seq > before + 1 order by before limit $4`)

// Missing lists the numbers that lie between what took effect and what waits.
func (s *Store) Missing(ctx context.Context, line bus.Partition) ([]Range, error) {
	var ranges []Range
	err := s.inRegion(ctx, line.Region, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectMissing, line.Region, line.Node, line.Source, maxRanges)
		if err != nil {
			return err
		}
		ranges, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Range])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for gaps: %w", err)
	}
	return ranges, nil
}
