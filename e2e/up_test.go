package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/retepari/pari/e2e/cluster"
)

// shell runs pari and pari-dev as somebody at a terminal does, on a network below dir.
type shell struct {
	pari, pariDev, dir string
}

func newShell(t *testing.T) *shell {
	t.Helper()
	pari, err := cluster.Binary("pari")
	if err != nil {
		t.Fatal(err)
	}
	pariDev, err := cluster.Binary("pari-dev")
	if err != nil {
		t.Fatal(err)
	}
	return &shell{pari, pariDev, filepath.Join(t.TempDir(), "network")}
}

func (s *shell) command(ctx context.Context, binary string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env, cmd.Dir = append(os.Environ(), "PARI_DIR="+s.dir), filepath.Dir(s.dir)
	return cmd
}

// run runs one command of pari and returns what it printed.
func (s *shell) run(t *testing.T, args ...string) (out, errOut string, code int) {
	t.Helper()
	return s.runBinary(t, s.pari, args...)
}

func (s *shell) runBinary(t *testing.T, binary string, args ...string) (out, errOut string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	cmd := s.command(t.Context(), binary, args...)
	cmd.Stdout, cmd.Stderr = &o, &e
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return o.String(), e.String(), cmd.ProcessState.ExitCode()
}

// output is what a running program has printed so far.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// up starts the network and returns what it printed up to the banner, and a function that interrupts it and returns how
// long it took to stop.
func (s *shell) up(t *testing.T) (out *output, stop func() time.Duration) {
	t.Helper()
	out = &output{}
	cmd := s.command(context.WithoutCancel(t.Context()), s.pariDev, "up")
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	stopped := false
	stop = func() time.Duration {
		if stopped {
			return 0
		}
		stopped = true
		from := time.Now()
		_ = cmd.Process.Signal(syscall.SIGINT)
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("stopped with %v: %s", err, out)
			}
		case <-time.After(20 * time.Second):
			_ = cmd.Process.Kill()
			t.Errorf("did not stop: %s", out)
		}
		return time.Since(from)
	}
	t.Cleanup(func() { stop() })
	late := time.After(2 * time.Minute)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(out.String(), "Pari is up") {
		select {
		case err := <-done:
			stopped = true
			t.Fatalf("ended with %v: %s", err, out)
		case <-late:
			t.Fatalf("no banner: %s", out)
		case <-tick.C:
		}
	}
	return out, stop
}

// Ensure that the two commands of the README do what it says, with the lines that it gives for pasting; that a second start
// beside the first is told so, ctrl-C stops everything, and the next start finds what was stored and tells no story twice.
func TestUp(t *testing.T) {
	s := newShell(t)
	out, stop := s.up(t)
	if !strings.Contains(out.String(), "T1 ") || !strings.Contains(out.String(), "2140") {
		t.Errorf("the first start shows no table: %s", out)
	}
	for _, line := range append(readmeLines(t), pageLines(t, "../docs/directory.md", "pari ", 12)...) {
		file := ""
		if n := len(line); n > 2 && line[n-2] == ">" {
			line, file = line[:n-2], filepath.Join(filepath.Dir(s.dir), line[n-1])
		}
		got, errOut, code := s.run(t, line...)
		if code != 0 || got == "" {
			t.Errorf("%v: exit %d, %s%s", line, code, got, errOut)
		}
		if file != "" {
			if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, errOut, code := s.runBinary(t, s.pariDev, "up"); code != 1 || !strings.Contains(errOut, "running here already") {
		t.Errorf("a second start: exit %d, %s", code, errOut)
	}
	before := demo(t, s)
	if took := stop(); took > 5*time.Second {
		t.Errorf("stopped after %s", took)
	}
	out, stop = s.up(t)
	if strings.Contains(out.String(), "story") {
		t.Errorf("stories are told twice: %s", out)
	}
	if after := demo(t, s); after != before {
		t.Errorf("before the restart %s\nafter it %s", before, after)
	}
	stop()
}

// demo runs pari-dev demo and returns its accounts; it fails when they do not agree.
func demo(t *testing.T, s *shell) string {
	t.Helper()
	got, errOut, code := s.runBinary(t, s.pariDev, "demo", "-o", "json")
	if code != 0 {
		t.Fatalf("demo: exit %d, %s", code, errOut)
	}
	var answer struct {
		Nodes  []map[string]any  `json:"nodes"`
		Tables []json.RawMessage `json:"tables"`
	}
	if err := json.Unmarshal([]byte(got), &answer); err != nil {
		t.Fatal(err)
	}
	for _, n := range answer.Nodes {
		if n["lost"] != 0.0 || n["duplicated"] != 0.0 || n["events_sent"] != n["events_applied"] || n["reports"] == 0.0 {
			t.Errorf("got %v", n)
		}
	}
	if len(answer.Nodes) != 3 || len(answer.Tables) != 10 {
		t.Errorf("got %d nodes and %d tables", len(answer.Nodes), len(answer.Tables))
	}
	accounts, err := json.Marshal(answer.Nodes)
	if err != nil {
		t.Fatal(err)
	}
	return string(accounts)
}

// readmeLines are the lines that the README gives for a second terminal.
func readmeLines(t *testing.T) (lines [][]string) {
	t.Helper()
	return pageLines(t, "../README.md", "build/pari ", 3)
}

// pageLines are the commands that a page gives for pasting, at least so many.
func pageLines(t *testing.T, file, prefix string, atLeast int) (lines [][]string) {
	t.Helper()
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(page)) {
		command, _, _ := strings.Cut(line, "#")
		if args, ok := strings.CutPrefix(strings.TrimSpace(command), prefix); ok && strings.TrimLeft(line, " ") == line {
			lines = append(lines, strings.Fields(args))
		}
	}
	if len(lines) < atLeast {
		t.Fatalf("%s gives %d lines", file, len(lines))
	}
	return lines
}

// Ensure errors end with what to try, in the language that was asked for.
func TestUp_ErrorsSayWhatToTry(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"report", "list"}, "make run"},
		{[]string{"login", "--as", "analyst"}, "make run"},
		{[]string{"-o", "xml", "version"}, "--help"},
	} {
		if _, errOut, code := s.run(t, c.args...); code != 1 || !strings.Contains(errOut, "→ ") || !strings.Contains(errOut, c.want) {
			t.Errorf("%v: exit %d, %s", c.args, code, errOut)
		}
	}
}
