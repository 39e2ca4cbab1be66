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

// shell runs pari and pari-dev like a terminal, with a network in dir.
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

// run runs one command of pari and returns its output.
func (s *shell) run(t *testing.T, args ...string) (out, errOut string, code int) {
	t.Helper()
	return s.runBinary(t, s.pari, args...)
}

func (s *shell) runBinary(t *testing.T, binary string, args ...string) (out, errOut string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := s.command(t.Context(), binary, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

// output collects the output of a running program.
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

// up starts the network and waits for the banner. It returns the output, and a function that interrupts the program
// and waits until it has stopped without an error: each part has run.StopTimeout to stop.
func (s *shell) up(t *testing.T) (out *output, stop func()) {
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
	stop = func() {
		if stopped {
			return
		}
		stopped = true
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
	}
	t.Cleanup(stop)
	timeout := time.After(2 * time.Minute)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(out.String(), "Pari is up") {
		select {
		case err := <-done:
			stopped = true
			t.Fatalf("ended with %v: %s", err, out)
		case <-timeout:
			t.Fatalf("no banner: %s", out)
		case <-tick.C:
		}
	}
	return out, stop
}

// Ensure that the commands in README.md and docs/directory.md work as they are written there. Ensure that a second
// start is refused while the first runs, that ctrl-C stops everything, and that the next start has the data and repeats
// no story.
func TestUp(t *testing.T) {
	s := newShell(t)
	out, stop := s.up(t)
	if !strings.Contains(out.String(), "T1 ") || !strings.Contains(out.String(), "2140") {
		t.Errorf("the first start shows no table: %s", out)
	}
	commands := pageCommands(t, "../README.md", "build/pari ", 3)
	for _, args := range append(commands, pageCommands(t, "../docs/directory.md", "pari ", 12)...) {
		s.runLine(t, args)
	}
	s.workReport(t)
	_, errOut, code := s.runBinary(t, s.pariDev, "up")
	if code != 1 || !strings.Contains(errOut, "running here already") {
		t.Errorf("a second start: exit %d, %s", code, errOut)
	}
	before := demo(t, s)
	stop()
	out, stop = s.up(t)
	if strings.Contains(out.String(), "story") {
		t.Errorf("stories were repeated: %s", out)
	}
	if after := demo(t, s); after != before {
		t.Errorf("before the restart %s\nafter it %s", before, after)
	}
	stop()
}

// workReport submits a report and works it by the numbers that people have.
func (s *shell) workReport(t *testing.T) {
	t.Helper()
	s.runLine(t, []string{"login", "--as", "operator-cremona"})
	submit := strings.Fields("report submit --notice 2026-01 --channel DESK --role VICTIM --ground DISABILITY " +
		"--wish HELP --place 019036 --text Gradino -o json")
	var report struct {
		Number string `json:"number"`
	}
	s.runJSON(t, &report, submit...)
	var taken struct {
		Report struct {
			CaseNumber string `json:"case_number"`
		} `json:"report"`
	}
	s.runJSON(t, &taken, "report", "take", report.Number, "-o", "json")
	out, errOut, code := s.run(t, "report", "show", report.Number, "--full")
	if code != 0 || !strings.Contains(out, "(DISABILITY)") || !strings.Contains(out, "Cremona (019036)") {
		t.Errorf("report %s: exit %d, %s%s", report.Number, code, out, errOut)
	}
	s.runLine(t, []string{"case", "show", taken.Report.CaseNumber})
}

// runJSON runs a command with -o json and decodes what it prints.
func (s *shell) runJSON(t *testing.T, into any, args ...string) {
	t.Helper()
	out, errOut, code := s.run(t, args...)
	if err := json.Unmarshal([]byte(out), into); err != nil || code != 0 {
		t.Fatalf("%v: exit %d, %v: %s%s", args, code, err, out, errOut)
	}
}

// runLine runs a command of a page. It writes the output to a file when the line ends with "> FILE".
func (s *shell) runLine(t *testing.T, args []string) {
	t.Helper()
	file := ""
	if n := len(args); n > 2 && args[n-2] == ">" {
		args, file = args[:n-2], filepath.Join(filepath.Dir(s.dir), args[n-1])
	}
	out, errOut, code := s.run(t, args...)
	if code != 0 || out == "" {
		t.Errorf("%v: exit %d, %s%s", args, code, out, errOut)
	}
	if file != "" {
		if err := os.WriteFile(file, []byte(out), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// demo runs pari-dev demo and returns the counts of the nodes. It fails when they differ from those of the centre.
func demo(t *testing.T, s *shell) string {
	t.Helper()
	out, errOut, code := s.runBinary(t, s.pariDev, "demo", "-o", "json")
	if code != 0 {
		t.Fatalf("demo: exit %d, %s", code, errOut)
	}
	var result struct {
		Nodes  []map[string]any  `json:"nodes"`
		Tables []json.RawMessage `json:"tables"`
	}
	if err := json.Unmarshal([]byte(out), &result); err != nil {
		t.Fatal(err)
	}
	for _, n := range result.Nodes {
		agrees := n["lost"] == 0.0 && n["duplicated"] == 0.0 && n["events_sent"] == n["events_applied"]
		if !agrees || n["reports"] == 0.0 {
			t.Errorf("got %v", n)
		}
	}
	if len(result.Nodes) != 3 || len(result.Tables) != 10 {
		t.Errorf("got %d nodes and %d tables", len(result.Nodes), len(result.Tables))
	}
	nodes, err := json.Marshal(result.Nodes)
	if err != nil {
		t.Fatal(err)
	}
	return string(nodes)
}

// pageCommands returns the arguments of the commands on a page: the unindented lines that begin with prefix. It fails
// when there are fewer than atLeast.
func pageCommands(t *testing.T, file, prefix string, atLeast int) (commands [][]string) {
	t.Helper()
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(page)) {
		command, _, _ := strings.Cut(line, "#")
		args, ok := strings.CutPrefix(strings.TrimSpace(command), prefix)
		if ok && strings.TrimLeft(line, " ") == line {
			commands = append(commands, strings.Fields(args))
		}
	}
	if len(commands) < atLeast {
		t.Fatalf("%s has %d commands, want at least %d", file, len(commands), atLeast)
	}
	return commands
}

// Ensure that errors end with a hint, and that an unknown command exits with 2.
func TestCLI_ErrorsHaveHints(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for _, c := range []struct {
		args []string
		want string
		code int
	}{
		{[]string{"report", "list"}, "make run", 1},
		{[]string{"login", "--as", "analyst"}, "make run", 1},
		{[]string{"-o", "xml", "version"}, "--help", 1},
		{[]string{"report", "foo"}, "--help", 2},
	} {
		_, errOut, code := s.run(t, c.args...)
		if code != c.code || !strings.Contains(errOut, "→ ") || !strings.Contains(errOut, c.want) {
			t.Errorf("%v: exit %d, %s", c.args, code, errOut)
		}
	}
}
