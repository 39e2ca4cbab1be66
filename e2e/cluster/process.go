package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Process is one program of the cluster, with its own environment and log file. It dies with the test.
type Process struct {
	Name string

	binary string
	args   []string
	env    []string
	log    string

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{}
}

// start starts the program, which must not be running.
func (p *Process) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open log of %s: %w", p.Name, err)
	}
	cmd := exec.Command(p.binary, p.args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = p.env, out, out
	dieWithParent(cmd)
	if err := cmd.Start(); err != nil {
		return errors.Join(fmt.Errorf("start %s: %w", p.Name, err), out.Close())
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		_ = out.Close()
		close(done)
	}()
	p.cmd, p.done = cmd, done
	return nil
}

// Kill ends the program with SIGKILL, as a crash would, and waits until it has ended.
func (p *Process) Kill() { p.end(syscall.SIGKILL) }

// Stop ends the program with SIGTERM and waits until it has ended.
func (p *Process) Stop() { p.end(syscall.SIGTERM) }

// end sends a signal, and SIGKILL when the program is still running after 20 seconds.
func (p *Process) end(signal os.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Signal(signal)
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	p.cmd = nil
}

var (
	buildOnce sync.Once
	buildDir  string
	errBuild  error
)

// packages maps each program to its package: ours, and the NATS server that operators run.
var packages = map[string]string{
	"intake":         "github.com/retepari/pari/services/intake",
	"casemanagement": "github.com/retepari/pari/services/casemanagement",
	"directory":      "github.com/retepari/pari/services/directory",
	"reporting":      "github.com/retepari/pari/services/reporting",
	"pari":           "github.com/retepari/pari/cmd/pari",
	"pari-dev":       "github.com/retepari/pari/dev/cmd/pari-dev",
	"nats-server":    "github.com/nats-io/nats-server/v2",
}

// buildBinaries builds all programs, once per test run, and returns their folder.
func buildBinaries() (string, error) {
	buildOnce.Do(func() {
		if buildDir, errBuild = os.MkdirTemp("", "pari-e2e-bin-"); errBuild != nil {
			return
		}
		for name, pkg := range packages {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
			build := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(buildDir, name), pkg)
			out, err := build.CombinedOutput()
			cancel()
			if err != nil {
				errBuild = fmt.Errorf("build %s: %w\n%s", name, err, out)
				return
			}
		}
	})
	return buildDir, errBuild
}

// Binary builds all programs, once per test run, and returns the path of one of them.
func Binary(name string) (string, error) {
	dir, err := buildBinaries()
	return filepath.Join(dir, name), err
}

// RemoveBinaries removes the programs of the test run. TestMain calls it last.
func RemoveBinaries() {
	if buildDir != "" {
		_ = os.RemoveAll(buildDir)
	}
}
