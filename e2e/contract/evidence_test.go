package contract_test

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

// Ensure that each package and each test that the last column of these tables names as evidence exists.
func TestDocs_NameExistingTests(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file, heading  string
		columns, tests int
	}{
		{"status.md", "# What works today", 3, 20},
		{"security.md", "## What a compromise of each thing surrenders", 5, 20},
	} {
		page, err := os.ReadFile("../../docs/" + c.file)
		if err != nil {
			t.Fatal(err)
		}
		_, section, _ := strings.Cut(string(page), c.heading+"\n")
		named := 0
		for _, line := range strings.Split(section, "\n") {
			if !strings.HasPrefix(line, "| ") {
				continue
			}
			cells := strings.Split(strings.Trim(line, "| "), " | ")
			if len(cells) != c.columns {
				t.Errorf("%s: %d cells, want %d: %s", c.file, len(cells), c.columns, line)
				continue
			}
			n, problems := checkEvidence(os.DirFS("../.."), cells[c.columns-1])
			for _, problem := range problems {
				t.Errorf("%s: %s: %s", c.file, cells[0], problem)
			}
			named += n
		}
		if named < c.tests {
			t.Errorf("%s: only %d tests are named: is the pattern right?", c.file, named)
		}
	}
}

// Ensure that a wrong package, a prefix of a test name, and a test of another package are found.
func TestDocs_FindsWrongNames(t *testing.T) {
	t.Parallel()
	root := os.DirFS("../..")
	for _, cell := range []string{
		"`e2e/contracts`",
		"`docs`",
		"TestDocs_FindsWrongNames",
		"`e2e/contract` TestStatus",
		"`e2e` TestDocs_FindsWrongNames",
		"`e2e/contract` TestDocs_FindsWrongNames, `pkg/{tz,rpcs}`",
	} {
		if _, problems := checkEvidence(root, cell); len(problems) != 1 {
			t.Errorf("%s: got %q, want one problem", cell, problems)
		}
	}
	cell := "`pkg/tz`, `e2e/...` TestDocs_FindsWrongNames, `make bench`"
	if n, problems := checkEvidence(root, cell); n != 1 || len(problems) > 0 {
		t.Errorf("%s: got %d tests, %q", cell, n, problems)
	}
}

var (
	evidence = regexp.MustCompile("`[^`]+`" + `|\b(?:Test|Benchmark|Fuzz)[A-Z]\w*`)
	testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz)\w+)\(`)
)

// checkEvidence checks the packages and tests that a cell names, and returns how many tests it names. A test must be in
// one of the packages that were named last before it. Text in backticks with a space is a command.
func checkEvidence(root fs.FS, cell string) (tests int, problems []string) {
	var current map[string]bool
	for _, word := range evidence.FindAllString(cell, -1) {
		pattern, isPackage := strings.CutPrefix(word, "`")
		switch {
		case strings.Contains(word, " "):
		case isPackage:
			current = map[string]bool{}
			for _, dir := range expandBraces(strings.TrimSuffix(pattern, "`")) {
				found := testsOf(root, dir)
				if len(found) == 0 {
					problems = append(problems, "no tests in "+dir)
				}
				for _, name := range found {
					current[name] = true
				}
			}
		default:
			tests++
			if !current[word] {
				problems = append(problems, "no test "+word+" in the package before it")
			}
		}
	}
	return tests, problems
}

// expandBraces expands one pair of braces: a/{b,c} is a/b and a/c.
func expandBraces(pattern string) []string {
	before, rest, ok := strings.Cut(pattern, "{")
	if !ok {
		return []string{pattern}
	}
	inner, after, _ := strings.Cut(rest, "}")
	var all []string
	for _, part := range strings.Split(inner, ",") {
		all = append(all, before+part+after)
	}
	return all
}

// testsOf returns the names of the tests in a directory, or in all directories below it when it ends with "/...".
func testsOf(root fs.FS, dir string) (names []string) {
	dir, recursive := strings.CutSuffix(dir, "/...")
	_ = fs.WalkDir(root, dir, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && file != dir && !recursive:
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path.Base(file), "_test.go"):
			return nil
		}
		source, err := fs.ReadFile(root, file)
		for _, match := range testFunc.FindAllSubmatch(source, -1) {
			names = append(names, string(match[1]))
		}
		return err
	})
	return names
}
