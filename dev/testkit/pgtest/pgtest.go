// Package pgtest gives each test a Postgres database of its own, migrated, and opened with the role that the service
// runs as.
//
// The tests of a package share one private server, which starts at its first use and stops in Main. A template database
// is migrated once and cloned for each test, so tests may run in parallel. When Postgres is not installed the test
// fails; nothing is skipped. The server is a child process; the package starts no goroutines.
package pgtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/dev/testkit/pglocal"
	"github.com/retepari/pari/pkg/pg"
)

// setupTimeout bounds the migration of a template and its clone.
const setupTimeout = 2 * time.Minute

var (
	serverOnce sync.Once
	server     *pglocal.Server
	serverDir  string
	serverErr  error

	templatesMu sync.Mutex
	templates   = map[string]error{} // result of the migration by template
)

// Main runs the tests of a package and stops the server afterwards. Call it from TestMain:
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
func Main(m *testing.M) {
	code := m.Run()
	if server != nil {
		server.Stop()
	}
	if serverDir != "" {
		_ = os.RemoveAll(serverDir)
	}
	os.Exit(code) //nolint:forbidigo // TestMain must exit with the code of the tests
}

// Server returns the private server of the package under test. The first call starts it.
func Server(t testing.TB) *pglocal.Server {
	t.Helper()
	serverOnce.Do(func() { serverErr = startServer(context.Background()) })
	if serverErr != nil {
		t.Fatalf("start Postgres: %v", serverErr)
	}
	return server
}

func startServer(ctx context.Context) (err error) {
	if serverDir, err = os.MkdirTemp("", "pari-pgtest-"); err != nil {
		return err
	}
	if server, err = pglocal.Start(ctx, pglocal.Options{Dir: serverDir}); err != nil {
		return err
	}
	return server.Provision(ctx)
}

// DB is the database of one test.
type DB struct {
	// OwnerURL is the address for migrations; URL is the address that the service gets.
	OwnerURL, URL string

	name string
}

// New clones a database from the template with this name. The first call for a name creates the template with migrate.
// The clone is dropped when the test ends.
func New(t testing.TB, name string, migrate func(ctx context.Context, ownerURL string) error) DB {
	t.Helper()
	s := Server(t)
	ctx, cancel := context.WithTimeout(context.Background(), setupTimeout)
	defer cancel()
	clone := "test_" + name + "_" + randomSuffix()
	if err := createClone(ctx, s, clone, "template_"+name, migrate); err != nil {
		t.Fatalf("create database: %v", err)
	}
	t.Cleanup(func() {
		_ = execAsSuperuser(context.Background(), s, `drop database if exists `+quote(clone)+` with (force)`)
	})
	return DB{OwnerURL: s.URL(pglocal.Owner, clone), URL: s.URL(pglocal.App, clone), name: clone}
}

// createClone migrates the template if need be and clones it. It holds a lock: Postgres cannot clone a database that is
// being cloned.
func createClone(
	ctx context.Context, s *pglocal.Server, clone, template string, migrate func(context.Context, string) error,
) error {
	templatesMu.Lock()
	defer templatesMu.Unlock()
	err, done := templates[template]
	if !done {
		if err = s.Provision(ctx, template); err == nil {
			err = migrate(ctx, s.URL(pglocal.Owner, template))
		}
		templates[template] = err
	}
	if err != nil {
		return err
	}
	create := `create database ` + quote(clone) + ` template ` + quote(template) + ` owner ` + pglocal.Owner
	if err := execAsSuperuser(ctx, s, create); err != nil {
		return err
	}
	return execAsSuperuser(ctx, s, `grant connect on database `+quote(clone)+` to `+pglocal.App)
}

func randomSuffix() string {
	var raw [8]byte
	_, _ = rand.Read(raw[:]) // never fails
	return hex.EncodeToString(raw[:])
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

func execAsSuperuser(ctx context.Context, s *pglocal.Server, sql string) error {
	conn, err := pgx.Connect(ctx, s.URL(pglocal.Superuser, "postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	_, err = conn.Exec(ctx, sql)
	return err
}

// Pool opens the database as the service does. The pool is closed when the test ends.
func (d DB) Pool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool, err := pg.Connect(context.Background(), d.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}
