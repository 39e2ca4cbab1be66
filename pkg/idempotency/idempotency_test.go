package idempotency_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/pg"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func store(pool *pgxpool.Pool, r idempotency.Request, record string, at time.Time) error {
	return pg.InTenant(context.Background(), pool, "cremona", func(ctx context.Context, tx pgx.Tx) error {
		b := &pgx.Batch{}
		r.Queue(b, "cremona", record, at)
		return tx.SendBatch(ctx, b).Close()
	})
}

func TestRequest(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "idempotency", func(ctx context.Context, url string) error {
		return pg.Migrate(ctx, url, idempotency.Schema)
	}).Pool(t)
	pgtest.RowSecurity(t, pool)
	first := idempotency.Request{ID: uuid.NewString(), Method: "Submit", BodyHash: []byte("a")}
	record := uuid.NewString()
	if err := store(pool, first, record, now); err != nil {
		t.Fatal(err)
	}
	if err := store(pool, first, uuid.NewString(), now); !idempotency.IsDuplicate(err) {
		t.Errorf("stored twice: %v", err)
	}
	otherBody, otherMethod, fresh := first, first, first
	otherBody.BodyHash, otherMethod.Method, fresh.ID = []byte("b"), "Close", uuid.NewString()
	for _, c := range []struct {
		name   string
		node   string
		r      idempotency.Request
		record string
		reason fault.Reason
	}{
		{"same", "cremona", first, record, ""},
		{"other body", "cremona", otherBody, "", fault.RequestIDReused},
		{"other method", "cremona", otherMethod, "", fault.RequestIDReused},
		{"new id", "cremona", fresh, "", ""},
		{"same at another node", "cuneo", first, "", ""},
	} {
		err := pg.InTenant(context.Background(), pool, c.node, func(ctx context.Context, tx pgx.Tx) error {
			got, ok, err := c.r.Lookup(ctx, tx, c.node)
			if got != c.record || ok != (c.record != "") {
				t.Errorf("%s: answered with %q, %t", c.name, got, ok)
			}
			return err
		})
		if fault.ReasonOf(err) != c.reason {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if n, err := idempotency.Purge(context.Background(), pool, "cremona", now.Add(idempotency.Retention)); err != nil || n != 0 {
		t.Errorf("after 90 days forgot %d, %v", n, err)
	}
	if n, err := idempotency.Purge(context.Background(), pool, "cremona", now.Add(idempotency.Retention+25*time.Hour)); err != nil || n != 1 {
		t.Errorf("after 91 days forgot %d, %v", n, err)
	}
}
