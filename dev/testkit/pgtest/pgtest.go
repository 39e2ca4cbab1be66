// Package pgtest gives every test a Postgres database of its own, migrated, as the role that the service will have. One
// private server serves all tests of a package; a template is migrated once and cloned for each. A machine without
// Postgres fails the test: nothing is skipped.
package pgtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/dev/testkit/pglocal"
	"github.com/retepari/pari/pkg/pg"
)

var (
	start     sync.Once
	server    *pglocal.Server
	errStart  error
	folder    string
	mu        sync.Mutex
	templates = map[string]error{}
)

// Main runs the tests of a package and takes the server down afterwards. Call it from TestMain:
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
func Main(m *testing.M) {
	code := m.Run()
	if server != nil {
		server.Stop()
	}
	if folder != "" {
		_ = os.RemoveAll(folder)
	}
	os.Exit(code) //nolint:forbidigo // this is what a TestMain does
}

// Server returns the package's private Postgres, started at its first use.
func Server(t testing.TB) *pglocal.Server {
	t.Helper()
	start.Do(func() {
		if folder, errStart = os.MkdirTemp("", "pari-pgtest-"); errStart == nil {
			server, errStart = pglocal.Start(context.Background(), pglocal.Options{Dir: folder})
		}
		if errStart == nil {
			errStart = server.Provision(context.Background())
		}
	})
	if errStart != nil {
		t.Fatalf("no Postgres for tests: %v", errStart)
	}
	return server
}

// DB is one database for one test.
type DB struct {
	// OwnerURL is for migrations, URL is what the service runs as.
	OwnerURL, URL string
}

// New clones a database from the template of that name, which migrate fills the first time.
func New(t testing.TB, name string, migrate func(ctx context.Context, ownerURL string) error) DB {
	t.Helper()
	s := Server(t)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	template := "template_" + name
	mu.Lock()
	err, made := templates[template]
	if !made {
		if err = s.Provision(ctx, template); err == nil {
			err = migrate(ctx, s.URL(pglocal.Owner, template))
		}
		templates[template] = err
	}
	var raw [8]byte
	_, _ = rand.Read(raw[:])
	clone := "test_" + name + "_" + hex.EncodeToString(raw[:])
	if err == nil {
		err = admin(ctx, s, fmt.Sprintf(`create database %s template %s owner %s`, pgx.Identifier{clone}.Sanitize(), pgx.Identifier{template}.Sanitize(), pglocal.Owner))
	}
	if err == nil {
		err = admin(ctx, s, fmt.Sprintf(`grant connect on database %s to %s`, pgx.Identifier{clone}.Sanitize(), pglocal.App))
	}
	mu.Unlock()
	if err != nil {
		t.Fatalf("database for the test: %v", err)
	}
	t.Cleanup(func() {
		_ = admin(context.Background(), s, `drop database if exists `+pgx.Identifier{clone}.Sanitize()+` with (force)`)
	})
	return DB{OwnerURL: s.URL(pglocal.Owner, clone), URL: s.URL(pglocal.App, clone)}
}

func admin(ctx context.Context, s *pglocal.Server, statement string) error {
	conn, err := pgx.Connect(ctx, s.URL(pglocal.Superuser, "postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	_, err = conn.Exec(ctx, statement)
	return err
}

// Pool opens the database as the service would; it is closed with the test.
func (d DB) Pool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool, err := pg.Connect(context.Background(), d.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// RowSecurity checks the second wall: every table has row security enabled and forced with a policy, and the role that the
// service runs as owns nothing and cannot step over it. Tables named in exempt hold no tenant.
func RowSecurity(t testing.TB, pool *pgxpool.Pool, exempt ...string) {
	t.Helper()
	ctx := context.Background()
	rows, err := pool.Query(ctx, `
		select c.relname, c.relrowsecurity, c.relforcerowsecurity, pg_get_userbyid(c.relowner) = current_user,
		       (select count(*) from pg_policy p where p.polrelid = c.oid)
		from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where n.nspname = 'public' and c.relkind in ('r', 'p') and c.relname <> all ($1::text[])
		  and c.relname not like '%\_version'`, append([]string{}, exempt...))
	if err != nil {
		t.Fatal(err)
	}
	var (
		table                string
		enabled, forced, own bool
		policies, seen       int
	)
	if _, err = pgx.ForEachRow(rows, []any{&table, &enabled, &forced, &own, &policies}, func() error {
		seen++
		if !enabled || !forced || own || policies == 0 {
			t.Errorf("table %s: row security enabled %t, forced %t, policies %d, owned by the service %t", table, enabled, forced, policies, own)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if seen == 0 {
		t.Error("no table was looked at")
	}
	var super, bypass bool
	if err := pool.QueryRow(ctx, `select rolsuper, rolbypassrls from pg_roles where rolname = current_user`).Scan(&super, &bypass); err != nil {
		t.Fatal(err)
	}
	if super || bypass {
		t.Errorf("the service's role is superuser %t, bypasses row security %t", super, bypass)
	}
}
