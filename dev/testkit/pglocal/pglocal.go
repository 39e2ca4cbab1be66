// Package pglocal runs a private PostgreSQL server for a development network, tests and benchmarks. It needs only the
// binaries: no account, no container and no running server. It works for root and for an ordinary user, and listens on
// 127.0.0.1 with a random password.
//
// The server is a child process. A goroutine waits for it, and the server ends with the process that started it (on
// Linux also when that process crashes).
package pglocal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/dev/testkit/loopback"
)

// Options of a server.
type Options struct {
	// Dir holds the data; it is created if need be. A later Start with the same Dir finds the databases again.
	Dir string
	// Port on 127.0.0.1; 0 means any free one.
	Port int
	// Durable keeps fsync and related settings at Postgres's defaults. Without it a crash of the machine may lose data,
	// which only tests can afford.
	Durable bool
	// Log receives the server's log; nil discards it.
	Log io.Writer
}

// Server is a private Postgres. Stop, Kill and Restart are safe for concurrent use.
type Server struct {
	options  Options
	bin      string
	port     int
	password string

	mu   sync.Mutex
	cmd  *exec.Cmd     // nil while the server is stopped
	done chan struct{} // closed when cmd has ended
}

// Superuser is the role that owns the server. Services use the roles of Provision.
const Superuser = "postgres"

const (
	startTimeout = 60 * time.Second
	pollInterval = 20 * time.Millisecond
	// stopTimeout is how long the server may take to stop before it is killed.
	stopTimeout = 15 * time.Second
)

// Start creates the data directory if need be, starts the server and returns once it accepts connections.
func Start(ctx context.Context, o Options) (*Server, error) {
	bin, err := Binaries()
	if err != nil {
		return nil, err
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	s := &Server{options: o, bin: bin, port: o.Port}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := s.initialise(ctx); err != nil {
		return nil, err
	}
	if s.port == 0 {
		if s.port, err = freePort(ctx); err != nil {
			return nil, err
		}
	}
	if err := s.Restart(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Restart starts the server on the same data and port, after Stop or Kill.
func (s *Server) Restart(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		return errors.New("database server is running")
	}
	socketDir, err := os.MkdirTemp("", "pg")
	if err != nil {
		return fmt.Errorf("socket directory: %w", err)
	}
	//nolint:gosec // the server may run as another user; the directory is removed when it ends
	if err := os.Chmod(socketDir, 0o777); err != nil {
		return fmt.Errorf("socket directory: %w", err)
	}
	cmd := exec.Command(filepath.Join(s.bin, "postgres"), s.args(socketDir)...)
	log := &logTail{next: s.options.Log}
	cmd.Stdout, cmd.Stderr = log, log
	if err := unprivileged(cmd, s.options.Dir); err != nil {
		return err
	}
	done := make(chan struct{})
	if err := launch(cmd, func() { close(done); _ = os.RemoveAll(socketDir) }); err != nil {
		return fmt.Errorf("start Postgres: %w", err)
	}
	s.cmd, s.done = cmd, done
	if err := s.waitReady(ctx); err != nil {
		s.signal(syscall.SIGQUIT)
		return fmt.Errorf("%w; its log ends: %s", err, log.String())
	}
	return nil
}

func (s *Server) args(socketDir string) []string {
	settings := []string{
		"listen_addresses=127.0.0.1", "unix_socket_directories=" + socketDir,
		"max_connections=300", "shared_buffers=128MB", "jit=off",
		"timezone=UTC", "log_timezone=UTC",
		// The log must not quote statements, their arguments, or the keys in the detail of an error.
		"log_min_messages=warning", "log_min_error_statement=panic", "log_error_verbosity=terse",
		"log_parameter_max_length=0", "log_parameter_max_length_on_error=0",
	}
	if !s.options.Durable {
		settings = append(settings, "fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_wal_size=2GB")
	}
	args := []string{"-D", s.dataDir(), "-p", strconv.Itoa(s.port)}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	return args
}

// waitReady waits until the server accepts connections.
func (s *Server) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.URL(Superuser, "postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-s.done:
			return errors.New("database server ended while starting")
		case <-ctx.Done():
			return fmt.Errorf("database server does not accept connections: %w", err)
		case <-tick.C:
		}
	}
}

// URL is the address of a database for a role. All roles share the server's password.
func (s *Server) URL(role, database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(role, s.password),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)), Path: database, RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Port is the port on which the server listens.
func (s *Server) Port() int { return s.port }

// Dir is the data directory of Postgres, below Options.Dir.
func (s *Server) Dir() string { return s.dataDir() }

// Stop shuts the server down without waiting for its clients.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signal(syscall.SIGINT)
}

// Kill ends all processes of the server at once, as a crash does.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		killGroup(s.cmd.Process.Pid)
	}
	s.signal(syscall.SIGKILL)
}

// signal sends a signal and waits until the server has ended. It kills a server that does not end within stopTimeout.
func (s *Server) signal(sig syscall.Signal) {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(sig)
	select {
	case <-s.done:
	case <-time.After(stopTimeout):
		killGroup(s.cmd.Process.Pid)
		<-s.done
	}
	s.cmd = nil
}

func freePort(ctx context.Context) (int, error) {
	addr, err := loopback.Addr(ctx, 0)
	if err != nil {
		return 0, fmt.Errorf("free port: %w", err)
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return 0, fmt.Errorf("free port: %w", err)
	}
	return strconv.Atoi(port)
}

// logTail passes the log on and keeps its end for an error message.
type logTail struct {
	next io.Writer

	mu  sync.Mutex
	end []byte
}

// tailSize is how much of the log an error message quotes.
const tailSize = 2000

func (t *logTail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = append(t.end, p...)
	if len(t.end) > tailSize {
		t.end = t.end[len(t.end)-tailSize:]
	}
	if t.next != nil {
		return t.next.Write(p)
	}
	return len(p), nil
}

func (t *logTail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.end))
}
