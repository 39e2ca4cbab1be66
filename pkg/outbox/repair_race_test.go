package outbox

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
)

// things are records whose events are numbered under their lock, as a service does it.
type things struct{}

func (things) Lock(ctx context.Context, tx pgx.Tx, _ tenant.ID, name string) (bool, error) {
	tag, err := tx.Exec(ctx, `select from thing where name = $1 for update`, name)
	return tag.RowsAffected() > 0, err
}

func (things) Continue(ctx context.Context, tx pgx.Tx, _ tenant.ID, name string, seq int64) error {
	_, err := tx.Exec(ctx, `update thing set seq = greatest(seq, $2) where name = $1`, name, seq)
	return err
}

func migrateThings(ctx context.Context, ownerURL string) error {
	if err := migrateOutbox(ctx, ownerURL); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, ownerURL)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, `create table thing (name text primary key, seq bigint not null)`)
	return err
}

// restoredEnv is a database that was restored to its beginning: it has things without events. The centre has two events
// of each.
type restoredEnv struct {
	t           *testing.T
	owner, pool *pgxpool.Pool
	names       []string
	centre      []CentreEvent
}

func newRestoredEnv(t *testing.T, n int) *restoredEnv {
	t.Helper()
	db := pgtest.New(t, "outbox_things", migrateThings)
	e := &restoredEnv{t: t, pool: db.Pool(t)}
	var err error
	if e.owner, err = pgxpool.New(t.Context(), db.OwnerURL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.owner.Close)
	for i := range n {
		name := fmt.Sprint("thing ", i)
		e.names = append(e.names, name)
		if _, err := e.pool.Exec(t.Context(), `insert into thing values ($1, 0)`, name); err != nil {
			t.Fatal(err)
		}
		for seq := range int64(2) {
			number := int64(len(e.centre) + 1)
			e.centre = append(e.centre, CentreEvent{
				NodeSeq: number, ID: uuid.NewString(), Hash: bus.Hash{byte(number), 1},
				Type: "it.pari.report.counted.v1", Aggregate: name, AggregateSeq: seq + 1,
			})
		}
	}
	return e
}

// appendEvent appends an event in a transaction, and calls before before its commit.
func (e *restoredEnv) appendEvent(name string, before func()) {
	err := pg.InTenant(context.Background(), e.pool, testPartition.Tenant,
		func(ctx context.Context, tx pgx.Tx) error {
			var seq int64
			const draw = `update thing set seq = seq + 1 where name = $1 returning seq`
			if err := tx.QueryRow(ctx, draw, name).Scan(&seq); err != nil {
				return err
			}
			err := Append(ctx, tx, Event{
				Tenant: testPartition.Tenant, Type: "it.pari.report.counted.v1", Aggregate: name, AggregateSeq: seq,
			})
			before()
			return err
		})
	if err != nil {
		e.t.Errorf("append: %v", err)
	}
}

func (e *restoredEnv) repair() (Repaired, error) {
	last := e.centre[len(e.centre)-1]
	return Repair{
		DB: e.owner, Partition: testPartition, Records: things{},
		Signer: bus.NewSigner(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))),
		Centre: func(_ context.Context, after int64) (Position, []CentreEvent, error) {
			return Position{last.NodeSeq, last.Hash, last.NodeSeq}, e.centre[after:], nil
		},
	}.Run(context.Background(), false)
}

// check checks that a thing has n events, whose numbers follow those of the centre without a gap.
func (e *restoredEnv) check(name string, n int64) {
	e.t.Helper()
	var got, want []int64
	var last int64
	err := pg.InTenant(e.t.Context(), e.pool, testPartition.Tenant, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select aggregate_seq from outbox where aggregate = $1 order by id`, name)
		if err != nil {
			return err
		}
		if got, err = pgx.CollectRows(rows, pgx.RowTo[int64]); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `select seq from thing where name = $1`, name).Scan(&last)
	})
	if err != nil {
		e.t.Fatal(err)
	}
	for i := range n {
		want = append(want, 3+i)
	}
	if !slices.Equal(got, want) || last != 2+n {
		e.t.Errorf("%s has the events %v and continues after %d, want %v", name, got, last, want)
	}
}

const countLockWaits = `select count(*) from pg_stat_activity
	where datname = current_database() and wait_event_type = 'Lock'`

// Ensure an event whose transaction began before the repair and commits during it is renumbered too: under its first
// number the centre has another.
func TestRepair_WaitsForARunningTransaction(t *testing.T) {
	t.Parallel()
	e := newRestoredEnv(t, 2)
	result := make(chan error, 1)
	var done Repaired
	e.appendEvent(e.names[1], func() {
		go func() {
			var err error
			done, err = e.repair()
			result <- err
		}()
		for waiting := 0; waiting == 0; {
			if err := e.owner.QueryRow(t.Context(), countLockWaits).Scan(&waiting); err != nil {
				t.Error(err)
				return
			}
		}
	})
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	if done.Renumbered != 1 || len(done.Continued) != 2 {
		t.Errorf("repaired %+v", done)
	}
	e.check(e.names[0], 0)
	e.check(e.names[1], 1)
	e.appendEvent(e.names[1], func() {})
	e.check(e.names[1], 2)
}

// Ensure no event is lost or gets a number of the centre's while a service writes during a repair.
func TestRepair_WhileTheServiceWrites(t *testing.T) {
	t.Parallel()
	const events = 30
	for range 5 {
		e := newRestoredEnv(t, 8)
		var wg sync.WaitGroup
		for _, name := range e.names {
			wg.Go(func() {
				for range events {
					e.appendEvent(name, func() {})
				}
			})
		}
		if _, err := e.repair(); err != nil {
			t.Error(err)
		}
		wg.Wait()
		for _, name := range e.names {
			e.check(name, events)
		}
	}
}
