package seal_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/retepari/pari/dev/testkit/devkeys"
	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/seal"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func keyStore(t *testing.T) *seal.KeyStore {
	t.Helper()
	db := pgtest.New(t, "seal", func(ctx context.Context, url string) error {
		return pg.Migrate(ctx, url, seal.Schema)
	})
	pool := db.Pool(t)
	pgtest.RowSecurity(t, pool)
	kek := filepath.Join(t.TempDir(), "kek.json")
	if err := devkeys.CreateKEK(kek); err != nil {
		t.Fatal(err)
	}
	k, err := seal.OpenKeyStore(pool, kek, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func secrets(t testing.TB) *seal.Secrets {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secrets.json")
	if err := devkeys.CreateSecrets(path); err != nil {
		t.Fatal(err)
	}
	s, err := seal.LoadSecrets(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var ad = seal.AssociatedData{Node: "cremona", Record: "r1", Field: "narrative", Version: 1}

// Ensure a ciphertext opens with its key and associated data, and with no others.
func TestDataKey_OpensOnlyForItsAssociatedData(t *testing.T) {
	t.Parallel()
	k := keyStore(t)
	ctx := context.Background()
	key, err := k.NewKey(ctx, "cremona")
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := key.Seal(ad, []byte("Anna Rossi"))
	if err != nil || strings.Contains(string(sealed), "Anna") {
		t.Fatalf("sealed as %q, %v", sealed, err)
	}
	found, err := k.Get(ctx, "cremona", key.ID())
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := found.Open(ad, sealed); err != nil || string(plain) != "Anna Rossi" {
		t.Errorf("opened as %q, %v", plain, err)
	}
	other, err := k.NewKey(ctx, "cremona")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Open(ad, sealed); err == nil {
		t.Error("another key opens it")
	}
	for _, wrong := range []seal.AssociatedData{{Node: "cuneo", Record: "r1", Field: "narrative", Version: 1}, {Node: "cremona", Record: "r2", Field: "narrative", Version: 1},
		{Node: "cremona", Record: "r1", Field: "contact", Version: 1}, {Node: "cremona", Record: "r1", Field: "narrative", Version: 2},
		{Node: "cremon", Record: "ar1", Field: "narrative", Version: 1}} {
		if _, err := found.Open(wrong, sealed); err == nil {
			t.Errorf("opens in %+v", wrong)
		}
	}
}

// Ensure a destroyed key is gone at once, and another node's key does not exist.
func TestKeyStore_Destroy(t *testing.T) {
	t.Parallel()
	k := keyStore(t)
	ctx := context.Background()
	key, err := k.NewKey(ctx, "cremona")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Get(ctx, "cuneo", key.ID()); !fault.Is(err, fault.NotFound) {
		t.Errorf("another node finds %v", err)
	}
	if err := k.Destroy(ctx, "cremona", key.ID()); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Get(ctx, "cremona", key.ID()); !fault.Is(err, fault.NotFound) {
		t.Errorf("after destroying: %v", err)
	}
}

// Ensure every key is handed out once and is durable before it is.
func TestKeyStore_HandsOutEachKeyOnce(t *testing.T) {
	t.Parallel()
	k := keyStore(t)
	ctx := context.Background()
	taken := make(chan seal.DataKey, 500)
	errs := make(chan error, 10)
	for range 10 {
		go func() {
			for range cap(taken) / 10 {
				key, err := k.NewKey(ctx, "cremona")
				if err != nil {
					errs <- err
					return
				}
				taken <- key
			}
			errs <- nil
		}()
	}
	for range 10 {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	close(taken)
	seen := map[string]bool{}
	for key := range taken {
		if seen[key.ID().String()] {
			t.Fatal("a key was handed out twice")
		}
		seen[key.ID().String()] = true
		if _, err := k.Get(ctx, "cremona", key.ID()); err != nil {
			t.Fatal(err)
		}
	}
}

// Ensure a receipt is the same for the same request, and is read as people write it; one wrong word is noticed.
func TestReceipt(t *testing.T) {
	t.Parallel()
	s := secrets(t)
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.String().Draw(t, "request")
		code := s.Receipt("cremona", id)
		if code != s.Receipt("cremona", id) || code == s.Receipt("cuneo", id) || len(strings.Fields(code)) != 9 {
			t.Fatalf("%q", code)
		}
		read, ok := seal.ParseReceipt(" " + strings.ToUpper(strings.ReplaceAll(code, " ", " - ")) + "\n")
		if !ok || read != code || string(s.ReceiptLookup("cremona", read)) != string(s.ReceiptLookup("cremona", code)) {
			t.Fatalf("%q is read as %q", code, read)
		}
	})
	wrong := 0
	for range 200 {
		parts := strings.Fields(s.Receipt("cremona", strings.Repeat("x", wrong+1)))
		parts[3] = "abaco"
		if _, ok := seal.ParseReceipt(strings.Join(parts, " ")); ok {
			wrong++
		}
	}
	if wrong > 5 {
		t.Errorf("%d slips of 200 went unnoticed", wrong)
	}
}

func FuzzParseReceipt(f *testing.F) {
	f.Add("abaco abbaglio")
	f.Fuzz(func(t *testing.T, s string) {
		if code, ok := seal.ParseReceipt(s); ok {
			if again, ok := seal.ParseReceipt(code); !ok || again != code {
				t.Errorf("%q is read as %q, then as %q", s, code, again)
			}
		}
	})
}

func TestBodyHash_TellsBodiesApart(t *testing.T) {
	t.Parallel()
	s := secrets(t)
	hash := func(year int32) string {
		h, err := s.BodyHash(&recordv1.PartialDate{Year: year})
		if err != nil {
			t.Fatal(err)
		}
		return string(h)
	}
	if first, again := hash(1), hash(1); first != again || first == hash(2) {
		t.Error("hash does not follow the body")
	}
	other, err := secrets(t).BodyHash(&recordv1.PartialDate{Year: 1})
	if err != nil || string(other) == hash(1) {
		t.Error("hash does not depend on the key")
	}
}

func TestPageToken_HoldsForItsListOnly(t *testing.T) {
	t.Parallel()
	s := secrets(t)
	token, err := s.EncodePageToken("cremona", "state=1", "2026-01-01/7")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(token, "2026") {
		t.Error("the token can be read")
	}
	if at, err := s.DecodePageToken("cremona", "state=1", token); err != nil || at != "2026-01-01/7" {
		t.Errorf("%q, %v", at, err)
	}
	for _, c := range [][3]string{{"cuneo", "state=1", token}, {"cremona", "state=2", token}, {"cremona", "state=1", token + "x"}, {"cremona", "state=1", "abc"}} {
		if _, err := s.DecodePageToken(c[0], c[1], c[2]); !fault.Is(err, fault.InvalidRequest) {
			t.Errorf("%v: %v", c, err)
		}
	}
}
