package seal_test

import (
	"bytes"
	"testing"

	"github.com/retepari/pari/pkg/seal"
)

var narrative = seal.AssociatedData{Tenant: livo, Record: "r1", Field: "narrative", Version: 1}

// Ensure a ciphertext opens with its key and its associated data, and with no others.
func TestDataKey_Open(t *testing.T) {
	t.Parallel()
	s := newKeyStore(t)
	key, other := newKey(t, s, livo), newKey(t, s, livo)
	plaintext := []byte("Anna Rossi")
	ciphertext, err := key.Seal(narrative, plaintext)
	if err != nil || bytes.Contains(ciphertext, []byte("Anna")) {
		t.Fatalf("sealed as %q, %v", ciphertext, err)
	}
	if again, err := key.Seal(narrative, plaintext); err != nil || bytes.Equal(again, ciphertext) {
		t.Errorf("equal plaintexts have equal ciphertexts, %v", err)
	}
	stored, err := s.Get(t.Context(), livo, key.ID())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := stored.Open(narrative, ciphertext); err != nil || !bytes.Equal(got, plaintext) {
		t.Errorf("opened as %q, %v", got, err)
	}
	if got, err := other.Open(narrative, ciphertext); err == nil {
		t.Errorf("another key opens it as %q", got)
	}
	for name, change := range map[string]func(*seal.AssociatedData){
		"node":           func(a *seal.AssociatedData) { a.Tenant.Node = "lecco" },
		"region":         func(a *seal.AssociatedData) { a.Tenant = trentinoLivo },
		"record":         func(a *seal.AssociatedData) { a.Record = "r2" },
		"field":          func(a *seal.AssociatedData) { a.Field = "contact" },
		"version":        func(a *seal.AssociatedData) { a.Version = 2 },
		"moved boundary": func(a *seal.AssociatedData) { a.Tenant.Node, a.Record = "liv", "or1" },
	} {
		ad := narrative
		change(&ad)
		if got, err := stored.Open(ad, ciphertext); err == nil {
			t.Errorf("%s: opened as %q", name, got)
		}
	}
	ciphertext[len(ciphertext)-1] ^= 1
	if got, err := stored.Open(narrative, ciphertext); err == nil {
		t.Errorf("a changed ciphertext opens as %q", got)
	}
}

// Ensure an absent field stays absent.
func TestDataKey_EmptyField(t *testing.T) {
	t.Parallel()
	key := newKey(t, newKeyStore(t), cremona)
	for _, empty := range [][]byte{nil, {}} {
		if got, err := key.Seal(narrative, empty); got != nil || err != nil {
			t.Errorf("sealed as %q, %v", got, err)
		}
		if got, err := key.Open(narrative, empty); got != nil || err != nil {
			t.Errorf("opened as %q, %v", got, err)
		}
	}
}
