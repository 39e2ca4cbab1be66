package seal_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/seal"
	"github.com/retepari/pari/pkg/tenant"
)

func TestSchema(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	pgtest.RowSecurity(t, pool)
	pgtest.PrepareStatements(t, pool)
}

// Ensure a file that holds no key is refused, with an error that does not quote it.
func TestOpenKeyStore_RefusesOtherFiles(t *testing.T) {
	t.Parallel()
	broken := filepath.Join(t.TempDir(), "broken.json")
	if err := os.WriteFile(broken, []byte(`{"primaryKeyId": 7, "key": ["secret"]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"missing": filepath.Join(t.TempDir(), "missing.json"), "broken": broken, "another kind of key": secretsFile(t),
	} {
		_, err := seal.OpenKeyStore(nil, forAll(path), slog.New(slog.DiscardHandler))
		if err == nil || strings.Contains(err.Error(), "secret\"") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Ensure a destroyed key is gone at once, and a key of another tenant does not exist, also not for a namesake in
// another region.
func TestKeyStore_Destroy(t *testing.T) {
	t.Parallel()
	s := newKeyStore(t)
	key, other := newKey(t, s, livo), newKey(t, s, livo)
	for _, another := range []tenant.ID{cuneo, trentinoLivo} {
		if _, err := s.Get(t.Context(), another, key.ID()); !fault.Is(err, fault.NotFound) {
			t.Errorf("get for %s: %v", another, err)
		}
		if err := s.Destroy(t.Context(), another, key.ID()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Get(t.Context(), livo, key.ID()); err != nil {
		t.Errorf("after other tenants destroyed it: %v", err)
	}
	if err := s.Destroy(t.Context(), livo, key.ID()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), livo, key.ID()); !fault.Is(err, fault.NotFound) {
		t.Errorf("after destroying it: %v", err)
	}
	if _, err := s.Get(t.Context(), livo, other.ID()); err != nil {
		t.Errorf("another key: %v", err)
	}
}

// Ensure a key opens only with the node's KEK, and only as the key under whose id it was stored.
func TestKeyStore_GetRefusesForeignKeys(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	s := openKeyStore(t, pool, kekFile(t))
	key, other := newKey(t, s, cremona), newKey(t, s, cremona)
	if _, err := openKeyStore(t, pool, kekFile(t)).Get(t.Context(), cremona, key.ID()); err == nil {
		t.Error("another KEK unwraps the key")
	}
	err := pg.InTenant(t.Context(), pool, cremona, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `delete from data_key where key_id = $1`, key.ID()); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `insert into data_key (tenant, key_id, wrapped)
			select tenant, $1, wrapped from data_key where key_id = $2`, key.ID(), other.ID())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), cremona, key.ID()); err == nil {
		t.Error("a key that was stored under another id is accepted")
	}
}

// Ensure a key that was copied to a namesake in another region does not unwrap there, with the same KEK.
func TestKeyStore_GetRefusesKeysOfANamesake(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	s := openKeyStore(t, pool, kekFile(t))
	key := newKey(t, s, livo)
	var wrapped []byte
	err := pg.InTenant(t.Context(), pool, livo, func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select wrapped from data_key where key_id = $1`, key.ID()).Scan(&wrapped)
	})
	if err != nil {
		t.Fatal(err)
	}
	const insert = `insert into data_key (tenant, key_id, wrapped) values ($1, $2, $3)`
	for tenantOfRow, ok := range map[tenant.ID]bool{livo: false, trentinoLivo: true} {
		err := pg.InTenant(t.Context(), pool, trentinoLivo, func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, insert, tenantOfRow, key.ID(), wrapped)
			return err
		})
		if (err == nil) != ok {
			t.Errorf("%s stores a key for %s: %v", trentinoLivo, tenantOfRow, err)
		}
	}
	if _, err := s.Get(t.Context(), trentinoLivo, key.ID()); err == nil || fault.Is(err, fault.NotFound) {
		t.Errorf("the copy at the namesake: %v", err)
	}
	if _, err := s.Get(t.Context(), livo, key.ID()); err != nil {
		t.Errorf("the key itself: %v", err)
	}
}

// Ensure each key is handed out once, to its tenant, and is durable before.
func TestKeyStore_NewKey(t *testing.T) {
	t.Parallel()
	s := newKeyStore(t)
	var (
		mu   sync.Mutex
		seen = map[uuid.UUID]tenant.ID{}
		wg   sync.WaitGroup
	)
	for i := range 10 {
		of := []tenant.ID{livo, trentinoLivo}[i%2]
		wg.Go(func() {
			for range 50 {
				key, err := s.NewKey(t.Context(), of)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if !seen[key.ID()].IsZero() {
					t.Error("a key was handed out twice")
				}
				seen[key.ID()] = of
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for id, of := range seen {
		if _, err := s.Get(t.Context(), of, id); err != nil {
			t.Fatal(err)
		}
	}
}

// Ensure keys are generated ahead in the background: after a batch of 128, and while the database is away, unused keys
// are handed out, and only then is the fault UNAVAILABLE.
func TestKeyStore_NewKeyUsesThePool(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	s := openKeyStore(t, pool, kekFile(t))
	for range 64 { // one more starts a refill
		newKey(t, s, cremona)
	}
	if n := s.Unused(cremona); n != 64 {
		t.Fatalf("%d keys are unused, want 64", n)
	}
	newKey(t, s, cremona)
	bustest.Eventually(t, func() bool { return s.Unused(cremona) == 63+128 })
	pool.Close()
	for range 63 + 128 {
		newKey(t, s, cremona)
	}
	if _, err := s.NewKey(t.Context(), cremona); err == nil {
		t.Error("a key that is not durable was handed out")
	}
}

// Ensure keys are not used in the order in which they lie in the database: that would be the order of the records.
func TestKeyStore_NewKeyTellsNoOrder(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	s := openKeyStore(t, pool, kekFile(t))
	var drawn []string
	for range 64 { // of one batch
		drawn = append(drawn, newKey(t, s, cremona).ID().String())
	}
	var stored []string
	err := pg.InTenant(t.Context(), pool, cremona, func(ctx context.Context, tx pgx.Tx) error {
		const inOrder = `select key_id::text from data_key where key_id::text = any ($1) order by ctid`
		rows, err := tx.Query(ctx, inOrder, drawn)
		if err != nil {
			return err
		}
		stored, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err != nil || len(stored) != len(drawn) {
		t.Fatalf("%d keys are stored, %v", len(stored), err)
	}
	backwards := slices.Clone(stored)
	slices.Reverse(backwards)
	if slices.Equal(drawn, stored) || slices.Equal(drawn, backwards) {
		t.Error("the order of the rows is the order of use")
	}
}

// Ensure a refill that failed is tried again with a later key.
func TestKeyStore_RefillsAfterAFailure(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	s := openKeyStore(t, pool, kekFile(t))
	newKey(t, s, cremona)
	away, err := pg.Connect(t.Context(), "postgres://pari@127.0.0.1:1/none")
	if err != nil {
		t.Fatal(err)
	}
	defer away.Close()
	s.SetDB(away)
	for s.Unused(cremona) > 30 { // refills fail
		newKey(t, s, cremona)
	}
	bustest.Eventually(t, func() bool { return !s.Refilling(cremona) })
	s.SetDB(pool)
	newKey(t, s, cremona)
	bustest.Eventually(t, func() bool { return s.Unused(cremona) == 29+128 })
}

const countKeys = `select count(*) from data_key where tenant = $1`

// Ensure however many callers wait for a key, one batch is generated at a time, each key is handed out once, and a
// caller whose context ends does not wait.
func TestKeyStore_NewKeyIsSingleFlight(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	keys := openKeyStore(t, pool, kekFile(t))
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := keys.NewKey(canceled, cuneo); err == nil {
		t.Error("a caller whose context had ended got a key")
	}
	const callers = 100
	ids := make(chan uuid.UUID, callers)
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			key, err := keys.NewKey(t.Context(), cremona)
			if err != nil {
				t.Error(err)
			}
			ids <- key.ID()
		})
	}
	wg.Wait()
	close(ids)
	seen := map[uuid.UUID]bool{}
	for id := range ids {
		seen[id] = true
	}
	bustest.Eventually(t, func() bool { return !keys.Refilling(cremona) })
	var stored int
	err := pg.InTenant(t.Context(), pool, cremona, func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, countKeys, cremona).Scan(&stored)
	})
	if err != nil || len(seen) != callers || stored != 256 {
		t.Errorf("%d keys were handed out and %d generated, %v", len(seen), stored, err)
	}
}

// deleteKeys deletes the data keys of Cremona but some, as the restore of a backup does.
func deleteKeys(t *testing.T, pool *pgxpool.Pool, but []uuid.UUID) {
	t.Helper()
	err := pg.InTenant(t.Context(), pool, cremona, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `delete from data_key where key_id <> all ($1)`, but)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func listKeys(t *testing.T, pool *pgxpool.Pool) (ids []uuid.UUID) {
	t.Helper()
	err := pg.InTenant(t.Context(), pool, cremona, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select key_id from data_key`)
		if err != nil {
			return err
		}
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// Ensure after the key database was restored to an older state no key is handed out that it does not have, by however
// many callers; keys that it still has are used, and other tenants keep theirs.
func TestKeyStore_NewKeyAfterARestore(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	s := openKeyStore(t, pool, kekFile(t))
	newKey(t, s, cuneo)
	for range 64 {
		newKey(t, s, cremona)
	}
	backup := listKeys(t, pool)
	newKey(t, s, cremona)
	bustest.Eventually(t, func() bool { return s.Unused(cremona) == 63+128 })
	take := func(tenants ...tenant.ID) {
		t.Helper()
		var wg sync.WaitGroup
		for _, of := range tenants {
			for range 20 {
				wg.Go(func() {
					key, err := s.NewKey(t.Context(), of)
					if err == nil {
						_, err = s.Get(t.Context(), of, key.ID())
					}
					if err != nil {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
		bustest.Eventually(t, func() bool { return !s.Refilling(cremona) })
	}
	deleteKeys(t, pool, backup)
	s.Age(cremona)
	take(cremona)
	if n := s.Unused(cremona); n != 63+128-20 { // of the first batch, and one new
		t.Errorf("%d keys are unused", n)
	}
	deleteKeys(t, pool, []uuid.UUID{})
	s.Age(cremona)
	take(cremona, cuneo)
	if n := s.Unused(cuneo); n != 127-20 {
		t.Errorf("the other tenant has %d unused keys", n)
	}
}

// Ensure unused keys are handed out while the database cannot be asked for them.
func TestKeyStore_NewKeyUnchecked(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	s := openKeyStore(t, pool, kekFile(t))
	newKey(t, s, cremona)
	bustest.Eventually(t, func() bool { return !s.Refilling(cremona) })
	n := s.Unused(cremona)
	pool.Close()
	for range n {
		s.Age(cremona)
		newKey(t, s, cremona)
	}
	if _, err := s.NewKey(t.Context(), cremona); err == nil {
		t.Error("a key that is not durable was handed out")
	}
}

// Ensure only old keys that no record names are deleted, of the tenant alone, and nothing in a dry run.
func TestCollect(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	keys := openKeyStore(t, pool, kekFile(t))
	used, other := newKey(t, keys, cremona), newKey(t, keys, cuneo)
	inUse := func(_ context.Context, ids []uuid.UUID) (found []uuid.UUID, err error) {
		if slices.Contains(ids, used.ID()) {
			found = append(found, used.ID())
		}
		return found, nil
	}
	collect := func(now time.Time, dryRun bool, want int) {
		t.Helper()
		if n, err := seal.Collect(t.Context(), pool, cremona, now, dryRun, inUse); n != want || err != nil {
			t.Errorf("at %s, dry run %t: %d unused keys, %v; want %d", now, dryRun, n, err, want)
		}
	}
	bustest.Eventually(t, func() bool { return !keys.Refilling(cremona) })
	generated := keys.Unused(cremona)
	month := time.Date(time.Now().UTC().Year(), time.Now().UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
	collect(month.AddDate(0, 1, -1).Add(seal.CollectAfter), false, 0) // some may be younger
	old := month.AddDate(0, 1, 0).Add(seal.CollectAfter)
	collect(old, true, generated)
	collect(old, false, generated)
	collect(old, false, 0)
	if _, err := keys.Get(t.Context(), cremona, used.ID()); err != nil {
		t.Error(err)
	}
	if _, err := keys.Get(t.Context(), cuneo, other.ID()); err != nil {
		t.Error(err)
	}
}
