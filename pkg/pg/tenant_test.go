package pg_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
)

// Ensure a transaction sees the rows of its tenant and no others, also not those of a namesake in another region.
func TestInTenant_SeparatesTenants(t *testing.T) {
	t.Parallel()
	pool := newDB(t).Pool(t)
	if err := pg.InTenant(t.Context(), pool, livo, insertNote(1)); err != nil {
		t.Fatal(err)
	}
	for of, want := range map[tenant.ID]int{livo: 1, trentinoLivo: 0, cremona: 0} {
		var n int
		if err := pg.InTenant(t.Context(), pool, of, countNotes(&n)); err != nil || n != want {
			t.Errorf("%s sees %d rows, %v", of, n, err)
		}
	}
}

// Ensure a transaction can change no row of a namesake in another region, neither by its tenant nor by its key.
func TestInTenant_RefusesRowsOfANamesake(t *testing.T) {
	t.Parallel()
	pool := newDB(t).Pool(t)
	if err := pg.InTenant(t.Context(), pool, livo, insertNote(1)); err != nil {
		t.Fatal(err)
	}
	err := pg.InTenant(t.Context(), pool, trentinoLivo, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `insert into note (tenant, id) values ($1, 2)`, livo)
		return err
	})
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || refused.Code != "42501" {
		t.Errorf("inserted for another tenant: %v", err)
	}
	for _, sql := range []string{`update note set id = 2`, `delete from note`} {
		err := pg.InTenant(t.Context(), pool, trentinoLivo, func(ctx context.Context, tx pgx.Tx) error {
			tag, err := tx.Exec(ctx, sql)
			if n := tag.RowsAffected(); n != 0 {
				t.Errorf("%s changed %d rows of another tenant", sql, n)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	if err := pg.InTenant(t.Context(), pool, trentinoLivo, insertNote(1)); err != nil {
		t.Errorf("the same id at the other tenant: %v", err)
	}
}

// Ensure a query outside InTenant fails on a fresh connection, and sees no row on one that had a tenant before: the
// setting ends with its transaction.
func TestInTenant_EndsWithItsTransaction(t *testing.T) {
	t.Parallel()
	pool := newDB(t).Pool(t)
	var n int
	if err := pool.QueryRow(t.Context(), `select count(*) from note`).Scan(&n); err == nil {
		t.Errorf("a fresh connection sees %d rows", n)
	}
	if err := pg.InTenant(t.Context(), pool, cremona, insertNote(1)); err != nil {
		t.Fatal(err)
	}
	if err := pool.QueryRow(t.Context(), `select count(*) from note`).Scan(&n); err == nil && n != 0 {
		t.Errorf("a used connection sees %d rows", n)
	}
}

// Ensure an error rolls back and returns the connection to the pool, also when the caller's context has ended.
func TestInTenant_RollsBack(t *testing.T) {
	t.Parallel()
	pool := newDB(t).Pool(t)
	ctx, cancel := context.WithCancel(t.Context())
	broken := errors.New("broken")
	err := pg.InTenant(ctx, pool, cremona, func(ctx context.Context, tx pgx.Tx) error {
		if err := insertNote(1)(ctx, tx); err != nil {
			return err
		}
		cancel()
		return broken
	})
	if !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
	if s := pool.Stat(); s.AcquiredConns() != 0 || s.TotalConns() != 1 {
		t.Errorf("%d connections are in use, %d open; want 0 and 1", s.AcquiredConns(), s.TotalConns())
	}
	var n int
	if err := pg.InTenant(t.Context(), pool, cremona, countNotes(&n)); err != nil || n != 0 {
		t.Errorf("%d rows remain, %v", n, err)
	}
}

// Ensure a panic ends the transaction: the server that recovers from it must not lose a connection.
func TestInTenant_RollsBackAfterAPanic(t *testing.T) {
	t.Parallel()
	pool := newDB(t).Pool(t)
	func() {
		defer func() { _ = recover() }()
		_ = pg.InTenant(t.Context(), pool, cremona, func(context.Context, pgx.Tx) error { panic("broken") })
	}()
	if n := pool.Stat().AcquiredConns(); n != 0 {
		t.Errorf("%d connections are in use", n)
	}
}

// Ensure an error of the commit is returned: a deferred constraint is checked only then.
func TestInTenant_ReturnsTheErrorOfTheCommit(t *testing.T) {
	t.Parallel()
	pool := newDB(t).Pool(t)
	err := pg.InTenant(t.Context(), pool, cremona, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `insert into note (id, text) values (1, 'a'), (2, 'a')`)
		return err
	})
	if !pg.ViolatesConstraint(err, "note_text") {
		t.Errorf("got %v", err)
	}
}

// Ensure a database that is away, and one that ends the connection, are the fault UNAVAILABLE.
func TestInTenant_Unavailable(t *testing.T) {
	t.Parallel()
	away, err := pg.Connect(t.Context(), "postgres://pari@127.0.0.1:1/none")
	if err != nil {
		t.Fatal(err)
	}
	defer away.Close()
	if err := pg.InTenant(t.Context(), away, cremona, insertNote(1)); !fault.Is(err, fault.Unavailable) {
		t.Errorf("away: got %v", err)
	}
	err = pg.InTenant(t.Context(), newDB(t).Pool(t), cremona, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `select pg_terminate_backend(pg_backend_pid())`)
		return err
	})
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("terminated: got %v", err)
	}
}

func TestViolatesConstraint(t *testing.T) {
	t.Parallel()
	pool := newDB(t).Pool(t)
	if err := pg.InTenant(t.Context(), pool, cremona, insertNote(1)); err != nil {
		t.Fatal(err)
	}
	err := pg.InTenant(t.Context(), pool, cremona, insertNote(1))
	if !pg.ViolatesConstraint(err, "note_pkey") || pg.ViolatesConstraint(err, "note_text") {
		t.Errorf("got %v", err)
	}
	if pg.ViolatesConstraint(errors.New("note_pkey"), "note_pkey") || pg.ViolatesConstraint(nil, "") {
		t.Error("another error violates a constraint")
	}
}

// Ensure the checks of pgtest pass for a schema as services have it.
func TestSchema(t *testing.T) {
	t.Parallel()
	pool := newDB(t).Pool(t)
	pgtest.RowSecurity(t, pool)
	pgtest.PrepareStatements(t, pool)
}
