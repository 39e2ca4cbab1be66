package seal_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/dev/testkit/devkeys"
	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/seal"
	"github.com/retepari/pari/pkg/tenant"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Tenants of the tests. The last two differ by region alone, as homonyms do.
var (
	cremona      = tenant.ID{Region: "lombardia", Node: "cremona"}
	cuneo        = tenant.ID{Region: "piemonte", Node: "cuneo"}
	livoC        = tenant.ID{Region: "lombardia", Node: "livoc"}
	livo         = tenant.ID{Region: "lombardia", Node: "livo"}
	trentinoLivo = tenant.ID{Region: "trentino", Node: "livo"}
)

func newPool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	return pgtest.New(t, "seal", func(ctx context.Context, url string) error {
		return pg.Migrate(ctx, url, seal.Schema)
	}).Pool(t)
}

func kekFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kek.json")
	if err := devkeys.CreateKEK(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func openKeyStore(t *testing.T, pool *pgxpool.Pool, kekFile string) *seal.KeyStore {
	t.Helper()
	s, err := seal.OpenKeyStore(pool, forAll(kekFile), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newKeyStore(t *testing.T) *seal.KeyStore {
	t.Helper()
	return openKeyStore(t, newPool(t), kekFile(t))
}

func newKey(t *testing.T, s *seal.KeyStore, of tenant.ID) seal.DataKey {
	t.Helper()
	key, err := s.NewKey(t.Context(), of)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func secretsFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secrets.json")
	if err := devkeys.CreateSecrets(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func loadSecrets(t testing.TB, path string) *seal.Secrets {
	t.Helper()
	s, err := seal.LoadSecrets(forAll(path))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newSecrets(t testing.TB) *seal.Secrets {
	t.Helper()
	return loadSecrets(t, secretsFile(t))
}

// forAll gives one key file to all tenants of the tests. Production gives each its own.
func forAll(path string) map[tenant.ID]string {
	return map[tenant.ID]string{cremona: path, cuneo: path, livo: path, livoC: path, trentinoLivo: path}
}
