// Command guards checks that the tests protect the code: it draws guards at random (a condition, a check, a part of a
// WHERE clause), disables one at a time, and runs the tests of its package. A guard that no test misses is printed.
//
//	go run . -root ../.. -n 20 -seed 7 pkg services
//
// The sources are not touched: a disabled guard is an overlay of the build. A guard whose removal does not compile is
// drawn again. The exit code is 1 when fewer than -min guards are caught.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	root := flag.String("root", ".", "root of the repository")
	n := flag.Int("n", 20, "guards to draw")
	minimum := flag.Int("min", 18, "guards that must be caught")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "seed of the draw")
	only := flag.String("only", "", "draw from packages whose path contains this")
	timeout := flag.Duration("timeout", 5*time.Minute, "time limit for the tests of one package")
	flag.Parse()
	if err := run(*root, flag.Args(), *only, *n, *minimum, *seed, *timeout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(root string, folders []string, only string, n, minimum int, seed uint64, timeout time.Duration) error {
	root, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	var all []guard
	for _, folder := range folders {
		found, err := findGuards(filepath.Join(root, folder))
		if err != nil {
			return err
		}
		for _, g := range found {
			if strings.Contains(g.file, only) {
				all = append(all, g)
			}
		}
	}
	fmt.Printf("%d guards, seed %d\n", len(all), seed)
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // a draw, not a secret
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	caught, drawn := 0, 0
	for _, g := range all {
		if drawn == n {
			break
		}
		start := time.Now()
		outcome, err := g.test(root, timeout)
		if err != nil {
			return err
		}
		where, _ := filepath.Rel(root, g.file)
		fmt.Printf("%-9s %s:%d: %s (%s)\n", outcome, where, g.line, g.text, time.Since(start).Round(time.Second))
		switch outcome {
		case doesNotBuild:
			continue
		case isCaught:
			caught++
		case isUnseen:
		}
		drawn++
	}
	fmt.Printf("%d of %d guards caught, seed %d\n", caught, drawn, seed)
	if caught < min(minimum, drawn) {
		return fmt.Errorf("fewer than %d caught", minimum)
	}
	return nil
}

type outcome string

const (
	isCaught     outcome = "caught"
	isUnseen     outcome = "UNSEEN"
	doesNotBuild outcome = "no build"
)

// test runs the tests of the guard's package with the guard disabled.
func (g guard) test(root string, timeout time.Duration) (outcome, error) {
	dir, err := os.MkdirTemp("", "guards-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	mutant, overlay := filepath.Join(dir, "mutant.go"), filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(mutant, g.disabled, 0o600); err != nil {
		return "", err
	}
	raw, err := json.Marshal(map[string]any{"Replace": map[string]string{g.file: mutant}})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(overlay, raw, 0o600); err != nil {
		return "", err
	}
	pkg := "./" + filepath.ToSlash(strings.TrimPrefix(filepath.Dir(g.file), root+string(filepath.Separator)))
	// vet=off: an unreachable branch is what a disabled guard is.
	if _, err := goCommand(root, timeout, "build", "-overlay", overlay, pkg); err != nil {
		return doesNotBuild, nil
	}
	out, err := goCommand(root, timeout, "test", "-vet=off", "-count=1", "-failfast", "-overlay", overlay, pkg)
	var exit *exec.ExitError
	switch {
	case err == nil:
		return isUnseen, nil
	case errors.As(err, &exit):
		return isCaught, nil
	default:
		return "", fmt.Errorf("go test %s: %w\n%s", pkg, err, out)
	}
}

// goCommand runs go in the workspace. A command that runs into the time limit counts as failed.
func goCommand(root string, timeout time.Duration, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "GOWORK=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.Bytes(), err
}
