package bus

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var discard = slog.New(slog.DiscardHandler)

const brokenPEM = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"

// newSigner returns a signer whose key depends on n.
func newSigner(n byte) *Signer {
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = n
	return NewSigner(ed25519.NewKeyFromSeed(seed))
}

func publicPEM(t *testing.T, keys ...any) []byte {
	t.Helper()
	var raw []byte
	for _, key := range keys {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		raw = append(raw, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})...)
	}
	return raw
}

func writeFile(t *testing.T, path string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

func ecdsaKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Ensure keys are found by their owner and id, and only PEM files are read.
func TestLoadPublicKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	signer := newSigner(1)
	writeFile(t, filepath.Join(dir, "lombardia.cremona.pem"), publicPEM(t, signer.Public()))
	writeFile(t, filepath.Join(dir, "README"), []byte(brokenPEM))
	if err := os.Mkdir(filepath.Join(dir, "old.pem"), 0o700); err != nil {
		t.Fatal(err)
	}
	keys, err := LoadPublicKeys(dir, discard)
	if err != nil {
		t.Fatal(err)
	}
	message := []byte("message")
	signature := signer.Sign(message)
	if err := keys.Verify("lombardia.cremona", signer.KeyID(), message, signature); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"another owner":   keys.Verify("piemonte.cuneo", signer.KeyID(), message, signature),
		"another key id":  keys.Verify("lombardia.cremona", newSigner(2).KeyID(), message, signature),
		"another message": keys.Verify("lombardia.cremona", signer.KeyID(), []byte("other"), signature),
		"no signature":    keys.Verify("lombardia.cremona", signer.KeyID(), message, nil),
	} {
		if !errors.Is(err, ErrSignature) {
			t.Errorf("%s: got %v, want ErrSignature", name, err)
		}
	}
}

// Ensure a directory that cannot be read, and a file that holds another kind of key, are errors at the start.
func TestLoadPublicKeys_RefusesBrokenDirectories(t *testing.T) {
	t.Parallel()
	if _, err := LoadPublicKeys(filepath.Join(t.TempDir(), "missing"), discard); err == nil {
		t.Error("a missing directory was loaded")
	}
	for name, raw := range map[string][]byte{
		"broken": []byte(brokenPEM), "ECDSA": publicPEM(t, ecdsaKey(t).Public()),
	} {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "a.pem"), raw)
		if _, err := LoadPublicKeys(dir, discard); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
	unreadable := t.TempDir()
	if err := os.Symlink(filepath.Join(unreadable, "missing"), filepath.Join(unreadable, "a.pem")); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadPublicKeys(unreadable, discard); err == nil {
		t.Error("a key that cannot be read was left out")
	}
}

// Ensure keys are read again after reloadAfter: a removed key is refused, an added one accepted, and a directory that
// is broken for a moment changes nothing but the log.
func TestPublicKeys_Reload(t *testing.T) {
	t.Parallel()
	dir, now := t.TempDir(), time.Now()
	file := filepath.Join(dir, "lombardia.cremona.pem")
	first, second := newSigner(1), newSigner(2)
	store := func(signers ...*Signer) {
		var public []any
		for _, s := range signers {
			public = append(public, s.Public())
		}
		writeFile(t, file, publicPEM(t, public...))
	}
	store(first)
	var log bytes.Buffer
	keys, err := LoadPublicKeys(dir, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if keys.readAt.Before(now) {
		t.Error("the keys were read before the test")
	}
	keys.now, keys.readAt = func() time.Time { return now }, now
	accepts := func(s *Signer) bool {
		err := keys.Verify("lombardia.cremona", s.KeyID(), []byte("m"), s.Sign([]byte("m")))
		if err != nil && !errors.Is(err, ErrSignature) {
			t.Fatal(err)
		}
		return err == nil
	}
	for i, step := range []struct {
		change        func()
		wait          time.Duration
		first, second bool
	}{
		{func() {}, 0, true, false},
		{func() { store(first, second) }, reloadAfter - 1, true, false},
		{func() {}, 1, true, true},
		{func() { store(second) }, reloadAfter - 1, true, true},
		{func() {}, 1, false, true},
		{func() { writeFile(t, file, []byte(brokenPEM)) }, reloadAfter, false, true},
		{func() { _ = os.Remove(file) }, reloadAfter, false, false},
	} {
		step.change()
		now = now.Add(step.wait)
		if a, b := accepts(first), accepts(second); a != step.first || b != step.second {
			t.Fatalf("step %d: accepts %t and %t, want %t and %t", i, a, b, step.first, step.second)
		}
	}
	if n := strings.Count(log.String(), "public key reload failed"); n != 1 {
		t.Errorf("logged %d failures: %s", n, log.String())
	}
}

// Ensure only an Ed25519 key in PKCS #8 is loaded, and signs under its id.
func TestLoadSigner(t *testing.T) {
	t.Parallel()
	pkcs8 := func(key any) []byte {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	}
	path := filepath.Join(t.TempDir(), "key.pem")
	if _, err := LoadSigner(path); err == nil {
		t.Error("a missing file was loaded")
	}
	for name, raw := range map[string][]byte{
		"not PEM": []byte("hello"), "not PKCS #8": []byte(brokenPEM), "ECDSA": pkcs8(ecdsaKey(t)),
	} {
		writeFile(t, path, raw)
		if _, err := LoadSigner(path); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
	want := newSigner(1)
	writeFile(t, path, pkcs8(want.key))
	got, err := LoadSigner(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.KeyID() != want.KeyID() || !ed25519.Verify(want.Public(), []byte("m"), got.Sign([]byte("m"))) {
		t.Error("another key was loaded")
	}
}
