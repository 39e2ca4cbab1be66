package pg_test

import (
	"context"
	"errors"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/dev/testkit/pglocal"
	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/pg"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var schema = pg.NewSchema(fstest.MapFS{"migrations/0001_note.sql": {Data: []byte(`-- +goose Up
create table note (node text not null default current_setting('app.node'), id bigint not null, primary key (node, id));
alter table note enable row level security;
alter table note force row level security;
create policy tenant on note using (node = current_setting('app.node')) with check (node = current_setting('app.node'));
`)}}, "note")

func setup(t *testing.T) pgtest.DB {
	t.Parallel()
	return pgtest.New(t, "note", func(ctx context.Context, url string) error { return pg.Migrate(ctx, url, schema) })
}

func insert(id int) func(context.Context, pgx.Tx) error {
	return func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `insert into note (id) values ($1)`, id)
		return err
	}
}

func count(n *int) func(context.Context, pgx.Tx) error {
	return func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from note`).Scan(n)
	}
}

// Ensure a transaction sees the rows of its node and no others.
func TestInTenant_KeepsNodesApart(t *testing.T) {
	pool := setup(t).Pool(t)
	ctx := context.Background()
	if err := pg.InTenant(ctx, pool, "cremona", insert(1)); err != nil {
		t.Fatal(err)
	}
	for node, want := range map[string]int{"cremona": 1, "cuneo": 0} {
		var n int
		if err := pg.InTenant(ctx, pool, node, count(&n)); err != nil || n != want {
			t.Errorf("%s sees %d rows, %v", node, n, err)
		}
	}
}

// Ensure a query outside InTenant sees nothing: it fails on a fresh connection, and finds no row on one that had a tenant
// before, since the setting ends with its transaction.
func TestOutsideInTenant_SeesNothing(t *testing.T) {
	pool := setup(t).Pool(t)
	if err := pg.InTenant(context.Background(), pool, "cremona", insert(1)); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := pool.QueryRow(context.Background(), `select count(*) from note`).Scan(&n); err == nil && n != 0 {
		t.Errorf("saw %d rows without a tenant", n)
	}
}

func TestInTenant_RollsBack(t *testing.T) {
	pool := setup(t).Pool(t)
	ctx, cancel := context.WithCancel(context.Background())
	broken := errors.New("broken")
	err := pg.InTenant(ctx, pool, "cremona", func(ctx context.Context, tx pgx.Tx) error {
		if err := insert(1)(ctx, tx); err != nil {
			return err
		}
		cancel()
		return broken
	})
	if !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
	var n int
	if err := pg.InTenant(context.Background(), pool, "cremona", count(&n)); err != nil || n != 0 {
		t.Errorf("%d rows stayed, %v", n, err)
	}
}

func TestFault_OfAServerThatIsAway(t *testing.T) {
	t.Parallel()
	pool, err := pg.Connect(context.Background(), "postgres://pari@127.0.0.1:1/none")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := pg.InTenant(context.Background(), pool, "cremona", insert(1)); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
}

func TestViolates_NamesTheConstraint(t *testing.T) {
	pool := setup(t).Pool(t)
	if err := pg.InTenant(context.Background(), pool, "cremona", insert(1)); err != nil {
		t.Fatal(err)
	}
	if err := pg.InTenant(context.Background(), pool, "cremona", insert(1)); !pg.ViolatesConstraint(err, "note_pkey") {
		t.Errorf("got %v", err)
	}
}

func TestMigrate_MayRunAgainAndAtOnce(t *testing.T) {
	db := setup(t)
	results := make(chan error, 4)
	for range cap(results) {
		go func() { results <- pg.Migrate(context.Background(), db.OwnerURL, schema) }()
	}
	for range cap(results) {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

func TestSecondWall(t *testing.T) {
	db := setup(t)
	pgtest.RowSecurity(t, db.Pool(t))
	pgtest.Prepares(t, db.Pool(t), map[string]string{"insert": `insert into note (id) values ($1)`})
}

// Ensure what was committed survives kill -9 and a new start on the same data.
func TestPrivateServer_KeepsWhatWasCommitted(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dir := t.TempDir()
	s, err := pglocal.Start(ctx, pglocal.Options{Dir: dir, Durable: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { s.Stop() }()
	if err := s.Provision(ctx, "notes"); err != nil {
		t.Fatal(err)
	}
	if err := pg.Migrate(ctx, s.URL(pglocal.Owner, "notes"), schema); err != nil {
		t.Fatal(err)
	}
	pool, err := pg.Connect(ctx, s.URL(pglocal.App, "notes"))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := pg.InTenant(ctx, pool, "cremona", insert(1)); err != nil {
		t.Fatal(err)
	}
	s.Kill()
	if err := s.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	if s, err = pglocal.Start(ctx, pglocal.Options{Dir: dir, Port: s.Port(), Durable: true}); err != nil {
		t.Fatal(err)
	}
	pool.Reset()
	var n int
	if err := pg.InTenant(ctx, pool, "cremona", count(&n)); err != nil || n != 1 {
		t.Errorf("%d rows, %v", n, err)
	}
}
