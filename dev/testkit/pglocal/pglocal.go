// Package pglocal runs a private Postgres: for `pari-dev up`, for tests and for benches. It needs no account, no container and
// no running server, only the binaries; it works as root and as an ordinary user, listens on loopback with a password of
// its own, and ends with the process that started it.
package pglocal

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
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

// Options say how to run the server.
type Options struct {
	// Dir keeps the data, and is made when it is not there. A second start finds what the first has kept.
	Dir string
	// Port on 127.0.0.1; 0 takes a free one.
	Port int
	// Durable leaves fsync and all it stands for at Postgres's defaults. Without it a crash of the machine may lose data:
	// for tests only.
	Durable bool
	// Log receives the server's own log; nil drops it.
	Log io.Writer
}

// Server is a running Postgres.
type Server struct {
	options  Options
	bin      string
	port     int
	password string

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{}
}

// Superuser is the role that pglocal itself uses; services have roles of their own.
const Superuser = "postgres"

// Start makes the data directory if need be, starts the server, and returns when it answers.
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

func (s *Server) data() string    { return filepath.Join(s.options.Dir, "data") }
func (s *Server) secrets() string { return filepath.Join(s.options.Dir, "password") }

func (s *Server) initialise(ctx context.Context) error {
	if kept, err := os.ReadFile(s.secrets()); err == nil {
		if _, err := os.Stat(filepath.Join(s.data(), "PG_VERSION")); err == nil {
			s.password = strings.TrimSpace(string(kept))
			return nil
		}
	}
	// What is there without both files is a first start that was cut short.
	if err := os.RemoveAll(s.data()); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	var raw [16]byte
	_, _ = rand.Read(raw[:])
	s.password = hex.EncodeToString(raw[:])
	if err := os.WriteFile(s.secrets(), []byte(s.password), 0o600); err != nil {
		return fmt.Errorf("keep password: %w", err)
	}
	args := []string{"-D", s.data(), "-U", Superuser, "-A", "scram-sha-256", "--pwfile", s.secrets(), "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions"}
	if !s.options.Durable {
		args = append(args, "--no-sync")
	}
	var out bytes.Buffer
	for _, icu := range [][]string{{"--locale-provider=icu", "--icu-locale=it-IT"}, nil} {
		out.Reset()
		cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "initdb"), append(args, icu...)...)
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := unprivileged(cmd, s.options.Dir); err != nil {
			return err
		}
		if cmd.Run() == nil {
			return nil
		}
		if err := os.RemoveAll(s.data()); err != nil {
			return fmt.Errorf("data directory: %w", err)
		}
	}
	return fmt.Errorf("initdb: %s", strings.TrimSpace(out.String()))
}

// Restart starts the server again on the same data and port, after Stop or Kill.
func (s *Server) Restart(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		return errors.New("database server is running")
	}
	sockets, err := os.MkdirTemp("", "pg")
	if err != nil {
		return fmt.Errorf("socket directory: %w", err)
	}
	if err := os.Chmod(sockets, 0o777); err != nil { //nolint:gosec // the server may run as another user; it is removed once empty
		return fmt.Errorf("socket directory: %w", err)
	}
	args := []string{"-D", s.data(), "-p", strconv.Itoa(s.port)}
	for _, setting := range []string{
		"listen_addresses=127.0.0.1", "unix_socket_directories=" + sockets, "max_connections=300", "shared_buffers=128MB",
		"log_min_messages=warning", "log_min_error_statement=panic", "log_parameter_max_length=0", "log_parameter_max_length_on_error=0",
		"timezone=UTC", "log_timezone=UTC", "jit=off",
	} {
		args = append(args, "-c", setting)
	}
	if !s.options.Durable {
		args = append(args, "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "max_wal_size=2GB")
	}
	cmd := exec.Command(filepath.Join(s.bin, "postgres"), args...)
	out := &tail{to: s.options.Log}
	cmd.Stdout, cmd.Stderr = out, out
	if err := unprivileged(cmd, s.options.Dir); err != nil {
		return err
	}
	done := make(chan struct{})
	if err := launch(cmd, func() { close(done); _ = os.RemoveAll(sockets) }); err != nil {
		return fmt.Errorf("start Postgres: %w", err)
	}
	s.cmd, s.done = cmd, done
	if err := s.answers(ctx); err != nil {
		s.signal(syscall.SIGQUIT)
		return fmt.Errorf("%w; it says: %s", err, out.String())
	}
	return nil
}

func (s *Server) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.URL(Superuser, "postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-s.done:
			return errors.New("database server ended at once")
		case <-ctx.Done():
			return fmt.Errorf("database server does not answer: %w", err)
		case <-tick.C:
		}
	}
}

// URL is the address of a database for a role; all roles made by Provision share the server's password.
func (s *Server) URL(role, database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(role, s.password), Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)), Path: database, RawQuery: "sslmode=disable"}
	return u.String()
}

// Port is where the server listens.
func (s *Server) Port() int { return s.port }

// Dir is where the data are.
func (s *Server) Dir() string { return s.data() }

// Stop ends the server in order, as fast as it can.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signal(syscall.SIGINT)
}

// Kill ends the server and every process of it the hard way, as a crash would.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		killGroup(s.cmd.Process.Pid)
	}
	s.signal(syscall.SIGKILL)
}

func (s *Server) signal(sig syscall.Signal) {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(sig)
	select {
	case <-s.done:
	case <-time.After(15 * time.Second):
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

// tail passes output on and keeps its end for an error message.
type tail struct {
	to io.Writer
	mu sync.Mutex
	b  []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	if len(t.b) > 2000 {
		t.b = t.b[len(t.b)-2000:]
	}
	if t.to != nil {
		return t.to.Write(p)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.b))
}
