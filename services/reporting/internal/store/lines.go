package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/bus"
)

var (
	insertLines = statement("insert lines", `
		insert into line (region, node, source) select $1, * from unnest($2::text[], $3::text[])
		on conflict do nothing`)
	lockLines = statement("lock lines", `
		select node, source, applied_seq, applied_hash, waiting, last_seq from line
		where region = $1 and (node, source) in (select * from unnest($2::text[], $3::text[]))
		order by node, source for update`)
	saveLine = statement("save line", `
		update line set applied_seq = $4, applied_hash = $5, waiting = $6, last_seq = greatest(last_seq, $7),
		       duplicates = duplicates + $8, reports = reports + $9, cases = cases + $10, heard_at = greatest(heard_at, now())
		where region = $1 and node = $2 and source = $3`)
)

func columns(keys []lineKey) (nodes, sources []string) {
	for _, k := range keys {
		nodes, sources = append(nodes, k.node), append(sources, k.source)
	}
	return nodes, sources
}

// lock makes sure that the lines are there and holds them to the end of the transaction.
func (t *taking) lock(ctx context.Context, keys []lineKey) error {
	nodes, sources := columns(keys)
	b := &pgx.Batch{}
	b.Queue(insertLines, t.batch.Region, nodes, sources)
	b.Queue(lockLines, t.batch.Region, nodes, sources)
	err := run(ctx, t.tx, b, func(results pgx.BatchResults) error {
		if _, err := results.Exec(); err != nil {
			return err
		}
		rows, err := results.Query()
		if err != nil {
			return err
		}
		t.lines, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (*lineState, error) {
			l := &lineState{}
			var hash []byte
			if err := row.Scan(&l.key.node, &l.key.source, &l.applied, &hash, &l.waiting, &l.last); err != nil {
				return nil, err
			}
			copy(l.hash[:], hash)
			l.was = l.position
			return l, nil
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("lock lines: %w", err)
	}
	if len(t.lines) != len(keys) {
		return fmt.Errorf("lock lines: %d of %d found", len(t.lines), len(keys))
	}
	return nil
}

func (t *taking) queueLines(b *pgx.Batch) {
	for _, l := range t.lines {
		b.Queue(saveLine, t.batch.Region, l.key.node, l.key.source, l.applied, l.hash[:], l.waiting, l.last,
			l.duplicates, l.reports, l.cases)
	}
}

// order puts the events of each line, and those that were parked behind a gap, in their order.
func (t *taking) order(ctx context.Context) error {
	arrived := map[lineKey][]Event{}
	for _, e := range t.batch.Events {
		arrived[keyOf(e.Partition)] = append(arrived[keyOf(e.Partition)], e)
	}
	known, err := t.parked(ctx, arrived)
	if err != nil {
		return err
	}
	for _, l := range t.lines {
		l.sequence = l.walk(arrived[l.key], known[l.key])
	}
	return t.judgeAgain(ctx, known)
}

var selectInbox = statement("select inbox", `
	select node, source, node_seq, event_hash from inbox
	where region = $1 and (node, source, node_seq) in (select * from unnest($2::text[], $3::text[], $4::bigint[]))`)

// judgeAgain tells duplicates from events that use a number for a second time.
func (t *taking) judgeAgain(ctx context.Context, parked map[lineKey][]Event) error {
	type number struct {
		line lineKey
		seq  int64
	}
	seen := map[number]bus.Hash{}
	var (
		nodes, sources []string
		seqs           []int64
	)
	for _, l := range t.lines {
		for _, kept := range [][]Event{l.sequence.next, l.sequence.gap, parked[l.key]} {
			for _, e := range kept {
				seen[number{l.key, e.NodeSeq}] = e.Hash
			}
		}
		for _, e := range l.sequence.again {
			if _, ok := seen[number{l.key, e.NodeSeq}]; !ok {
				nodes, sources, seqs = append(nodes, l.key.node), append(sources, l.key.source), append(seqs, e.NodeSeq)
			}
		}
	}
	if len(seqs) > 0 {
		rows, err := t.tx.Query(ctx, selectInbox, t.batch.Region, nodes, sources, seqs)
		if err != nil {
			return fmt.Errorf("look up numbers: %w", err)
		}
		var (
			n    number
			hash []byte
		)
		if _, err := pgx.ForEachRow(rows, []any{&n.line.node, &n.line.source, &n.seq, &hash}, func() error {
			seen[n] = bus.Hash(hash)
			return nil
		}); err != nil {
			return fmt.Errorf("look up numbers: %w", err)
		}
	}
	for _, l := range t.lines {
		for _, e := range l.sequence.again {
			if seen[number{l.key, e.NodeSeq}] == e.Hash {
				l.duplicates++
				t.result.Duplicates++
			} else {
				t.result.Refused[Fork]++
			}
		}
	}
	return nil
}
