package network

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Ensure a new folder and one of this version are used, and data of an earlier version are refused untouched.
func TestCheckVersion(t *testing.T) {
	t.Parallel()
	current, old, other := t.TempDir(), t.TempDir(), t.TempDir()
	if err := errors.Join(checkVersion(current), os.Mkdir(filepath.Join(old, "postgres"), 0o700),
		os.WriteFile(filepath.Join(other, "version"), []byte("1\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(current, "postgres"), 0o700); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]error{current: nil, old: ErrOldData, other: ErrOldData} {
		if err := checkVersion(dir); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}
