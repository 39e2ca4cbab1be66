package store

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/services/reporting/internal/fact"
)

// Batch is events of one region to be taken in together.
type Batch struct {
	Region string
	Events []Event
	// Waiting is how many events that were parked behind a gap may follow, for each line whose gap closes.
	Waiting int
	// Refuse is the number of an event whose effect the database refused: it is parked, as class Effect. For a batch of one
	// event, or a drain. The number keeps a drain from parking another event, when somebody else has parked that one already.
	Refuse int64
}

// Result is what became of a batch.
type Result struct {
	Lines      []Position
	Applied    int
	Duplicates int
	Parked     map[Class]int
	Refused    map[Class]int
}

// Position is how far a line has come.
type Position struct {
	Line    bus.Partition
	Applied int64
	Waiting int64
	// More tells that events which waited may follow now: call again with an empty batch and the line in Lines.
	More bool
}

// Apply takes in a batch in one transaction: all of it or nothing. Each event takes effect if it is the next of its line,
// else it waits, or counts as a duplicate, or is refused. An event that cannot take effect is parked, and so are later
// ones of the same report or case; the line goes on. When the database refuses an effect the error says so (see
// Permanent), and the caller tries the events one by one.
func (s *Store) Apply(ctx context.Context, b Batch, read Read, codes fact.Codes) (Result, error) {
	return s.apply(ctx, b, lineKeys(b.Events), read, codes)
}

// Drain lets events follow that waited behind a gap of the line, as many as Waiting says.
func (s *Store) Drain(ctx context.Context, line bus.Partition, b Batch, read Read, codes fact.Codes) (Result, error) {
	b.Region, b.Events = line.Region, nil
	return s.apply(ctx, b, []lineKey{keyOf(line)}, read, codes)
}

func (s *Store) apply(ctx context.Context, b Batch, lines []lineKey, read Read, codes fact.Codes) (r Result, err error) {
	err = s.inRegion(ctx, b.Region, func(ctx context.Context, tx pgx.Tx) error {
		t := &taking{tx: tx, batch: b, read: read, codes: codes, result: Result{Parked: map[Class]int{}, Refused: map[Class]int{}}}
		if err := t.lock(ctx, lines); err != nil {
			return err
		}
		if err := t.order(ctx); err != nil {
			return err
		}
		if err := t.load(ctx); err != nil {
			return err
		}
		t.decide()
		if err := t.save(ctx); err != nil {
			return err
		}
		r = t.result
		return nil
	})
	return r, err
}

func lineKeys(events []Event) []lineKey {
	var keys []lineKey
	for _, e := range events {
		if k := keyOf(e.Partition); !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	// One order for all: two replicas that lock the same lines must not wait for each other.
	slices.SortFunc(keys, func(a, b lineKey) int {
		return strings.Compare(a.node+"/"+a.source, b.node+"/"+b.source)
	})
	return keys
}

// taking is one batch on its way into the database.
type taking struct {
	tx     pgx.Tx
	batch  Batch
	read   Read
	codes  fact.Codes
	result Result

	lines []*lineState
	facts facts
	taken []Event // every event that uses up its number, in order, for the inbox
	park  []parkedEvent
}

// lineState is a line of the batch, locked.
type lineState struct {
	key lineKey
	position
	was        position
	sequence   sequence
	duplicates int64
	reports    int64
	cases      int64
}

// parkedEvent is an event with the class that it waits under.
type parkedEvent struct {
	Event
	class Class
}

// decide applies the events that are next, in memory.
func (t *taking) decide() {
	for _, l := range t.lines {
		for _, e := range l.sequence.next {
			t.taken = append(t.taken, e)
			if class := t.take(l, e); class != "" {
				t.parkAs(class, e)
				t.facts.blocked[t.facts.aggregate(e)] = true
			}
		}
		for _, e := range l.sequence.gap {
			t.parkAs(Gap, e)
		}
		t.result.Refused[Chain] += len(l.sequence.broken)
		t.result.Refused[Deferred] += len(l.sequence.room)
		t.result.Lines = append(t.result.Lines, Position{
			Line:    bus.Partition{Region: t.batch.Region, Node: l.key.node, Source: l.key.source},
			Applied: l.applied, Waiting: l.waiting,
			More: l.waiting > 0 && l.applied > l.was.applied,
		})
	}
}

// take lets one event take effect, or returns the class under which it has to wait.
func (t *taking) take(l *lineState, e Event) Class {
	if t.facts.blocked[t.facts.aggregate(e)] {
		return Behind
	}
	if t.batch.Refuse == e.NodeSeq {
		return Effect
	}
	if err := guard(func() error { return t.facts.change(l, e, t.read, t.codes) }); err != nil {
		return classOf(err)
	}
	t.result.Applied++
	return ""
}

func (t *taking) parkAs(c Class, e Event) {
	t.park = append(t.park, parkedEvent{e, c})
	t.result.Parked[c]++
}

// save writes everything in one round trip.
func (t *taking) save(ctx context.Context) error {
	b := &pgx.Batch{}
	t.freeParked(b)
	t.queueParked(b)
	t.queueInbox(b)
	t.facts.queue(b, t.batch.Region)
	t.queueLines(b)
	return run(ctx, t.tx, b, nil)
}

var insertInbox = statement("insert inbox", `
	insert into inbox (region, node, source, node_seq, event_id, event_hash)
	select $1, * from unnest($2::text[], $3::text[], $4::bigint[], $5::uuid[], $6::bytea[])`)

func (t *taking) queueInbox(b *pgx.Batch) {
	if len(t.taken) == 0 {
		return
	}
	var (
		nodes, sources, ids []string
		seqs                []int64
		hashes              [][]byte
	)
	for _, e := range t.taken {
		nodes, sources, ids = append(nodes, e.Partition.Node), append(sources, e.Partition.Source), append(ids, e.ID)
		seqs, hashes = append(seqs, e.NodeSeq), append(hashes, e.Hash[:])
	}
	b.Queue(insertInbox, t.batch.Region, nodes, sources, seqs, ids, hashes)
}
