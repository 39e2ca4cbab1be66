package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

type outcome string

const (
	isCaught     outcome = "caught"
	isUnseen     outcome = "UNSEEN"
	doesNotBuild outcome = "no build"
	timedOut     outcome = "timeout"
)

const buildTimeout = 5 * time.Minute

var errTimeout = errors.New("time limit exceeded")

// runner runs tests in the repository at root.
type runner struct {
	root    string
	timeout time.Duration   // for the tests of one package
	passes  map[string]bool // packages whose unmodified tests passed
}

// test runs the tests of the guard's package with the guard disabled.
func (r runner) test(g guard) (outcome, error) {
	relative, err := filepath.Rel(r.root, filepath.Dir(g.file))
	if err != nil {
		return "", err
	}
	pkg := "./" + filepath.ToSlash(relative)
	if err := r.requirePass(pkg); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "guards-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	overlay, err := g.writeOverlay(dir)
	if err != nil {
		return "", err
	}
	out, err := r.goCommand("build", "-overlay", overlay, pkg)
	if failed(err) {
		return doesNotBuild, nil
	}
	if err == nil {
		out, err = r.goTest("-overlay", overlay, pkg)
	}
	switch {
	case err == nil:
		return isUnseen, nil
	case failed(err):
		return isCaught, nil
	case errors.Is(err, errTimeout):
		return timedOut, nil
	default:
		return "", fmt.Errorf("go test %s: %w\n%s", pkg, err, out)
	}
}

// writeOverlay writes the file without the guard, and the overlay that puts it in the place of the original.
func (g guard) writeOverlay(dir string) (path string, err error) {
	mutant, overlay := filepath.Join(dir, "mutant.go"), filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(mutant, g.disabled, 0o600); err != nil {
		return "", err
	}
	raw, err := json.Marshal(map[string]any{"Replace": map[string]string{g.file: mutant}})
	if err != nil {
		return "", err
	}
	return overlay, os.WriteFile(overlay, raw, 0o600)
}

// requirePass returns an error unless the tests of the package pass unmodified. It runs them once per package.
func (r runner) requirePass(pkg string) error {
	if r.passes[pkg] {
		return nil
	}
	out, err := r.goTest(pkg)
	if err != nil {
		return fmt.Errorf("the tests of %s do not pass with every guard in place: %w\n%s", pkg, err, out)
	}
	r.passes[pkg] = true
	return nil
}

// goTest runs tests. vet is off: an unreachable branch is what a disabled guard is.
func (r runner) goTest(args ...string) ([]byte, error) {
	limit := "-timeout=" + r.timeout.String()
	out, err := r.goCommand(append([]string{"test", "-vet=off", "-count=1", "-failfast", limit}, args...)...)
	if failed(err) && bytes.Contains(out, []byte("panic: test timed out after ")) {
		err = errTimeout
	}
	return out, err
}

// failed reports whether the command ran to its end and failed.
func failed(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit)
}

// goCommand runs go in the workspace. The limit of the tests ends tests that hang; this one ends the rest.
func (r runner) goCommand(args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), r.timeout+buildTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.WaitDelay = r.root, 10*time.Second
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "GOWORK=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if ctx.Err() != nil {
		err = errTimeout
	}
	return out.Bytes(), err
}
