package contract_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

// Ensure that every test that docs/status.md names exists.
func TestStatus_NamesTestsThatExist(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/status.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`\b(?:Test|Benchmark|Fuzz)[A-Z]\w*`).FindAllString(string(page), -1)
	if len(named) < 20 {
		t.Fatalf("only %d tests are named: is the pattern right?", len(named))
	}
	tests := testNames(t)
	for _, name := range named {
		if !strings.Contains(tests, "\nfunc "+name) {
			t.Errorf("no test of the name %s", name)
		}
	}
}

// testNames returns the declarations of all tests of the repository, one per line.
func testNames(t *testing.T) string {
	t.Helper()
	declaration := regexp.MustCompile(`(?m)^func (Test|Benchmark|Fuzz)\w+`)
	var all strings.Builder
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != "." {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		source, err := fs.ReadFile(root, path)
		for _, line := range declaration.FindAll(source, -1) {
			all.WriteString("\n" + string(line))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
