package canary_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/retepari/pari/e2e/canary"
)

// Ensure that Find finds each word in each encoding.
func TestFind_FindsEachEncoding(t *testing.T) {
	t.Parallel()
	quoted := func(s string) string {
		out, err := json.Marshal(map[string]string{"contact": s})
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	secrets := []string{canary.Name(7), canary.Phone(7), canary.Email(7), canary.Narrative(7), canary.Safe(7)}
	for _, secret := range secrets {
		for encoding, leak := range map[string]string{
			"raw":        "error: " + secret,
			"lower case": strings.ToLower(secret),
			"upper case": strings.ToUpper(secret),
			"json":       quoted(secret),
			"url":        "q=" + url.QueryEscape(secret),
			"hex":        hex.EncodeToString([]byte("x" + secret)),
			"base64":     base64.StdEncoding.EncodeToString([]byte(secret)),
			"base64+1":   base64.StdEncoding.EncodeToString([]byte("a" + secret)),
			"base64url2": base64.URLEncoding.EncodeToString([]byte("ab" + secret)),
			"utf-16":     strings.Join(strings.Split(secret, ""), "\x00"),
		} {
			if canary.Find([]byte("before "+leak+" after")) == "" {
				t.Errorf("%s: %q is not found", encoding, secret)
			}
		}
	}
}

func TestFind_NoLeak(t *testing.T) {
	t.Parallel()
	data := strings.Repeat("segnalazione 0372 407364 sportello@example.it ", 1000)
	if word := canary.Find([]byte(data)); word != "" {
		t.Errorf("found %q", word)
	}
}

func TestFolder_ReturnsFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{"clean": "nothing", "leak": "x" + canary.Phone(1)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read, found, err := canary.Folder(dir)
	if err != nil || read == 0 || len(found) != 1 || !strings.Contains(found[0], "leak") {
		t.Errorf("read %d, found %v, %v", read, found, err)
	}
}
