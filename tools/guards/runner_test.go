package main

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const source = `package x

func F(a, b, c bool) int {
	if a {
		return 1
	}
	if b {
		return 2
	}
	for c {
		if c {
			break
		}
	}
	var d int
	if d = 3; a {
		return d
	}
	return 0
}
`

// testOfSource misses a alone. It hangs without the condition of the break.
const testOfSource = `package x

import "testing"

func TestF(t *testing.T) {
	if F(true, false, false) != 1 || F(false, false, true) != 0 {
		t.Error("wrong")
	}
}
`

func newRunner(t *testing.T, test string) (r runner, guards []guard) {
	t.Helper()
	root := t.TempDir()
	write(t, filepath.Join(root, "go.mod"), "module example.org/x\n\ngo 1.26.0\n")
	write(t, filepath.Join(root, "x", "x.go"), source)
	write(t, filepath.Join(root, "x", "x_test.go"), test)
	guards, err := findGuards(root)
	if err != nil {
		t.Fatal(err)
	}
	return runner{root: root, timeout: 3 * time.Second, passes: map[string]bool{}}, guards
}

// Ensure a guard is caught only by a test that fails; a build that fails and a test that hangs are told apart from it.
func TestRunner_Outcomes(t *testing.T) {
	t.Parallel()
	r, guards := newRunner(t, testOfSource)
	unbuildable := guards[0]
	unbuildable.disabled = []byte("package x\n\nfunc F() { undefined() }\n")
	guards = append(guards, unbuildable)
	want := []outcome{isCaught, isUnseen, timedOut, isUnseen, doesNotBuild}
	if len(guards) != len(want) {
		t.Fatalf("%d guards", len(guards))
	}
	for i, g := range guards {
		if got, err := r.test(g); err != nil || got != want[i] {
			t.Errorf("line %d is %q, %v, want %q", g.line, got, err, want[i])
		}
	}
}

// Ensure nothing counts as caught where the tests fail, hang or do not build with every guard in place.
func TestRunner_BrokenEnvironment(t *testing.T) {
	t.Parallel()
	for name, statement := range map[string]string{
		"fails": `t.Error("no database")`, "hangs": "select {}", "does not build": "undefined()",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test := "package x\n\nimport \"testing\"\n\nfunc TestF(t *testing.T) { " + statement + " }\n"
			r, guards := newRunner(t, test)
			got, err := r.test(guards[0])
			if err == nil || !strings.Contains(err.Error(), "./x do not pass with every guard in place") {
				t.Errorf("got %q, %v", got, err)
			}
			if errors.Is(err, errTimeout) != (name == "hangs") {
				t.Errorf("got %v", err)
			}
		})
	}
}
