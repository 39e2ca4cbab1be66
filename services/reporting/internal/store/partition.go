package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/bus"
)

// partitionKey identifies a partition within a region.
type partitionKey struct{ node, source string }

func keyOf(p bus.Partition) partitionKey { return partitionKey{p.Tenant.Node, p.Source} }

// partitionKeys returns the partitions of the events in a fixed order, so that replicas that lock the same partitions
// do not deadlock.
func partitionKeys(events []Event) []partitionKey {
	var keys []partitionKey
	for _, e := range events {
		if k := keyOf(e.Partition); !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b partitionKey) int {
		return strings.Compare(a.node+"/"+a.source, b.node+"/"+b.source)
	})
	return keys
}

func keyColumns(keys []partitionKey) (nodes, sources []string) {
	for _, k := range keys {
		nodes, sources = append(nodes, k.node), append(sources, k.source)
	}
	return nodes, sources
}

const (
	insertPartitions = `
		insert into partition (region, node, source) select $1, * from unnest($2::text[], $3::text[])
		on conflict do nothing`
	lockPartitions = `
		select node, source, acknowledged_seq, acknowledged_hash, buffered, last_seq from partition
		where region = $1 and (node, source) in (select * from unnest($2::text[], $3::text[]))
		order by node, source for update`
)

// lock creates missing partitions and locks all of them until the transaction ends.
func (t *batchTx) lock(ctx context.Context, keys []partitionKey) error {
	nodes, sources := keyColumns(keys)
	b := &pgx.Batch{}
	b.Queue(insertPartitions, t.batch.Region, nodes, sources)
	b.Queue(lockPartitions, t.batch.Region, nodes, sources)
	err := sendBatch(ctx, t.tx, b, func(results pgx.BatchResults) error {
		if _, err := results.Exec(); err != nil {
			return err
		}
		rows, err := results.Query()
		if err != nil {
			return err
		}
		t.partitions, err = pgx.CollectRows(rows, scanPartitionState)
		return err
	})
	if err != nil {
		return fmt.Errorf("lock partitions: %w", err)
	}
	if len(t.partitions) != len(keys) {
		return fmt.Errorf("lock partitions: %d of %d found", len(t.partitions), len(keys))
	}
	return nil
}

func scanPartitionState(row pgx.CollectableRow) (*partitionState, error) {
	p := &partitionState{}
	var hash []byte
	if err := row.Scan(&p.key.node, &p.key.source, &p.acknowledged, &hash, &p.buffered, &p.last); err != nil {
		return nil, err
	}
	copy(p.hash[:], hash)
	p.before = p.offset
	return p, nil
}

const updatePartition = `
	update partition set acknowledged_seq = $4, acknowledged_hash = $5, buffered = $6,
	       last_seq = greatest(last_seq, $7), duplicates = duplicates + $8, reports = reports + $9, cases = cases + $10,
	       last_seen_at = greatest(last_seen_at, now())
	where region = $1 and node = $2 and source = $3`

func (t *batchTx) queuePartitions(b *pgx.Batch) {
	for _, p := range t.partitions {
		b.Queue(updatePartition, t.batch.Region, p.key.node, p.key.source, p.acknowledged, p.hash[:], p.buffered,
			p.last, p.duplicates, p.reports, p.cases)
	}
}

// sequence orders the received and the buffered events of each partition by number.
func (t *batchTx) sequence(ctx context.Context) error {
	received := map[partitionKey][]Event{}
	for _, e := range t.batch.Events {
		received[keyOf(e.Partition)] = append(received[keyOf(e.Partition)], e)
	}
	buffered, err := t.loadBuffered(ctx, received)
	if err != nil {
		return err
	}
	for _, p := range t.partitions {
		p.sequence = p.advance(received[p.key], buffered[p.key])
	}
	return t.classifyDuplicates(ctx, buffered)
}

// eventNumber identifies an event within a region.
type eventNumber struct {
	partition partitionKey
	seq       int64
}

const selectInbox = `
	select node, source, node_seq, event_hash from inbox
	where region = $1 and (node, source, node_seq) in (select * from unnest($2::text[], $3::text[], $4::bigint[]))`

// classifyDuplicates counts an event whose number was used before as a duplicate when the hashes are equal, else as a
// fork.
func (t *batchTx) classifyDuplicates(ctx context.Context, buffered map[partitionKey][]Event) error {
	hashes, err := t.loadHashes(ctx, buffered)
	if err != nil {
		return err
	}
	for _, p := range t.partitions {
		for _, e := range p.sequence.duplicates {
			if hashes[eventNumber{p.key, e.NodeSeq}] == e.Hash {
				p.duplicates++
				t.result.Duplicates++
			} else {
				t.result.Rejected[ClassFork]++
				t.result.Forks = append(t.result.Forks, Failure{e.Partition, e.NodeSeq, ClassFork, ErrFork})
			}
		}
	}
	return nil
}

// loadHashes returns the hashes of the events that first used the numbers of the duplicates: from this transaction
// where it has them, else from the inbox.
func (t *batchTx) loadHashes(ctx context.Context, buffered map[partitionKey][]Event) (map[eventNumber]bus.Hash, error) {
	hashes := map[eventNumber]bus.Hash{}
	var (
		nodes, sources []string
		seqs           []int64
	)
	for _, p := range t.partitions {
		for _, e := range slices.Concat(p.sequence.next, p.sequence.buffered, buffered[p.key]) {
			hashes[eventNumber{p.key, e.NodeSeq}] = e.Hash
		}
		for _, e := range p.sequence.duplicates {
			if _, ok := hashes[eventNumber{p.key, e.NodeSeq}]; !ok {
				nodes, sources, seqs = append(nodes, p.key.node), append(sources, p.key.source), append(seqs, e.NodeSeq)
			}
		}
	}
	if len(seqs) == 0 {
		return hashes, nil
	}
	rows, err := t.tx.Query(ctx, selectInbox, t.batch.Region, nodes, sources, seqs)
	if err != nil {
		return nil, fmt.Errorf("select inbox: %w", err)
	}
	var (
		n    eventNumber
		hash []byte
	)
	if _, err := pgx.ForEachRow(rows, []any{&n.partition.node, &n.partition.source, &n.seq, &hash}, func() error {
		hashes[n] = bus.Hash(hash)
		return nil
	}); err != nil {
		return nil, fmt.Errorf("select inbox: %w", err)
	}
	return hashes, nil
}
