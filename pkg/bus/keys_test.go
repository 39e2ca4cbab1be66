package bus

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Ensure that a key taken away is refused, and one put beside another is accepted, within reloadAfter.
func TestKeys_follow_their_directory(t *testing.T) {
	t.Parallel()
	dir, now := t.TempDir(), time.Now()
	file := filepath.Join(dir, "lombardia.cremona.pem")
	first, second := NewSigner(ed25519.NewKeyFromSeed(make([]byte, 32))), NewSigner(ed25519.NewKeyFromSeed([]byte("a seed of thirty-two bytes here!")))
	store := func(signers ...*Signer) {
		var raw []byte
		for _, s := range signers {
			der, err := x509.MarshalPKIXPublicKey(s.Public())
			if err != nil {
				t.Fatal(err)
			}
			raw = append(raw, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})...)
		}
		if err := os.WriteFile(file, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	store(first)
	keys, err := LoadPublicKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	keys.now = func() time.Time { return now }
	keys.readAt = now
	accepts := func(s *Signer) bool {
		err := keys.Verify("lombardia.cremona", s.KeyID(), []byte("m"), s.Sign([]byte("m")))
		if err != nil && !errors.Is(err, ErrSignature) {
			t.Fatal(err)
		}
		return err == nil
	}
	steps := []struct {
		change        func()
		first, second bool
	}{
		{func() {}, true, false},
		{func() { store(first, second) }, true, false}, // not read yet
		{func() { now = now.Add(reloadAfter) }, true, true},
		{func() { store(second); now = now.Add(reloadAfter) }, false, true},
		{func() { // broken for a moment: what was known stays
			if err := os.WriteFile(file, []byte("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			now = now.Add(reloadAfter)
		}, false, true},
		{func() {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			now = now.Add(reloadAfter)
		}, false, false},
	}
	for i, s := range steps {
		s.change()
		if a, b := accepts(first), accepts(second); a != s.first || b != s.second {
			t.Fatalf("step %d: first %v second %v, wants %v %v", i, a, b, s.first, s.second)
		}
	}
}
