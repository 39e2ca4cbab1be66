// Command guards checks that the tests protect the code: it draws guards at random (a condition, a check, a part of a
// WHERE clause), disables one at a time, and runs the tests of its package. A guard that no test misses is printed.
//
//	go run . -root ../.. -n 20 -seed 7 pkg services
//
// The sources are not touched: a disabled guard is an overlay of the build. The tests of a package must pass unmodified
// before a guard of it is disabled, so a broken environment ends the program instead of catching guards. A guard whose
// removal does not compile, or makes the tests run into their time limit, is reported as such and drawn again. The exit
// code is 1 when fewer than -min guards are caught.
package main

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
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
	if len(all) == 0 {
		return errors.New("no guards found")
	}
	fmt.Printf("%d guards, seed %d\n", len(all), seed)
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // a draw, not a secret
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	r := runner{root: root, timeout: timeout, passes: map[string]bool{}}
	caught, drawn, hung := 0, 0, 0
	for _, g := range all {
		if drawn == n {
			break
		}
		start := time.Now()
		outcome, err := r.test(g)
		if err != nil {
			return err
		}
		where, _ := filepath.Rel(root, g.file)
		fmt.Printf("%-9s %s:%d: %s (%s)\n", outcome, where, g.line, g.text, time.Since(start).Round(time.Second))
		switch outcome {
		case doesNotBuild:
			continue
		case timedOut:
			hung++
			continue
		case isCaught:
			caught++
		case isUnseen:
		}
		drawn++
	}
	fmt.Printf("%d of %d guards caught, %d more timed out, seed %d\n", caught, drawn, hung, seed)
	if drawn == 0 {
		return errors.New("no guard could be tested")
	}
	if caught < min(minimum, drawn) {
		return fmt.Errorf("fewer than %d caught", minimum)
	}
	return nil
}
