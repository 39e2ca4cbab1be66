package pglocal_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/dev/testkit/pglocal"
)

func start(t *testing.T, o pglocal.Options) *pglocal.Server {
	t.Helper()
	s, err := pglocal.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func connect(t *testing.T, s *pglocal.Server, role, database string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL(role, database))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func exec(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// Ensure committed rows survive a crash, and a new start on the same data.
func TestServer_KeepsCommittedRows(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, pglocal.Options{Dir: dir, Durable: true})
	if err := s.Provision(t.Context(), "notes"); err != nil {
		t.Fatal(err)
	}
	exec(t, connect(t, s, pglocal.Owner, "notes"), `create table note (id bigint)`)
	exec(t, connect(t, s, pglocal.App, "notes"), `insert into note values (1)`)
	if err := s.Restart(t.Context()); err == nil {
		t.Error("a running server was started again")
	}
	s.Kill()
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	exec(t, connect(t, s, pglocal.App, "notes"), `insert into note values (2)`)
	s.Stop()
	s = start(t, pglocal.Options{Dir: dir, Port: s.Port(), Durable: true})
	if err := s.Provision(t.Context(), "notes"); err != nil {
		t.Fatal(err)
	}
	var n int
	err := connect(t, s, pglocal.App, "notes").QueryRow(t.Context(), `select count(*) from note`).Scan(&n)
	if err != nil || n != 2 {
		t.Errorf("%d rows, %v; want 2", n, err)
	}
}

// Ensure an interrupted first start is repaired by the next.
func TestStart_AfterAnInterruptedStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "data", "partial"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	connect(t, start(t, pglocal.Options{Dir: dir}), pglocal.Superuser, "postgres")
}

// Ensure the service's role can use the tables of the owner and change none of them.
func TestServer_ProvisionLimitsTheServiceRole(t *testing.T) {
	t.Parallel()
	s := start(t, pglocal.Options{Dir: t.TempDir()})
	if err := s.Provision(t.Context(), "notes"); err != nil {
		t.Fatal(err)
	}
	owner := connect(t, s, pglocal.Owner, "notes")
	exec(t, owner, `create table note (id bigint generated always as identity, text text)`)
	app := connect(t, s, pglocal.App, "notes")
	for _, sql := range []string{
		`insert into note (text) values ('a')`, `update note set text = 'b'`, `select * from note`, `delete from note`,
	} {
		exec(t, app, sql)
	}
	for _, sql := range []string{
		`create table other (id bigint)`, `alter table note add column x int`, `drop table note`, `truncate note`,
		`alter table note disable row level security`, `create role other`, `create database other`,
	} {
		if _, err := app.Exec(t.Context(), sql); err == nil {
			t.Errorf("the service's role may %s", sql)
		}
	}
}

// Ensure the server's log names a mistake, but neither the statement nor the values in it.
func TestServer_LogQuotesNoValues(t *testing.T) {
	t.Parallel()
	var log safeBuffer
	s := start(t, pglocal.Options{Dir: t.TempDir(), Log: &log})
	conn := connect(t, s, pglocal.Superuser, "postgres")
	exec(t, conn, `create table note (text text unique)`)
	const insert = `insert into note values ($1)`
	for range 2 {
		_, _ = conn.Exec(t.Context(), insert, "canary")
	}
	s.Stop()
	if text := log.String(); !strings.Contains(text, "duplicate key") || strings.Contains(text, "canary") ||
		strings.Contains(text, "insert into") {
		t.Errorf("log: %s", text)
	}
}

// safeBuffer is a buffer for several goroutines.
type safeBuffer struct {
	mu  sync.Mutex
	buf strings.Builder
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
