package network

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// dataVersion is that of the data that this program can bring up to date. It changes when a migration is
// rewritten, which none may be once Pari is installed somewhere.
const dataVersion = "3"

// ErrOldData is returned for a folder whose data an earlier Pari made, before migrations were rewritten.
var ErrOldData = errors.New("the data here are of an earlier version, which cannot be brought up to date")

// checkVersion returns ErrOldData for a folder with data of another version, and marks a new folder.
func checkVersion(dir string) error {
	path := filepath.Join(dir, "version")
	found, err := os.ReadFile(path)
	_, dataErr := os.Stat(filepath.Join(dir, "postgres"))
	switch {
	case err == nil && strings.TrimSpace(string(found)) == dataVersion:
		return nil
	case err == nil || dataErr == nil:
		return fmt.Errorf("%w: remove %s, or use another folder with --dir", ErrOldData, dir)
	}
	if err := os.WriteFile(path, []byte(dataVersion+"\n"), 0o600); err != nil {
		return fmt.Errorf("network: %w", err)
	}
	return nil
}
