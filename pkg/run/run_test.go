package run_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/pkg/run"
)

func newGroup() *run.Group { return run.New(slog.New(slog.DiscardHandler)) }

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// Ensure parts stop in the reverse order of starting, and that one which ends with its context has not failed.
func TestGroup_StopsInReverseOrder(t *testing.T) {
	t.Parallel()
	var stopped []string
	g := newGroup()
	g.OnStop("database", func(context.Context) error { stopped = append(stopped, "database"); return nil })
	g.Go("relay", func(ctx context.Context) error {
		<-ctx.Done()
		stopped = append(stopped, "relay")
		return ctx.Err()
	})
	g.OnStop("server", func(context.Context) error { stopped = append(stopped, "server"); return nil })
	if err := g.Wait(canceled()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"server", "relay", "database"}, stopped); diff != "" {
		t.Error(diff)
	}
}

// Ensure the first failure is logged, stops the other parts and is the one returned.
func TestGroup_ReturnsTheFirstFailure(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	broken := errors.New("broken")
	closed := false
	g := run.New(slog.New(slog.NewTextHandler(&log, nil)))
	g.OnStop("database", func(context.Context) error { closed = true; return errors.New("late") })
	g.Go("relay", func(context.Context) error { return broken })
	err := g.Wait(context.Background())
	if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "relay: ") || !closed {
		t.Errorf("got %v, closed %t", err, closed)
	}
	if !strings.Contains(log.String(), `msg="part failed" error="relay: broken"`) {
		t.Errorf("the log is %s", log.String())
	}
}

// Ensure a second failure does not block its part, which must still stop.
func TestGroup_StopsPartsThatFailedTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGroup()
		for _, name := range []string{"a", "b", "c"} {
			g.Go(name, func(context.Context) error { return errors.New("broken") })
		}
		synctest.Wait()
		start := time.Now()
		if err := g.Wait(context.Background()); err == nil || time.Since(start) != 0 {
			t.Errorf("got %v after %s", err, time.Since(start))
		}
	})
}

// Ensure a part that returns nil has finished, and the others go on.
func TestGroup_GoesOnAfterAPartFinished(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGroup()
		g.Go("migration", func(context.Context) error { return nil })
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		start := time.Now()
		if err := g.Wait(ctx); err != nil || time.Since(start) != time.Hour {
			t.Errorf("got %v after %s", err, time.Since(start))
		}
	})
}

// Ensure errors of stopping are logged, the first is returned, and all parts are stopped all the same.
func TestGroup_ReturnsTheFirstErrorOfStopping(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	g := run.New(slog.New(slog.NewTextHandler(&log, nil)))
	closed := false
	g.OnStop("database", func(context.Context) error { closed = true; return nil })
	g.OnStop("relay", func(context.Context) error { return errors.New("second") })
	g.Go("server", func(ctx context.Context) error { <-ctx.Done(); return errors.New("first") })
	err := g.Wait(canceled())
	if err == nil || err.Error() != "stop server: first" || !closed {
		t.Errorf("got %v, closed %t", err, closed)
	}
	for _, part := range []string{"part=server error=first", "part=relay error=second"} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("the log lacks %q: %s", part, log.String())
		}
	}
}

// Ensure a part that does not stop delays the others by StopTimeout at most.
func TestGroup_BoundsStopping(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release, closed := make(chan struct{}), false
		g := newGroup()
		g.OnStop("database", func(ctx context.Context) error {
			deadline, _ := ctx.Deadline()
			closed = time.Until(deadline) == run.StopTimeout && ctx.Err() == nil
			return nil
		})
		g.OnStop("pool", func(context.Context) error { <-release; return nil })
		g.Go("stuck", func(context.Context) error { <-release; return nil })
		start := time.Now()
		err := g.Wait(canceled())
		if err == nil || !strings.Contains(err.Error(), "stuck") || time.Since(start) != 2*run.StopTimeout || !closed {
			t.Errorf("got %v after %s, closed %t", err, time.Since(start), closed)
		}
		close(release)
	})
}

// mainVariable makes the test binary run Main with one of these functions.
const mainVariable = "PARI_TEST_MAIN"

var mains = map[string]func(context.Context) error{
	"ends":     func(context.Context) error { return nil },
	"fails":    func(context.Context) error { return errors.New("broken") },
	"canceled": func(context.Context) error { return context.Canceled },
	"waits": func(ctx context.Context) error {
		_, _ = os.Stdout.WriteString("ready\n")
		<-ctx.Done()
		return ctx.Err()
	},
	"hangs": func(context.Context) error {
		_, _ = os.Stdout.WriteString("ready\n")
		select {}
	},
}

func TestMain(m *testing.M) {
	if f, ok := mains[os.Getenv(mainVariable)]; ok {
		os.Exit(run.Main(f)) //nolint:forbidigo // the test checks the exit code
	}
	os.Exit(m.Run()) //nolint:forbidigo // TestMain must exit with the code of the tests
}

// Ensure a program exits with 0 when it ends, also after a signal, and with 1 and the error when it fails.
func TestMain_ExitCode(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code   int
		stderr string
	}{"ends": {0, ""}, "fails": {1, "broken\n"}, "canceled": {0, ""}} {
		cmd, stderr := command(t, name)
		_ = cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != c.code || stderr.String() != c.stderr {
			t.Errorf("%s: exit code %d, stderr %q; want %d, %q", name, code, stderr, c.code, c.stderr)
		}
	}
}

// Ensure the first signal ends the context, and a later one the process.
func TestMain_Signals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		want   string
		repeat bool
	}{"waits": {"exit status 0", false}, "hangs": {"signal: terminated", true}} {
		cmd, _ := command(t, name)
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := stdout.Read(make([]byte, len("ready\n"))); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = cmd.Wait()
		}()
		signal(t, cmd.Process, ended, c.repeat)
		if got := cmd.ProcessState.String(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// command runs the function of mains in another process, which is killed when the test ends.
func command(t *testing.T, name string) (cmd *exec.Cmd, stderr *bytes.Buffer) {
	t.Helper()
	cmd, stderr = exec.CommandContext(t.Context(), os.Args[0]), &bytes.Buffer{}
	cmd.Env, cmd.Stderr = append(os.Environ(), mainVariable+"="+name), stderr
	return cmd, stderr
}

// signal sends SIGTERM and waits until the process has ended. It sends it again and again when repeat is set, because a
// second signal that comes before the first was handled has no effect.
func signal(t *testing.T, p *os.Process, ended <-chan struct{}, repeat bool) {
	t.Helper()
	tick, deadline := time.NewTicker(50*time.Millisecond), time.After(20*time.Second)
	defer tick.Stop()
	_ = p.Signal(syscall.SIGTERM)
	for {
		select {
		case <-ended:
			return
		case <-tick.C:
			if repeat {
				_ = p.Signal(syscall.SIGTERM)
			}
		case <-deadline:
			t.Fatal("the process did not end")
		}
	}
}
