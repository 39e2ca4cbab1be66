package seal_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/seal"
	"github.com/retepari/pari/pkg/tenant"
)

// Ensure a file that holds no PRF key is refused.
func TestLoadSecrets_RefusesOtherFiles(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{
		"missing": filepath.Join(t.TempDir(), "missing.json"), "another kind of key": kekFile(t),
	} {
		if _, err := seal.LoadSecrets(forAll(path)); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
}

// Ensure the hash is the same for the same body after a restart, and another one for another body, method or key.
func TestSecrets_BodyHash(t *testing.T) {
	t.Parallel()
	file := secretsFile(t)
	s, body := loadSecrets(t, file), []byte("body")
	want := s.BodyHash(cremona, "A", body)
	if !bytes.Equal(loadSecrets(t, file).BodyHash(cremona, "A", body), want) {
		t.Error("the hash changes with a restart")
	}
	for name, got := range map[string][]byte{
		"body":   s.BodyHash(cremona, "A", []byte("bodx")),
		"method": s.BodyHash(cremona, "B", body),
		"key":    newSecrets(t).BodyHash(cremona, "A", body),
	} {
		if bytes.Equal(got, want) {
			t.Errorf("the hash does not depend on the %s", name)
		}
	}
}

// Ensure the key of a request and the pseudonym of a record are the same after a restart, others for another id, tenant
// or secret, and hold nothing of the id.
func TestSecrets_RequestKeyAndPseudonym(t *testing.T) {
	t.Parallel()
	file := secretsFile(t)
	s := loadSecrets(t, file)
	const id = "0b9f7c1e-6f0a-1c7e-9a49-2f6d1b1a5c11"
	for name, derive := range map[string]func(s *seal.Secrets, at tenant.ID, id string) string{
		"request key": func(s *seal.Secrets, at tenant.ID, id string) string { return string(s.RequestKey(at, id)) },
		"pseudonym":   (*seal.Secrets).Pseudonym,
	} {
		got := derive(s, livo, id)
		if got != derive(loadSecrets(t, file), livo, id) || strings.Contains(got, "0b9f7c1e") {
			t.Errorf("%s: got %q", name, got)
		}
		for _, another := range []string{
			derive(s, cuneo, id), derive(s, trentinoLivo, id), derive(s, livo, id[1:]), derive(newSecrets(t), livo, id),
		} {
			if got == another {
				t.Errorf("%s: another one is %q too", name, got)
			}
		}
	}
	if !bytes.Equal(s.RequestKey(livo, id), s.RequestKey(livo, strings.ToUpper(id))) {
		t.Error("the key of a request depends on the case of its UUID")
	}
	if u, err := uuid.Parse(s.Pseudonym(livo, id)); err != nil || u.Version() != 8 || u.Variant() != uuid.RFC4122 {
		t.Errorf("pseudonym %s, %v", u, err)
	}
}

// Ensure a receipt is the same for the same request and another for another request, tenant or key, and is parsed as
// people write it.
func TestSecrets_Receipt(t *testing.T) {
	t.Parallel()
	file := secretsFile(t)
	s, restarted, other := loadSecrets(t, file), loadSecrets(t, file), newSecrets(t)
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.String().Draw(t, "request")
		code := s.Receipt(livo, id)
		if code != restarted.Receipt(livo, id) || len(strings.Fields(code)) != 9 {
			t.Fatalf("got %q", code)
		}
		for _, another := range []string{
			s.Receipt(cuneo, id), s.Receipt(trentinoLivo, id), s.Receipt(livo, id+"x"), other.Receipt(livo, id),
		} {
			if code == another {
				t.Fatalf("another request got %q too", code)
			}
		}
		between := rapid.SampledFrom([]string{"  ", "-", " - ", ", ", " – ", "\u00a0"}).Draw(t, "between")
		written := " " + strings.ToUpper(strings.ReplaceAll(code, " ", between)) + "\n"
		if got, ok := seal.ParseReceipt(written); !ok || got != code {
			t.Fatalf("%q was parsed as %q, %t", written, got, ok)
		}
	})
}

// Ensure a code with a word too many, too few, unknown or wrong is refused.
func TestParseReceipt_RefusesSlips(t *testing.T) {
	t.Parallel()
	words := strings.Fields(newSecrets(t).Receipt(cremona, "request"))
	change := func(i int, word string) string {
		changed := append([]string(nil), words...)
		changed[i] = word
		return strings.Join(changed, " ")
	}
	for name, code := range map[string]string{
		"empty":        "",
		"too short":    strings.Join(words[:8], " "),
		"too long":     strings.Join(append(words, words[0]), " "),
		"unknown word": change(3, "xyz"),
		"unknown last": change(8, "xyz"),
	} {
		if got, ok := seal.ParseReceipt(code); ok {
			t.Errorf("%s: %q was parsed as %q", name, code, got)
		}
	}
	// Of so many unknown words, some have the right checksum.
	for i := range 26 * 26 * 26 {
		word := "qa" + string([]rune{'a' + rune(i/676), 'a' + rune(i/26%26), 'a' + rune(i%26)})
		if _, ok := seal.ParseReceipt(change(3, word)); ok {
			t.Fatalf("the unknown word %q was accepted", word)
		}
	}
	// The checksum has 11 bits, so a few of many other words would do.
	accepted := 0
	for i := range 9 {
		for _, word := range []string{"abaco", "abbaglio", "zuppa", "zircone"} {
			if _, ok := seal.ParseReceipt(change(i, word)); ok && word != words[i] {
				accepted++
			}
		}
	}
	if accepted > 1 {
		t.Errorf("%d wrong words of 36 were accepted", accepted)
	}
}

func FuzzParseReceipt(f *testing.F) {
	f.Add("abaco abbaglio")
	f.Fuzz(func(t *testing.T, s string) {
		if code, ok := seal.ParseReceipt(s); ok {
			if again, ok := seal.ParseReceipt(code); !ok || again != code {
				t.Errorf("%q was parsed as %q, then as %q", s, code, again)
			}
		}
	})
}

// Ensure the hash under which a report is found depends on the code, the tenant and the key.
func TestSecrets_ReceiptLookup(t *testing.T) {
	t.Parallel()
	s := newSecrets(t)
	want := s.ReceiptLookup(livo, "code")
	if !bytes.Equal(s.ReceiptLookup(livo, "code"), want) {
		t.Error("the hash changes")
	}
	for name, got := range map[string][]byte{
		"code": s.ReceiptLookup(livo, "other"), "node": s.ReceiptLookup(cuneo, "code"),
		"region": s.ReceiptLookup(trentinoLivo, "code"), "key": newSecrets(t).ReceiptLookup(livo, "code"),
		"boundary": s.ReceiptLookup(livoC, "ode"),
	} {
		if bytes.Equal(got, want) {
			t.Errorf("the hash does not depend on the %s", name)
		}
	}
}

// Ensure a page token is opaque and valid only for the list that it continues.
func TestSecrets_PageToken(t *testing.T) {
	t.Parallel()
	s := newSecrets(t)
	const position = "2026-01-01/7"
	token, err := s.EncodePageToken(livo, "state=1", position)
	if err != nil || strings.Contains(token, "2026") {
		t.Fatalf("encoded as %q, %v", token, err)
	}
	if got, err := s.DecodePageToken(livo, "state=1", token); err != nil || got != position {
		t.Errorf("decoded as %q, %v", got, err)
	}
	if got, err := s.DecodePageToken(livo, "state=1", ""); err != nil || got != "" {
		t.Errorf("the first page is %q, %v", got, err)
	}
	other, err := newSecrets(t).EncodePageToken(livo, "state=1", position)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		of            tenant.ID
		filter, token string
	}{
		"another tenant": {cuneo, "state=1", token},
		"a namesake":     {trentinoLivo, "state=1", token},
		"another filter": {livo, "state=2", token},
		"changed":        {livo, "state=1", token + "x"},
		"short":          {livo, "state=1", "abc"},
		"not base64":     {livo, "state=1", "?"},
		"another key":    {livo, "state=1", other},
	} {
		got, err := s.DecodePageToken(c.of, c.filter, c.token)
		if !fault.Is(err, fault.InvalidRequest) || got != "" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
