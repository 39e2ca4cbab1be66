package idempotency_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/pkg/tz"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Tenants of the tests. The last two differ by region alone, as homonyms do.
var (
	cremona      = tenant.ID{Region: "lombardia", Node: "cremona"}
	cuneo        = tenant.ID{Region: "piemonte", Node: "cuneo"}
	livo         = tenant.ID{Region: "lombardia", Node: "livo"}
	trentinoLivo = tenant.ID{Region: "trentino", Node: "livo"}
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newPool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	return pgtest.New(t, "idempotency", func(ctx context.Context, url string) error {
		return pg.Migrate(ctx, url, idempotency.Schema)
	}).Pool(t)
}

func newRequest() idempotency.Request {
	return idempotency.Request{Key: []byte(uuid.NewString()), Method: "Submit", BodyHash: []byte("a")}
}

func store(t *testing.T, pool *pgxpool.Pool, of tenant.ID, r idempotency.Request, recordID string, at time.Time) error {
	t.Helper()
	return pg.InTenant(t.Context(), pool, of, func(ctx context.Context, tx pgx.Tx) error {
		b := &pgx.Batch{}
		r.Queue(b, of, recordID, at)
		return tx.SendBatch(ctx, b).Close()
	})
}

func mustStore(t *testing.T, pool *pgxpool.Pool, of tenant.ID, r idempotency.Request, recordID string, at time.Time) {
	t.Helper()
	if err := store(t, pool, of, r, recordID, at); err != nil {
		t.Fatal(err)
	}
}

// Ensure a look-up reads one row, also while the database has no statistics of the table.
func TestStored_ReadsNoHistory(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	const insert = `insert into idempotency_key (tenant, request_key, method, body_hash, record_id, day)
		select 'lombardia/cremona', i::text::bytea, 'Submit', 'x', gen_random_uuid(), '2026-11-23'
		from generate_series(1, 5000) i`
	if err := pg.InTenant(t.Context(), pool, cremona, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, insert)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for range 20 { // the plan may change after some executions
		found, err := idempotency.Stored(t.Context(), pool, cremona, []byte("7"), []byte("x"), []byte("9"))
		if err != nil || len(found) != 2 {
			t.Fatalf("found %q, %v", found, err)
		}
	}
	const reads = `select coalesce(sum(idx_tup_read), 0) +
		(select coalesce(sum(seq_tup_read), 0) from pg_stat_user_tables where relname = 'idempotency_key')
		from pg_stat_user_indexes where relname = 'idempotency_key'`
	var n int
	for deadline := time.Now().Add(10 * time.Second); n == 0 && time.Now().Before(deadline); {
		if _, err := pool.Exec(t.Context(), `select pg_stat_force_next_flush()`); err != nil {
			t.Fatal(err)
		}
		if err := pool.QueryRow(t.Context(), reads).Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
	if n == 0 || n > 200 {
		t.Errorf("60 look-ups read %d rows", n)
	}
}

func TestSchema(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	pgtest.RowSecurity(t, pool)
	pgtest.PrepareStatements(t, pool)
}

// Ensure a repeated request finds the record of the first answer, and the same id with another body or method is
// refused.
func TestRequest_Lookup(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	first, recordID := newRequest(), uuid.NewString()
	mustStore(t, pool, cremona, first, recordID, now)
	mustStore(t, pool, cremona, newRequest(), uuid.NewString(), now)
	atLivo, livoRecord := newRequest(), uuid.NewString()
	mustStore(t, pool, livo, atLivo, livoRecord, now)
	otherBody, otherMethod := first, first
	otherBody.BodyHash, otherMethod.Method = []byte("b"), "Close"
	for _, c := range []struct {
		name     string
		of       tenant.ID
		request  idempotency.Request
		recordID string
		reason   fault.Reason
	}{
		{"same", cremona, first, recordID, ""},
		{"other body", cremona, otherBody, "", fault.RequestIDReused},
		{"other method", cremona, otherMethod, "", fault.RequestIDReused},
		{"new id", cremona, newRequest(), "", ""},
		{"same id at another tenant", cuneo, first, "", ""},
		{"same id at a namesake", trentinoLivo, atLivo, "", ""},
		{"at the tenant", livo, atLivo, livoRecord, ""},
	} {
		err := pg.InTenant(t.Context(), pool, c.of, func(ctx context.Context, tx pgx.Tx) error {
			got, ok, err := c.request.Lookup(ctx, tx, c.of)
			if got != c.recordID || ok != (c.recordID != "") {
				t.Errorf("%s: got %q, %t", c.name, got, ok)
			}
			return err
		})
		if fault.ReasonOf(err) != c.reason || (err == nil) != (c.reason == "") {
			t.Errorf("%s: %v, want %q", c.name, err, c.reason)
		}
	}
}

// Ensure a database error is returned and not taken for a new id: the write would be done twice.
func TestRequest_LookupReturnsDatabaseErrors(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	err := pg.InTenant(t.Context(), pool, cremona, func(ctx context.Context, tx pgx.Tx) error {
		canceled, cancel := context.WithCancel(ctx)
		cancel()
		got, ok, err := newRequest().Lookup(canceled, tx, cremona)
		if !errors.Is(err, context.Canceled) || ok {
			t.Errorf("got %q, %t, %v", got, ok, err)
		}
		return err
	})
	if err == nil {
		t.Error("the transaction was committed")
	}
}

// Ensure one id is stored once per tenant.
func TestIsDuplicate(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	r := newRequest()
	mustStore(t, pool, cremona, r, uuid.NewString(), now)
	mustStore(t, pool, livo, r, uuid.NewString(), now)
	mustStore(t, pool, trentinoLivo, r, uuid.NewString(), now)
	if err := store(t, pool, cremona, r, uuid.NewString(), now); !idempotency.IsDuplicate(err) {
		t.Errorf("stored twice: %v", err)
	}
	broken := newRequest()
	broken.Key = nil
	if err := store(t, pool, cremona, broken, uuid.NewString(), now); err == nil || idempotency.IsDuplicate(err) {
		t.Errorf("another error: %v", err)
	}
}

// Ensure ids are kept for 90 whole days and removed after, at most 1000 at a time, and only those of the tenant.
func TestPurge(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	old := now.Add(-idempotency.Retention)
	for _, of := range []tenant.ID{cremona, livo, trentinoLivo} {
		mustStore(t, pool, of, newRequest(), uuid.NewString(), old)                     // exactly 90 days
		mustStore(t, pool, of, newRequest(), uuid.NewString(), old.Add(-24*time.Hour))  // 91 days
		mustStore(t, pool, of, newRequest(), uuid.NewString(), old.Add(-240*time.Hour)) // 100 days
	}
	for i, want := range []int64{2, 0} {
		if n, err := idempotency.Purge(t.Context(), pool, cremona, now); err != nil || n != want {
			t.Errorf("call %d removed %d, %v; want %d", i, n, err, want)
		}
	}
	for _, of := range []tenant.ID{livo, trentinoLivo} {
		if n, err := idempotency.Purge(t.Context(), pool, of, now); err != nil || n != 2 {
			t.Errorf("%s: removed %d, %v; want 2", of, n, err)
		}
	}
	err := pg.InTenant(t.Context(), pool, cremona, func(ctx context.Context, tx pgx.Tx) error {
		b := &pgx.Batch{}
		for range 1001 {
			newRequest().Queue(b, cremona, uuid.NewString(), old.Add(-240*time.Hour))
		}
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int64{1000, 1, 0} {
		if n, err := idempotency.Purge(t.Context(), pool, cremona, now); err != nil || n != want {
			t.Errorf("bounded call %d removed %d, %v; want %d", i, n, err, want)
		}
	}
	away, err := pg.Connect(t.Context(), "postgres://pari@127.0.0.1:1/none")
	if err != nil {
		t.Fatal(err)
	}
	defer away.Close()
	if n, err := idempotency.Purge(t.Context(), away, cremona, now); !fault.Is(err, fault.Unavailable) || n != 0 {
		t.Errorf("away: removed %d, %v", n, err)
	}
}

// Ensure a request id lives for 90 days of Italy, also when it was stored with the beginning of its day, which is the
// day before in UTC.
func TestPurge_CountsDaysInItaly(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	midnight := time.Date(2026, 11, 24, 0, 0, 0, 0, tz.Rome)
	mustStore(t, pool, cremona, newRequest(), uuid.NewString(), midnight.UTC())
	last := midnight.AddDate(0, 0, 90).Add(23*time.Hour + 59*time.Minute)
	for i, want := range []int64{0, 1} {
		n, err := idempotency.Purge(t.Context(), pool, cremona, last.Add(time.Duration(i)*time.Minute).UTC())
		if err != nil || n != want {
			t.Errorf("after %d minutes removed %d, %v; want %d", i, n, err, want)
		}
	}
}
