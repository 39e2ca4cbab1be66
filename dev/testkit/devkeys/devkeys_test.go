package devkeys_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/retepari/pari/dev/testkit/devkeys"
)

// Ensure a key is created once, readable by its owner only, and never overwritten.
func TestCreate(t *testing.T) {
	t.Parallel()
	for name, create := range map[string]func(string) error{
		"KEK": devkeys.CreateKEK, "secrets": devkeys.CreateSecrets,
	} {
		path := filepath.Join(t.TempDir(), "key.json")
		var first []byte
		for range 2 {
			if err := create(path); err != nil {
				t.Fatal(err)
			}
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if first != nil && !bytes.Equal(raw, first) {
				t.Errorf("%s: the second call replaced the key", name)
			}
			first = raw
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
		if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
			t.Errorf("%s: %d files, %v; want only the key", name, len(files), err)
		}
		if err := create(filepath.Join(t.TempDir(), "missing", "key.json")); err == nil {
			t.Errorf("%s: created in a missing directory", name)
		}
	}
}
