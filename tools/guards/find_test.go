package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Ensure each kind of guard is found, with the code that disables it, and error checks are not.
func TestFindGuards_Kinds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		want []string // the disabled line
	}{
		"if that returns":   {"if a { return false }", []string{"if false && (a) { return false }"}},
		"if that continues": {"for { if a { continue } }", []string{"for { if false && (a) { continue } }"}},
		"if that panics":    {`if a { panic("x") }`, []string{`if false && (a) { panic("x") }`}},
		"if that goes on":   {"if a { println() }", nil},
		"if that is empty":  {"if a { }", nil},
		"if with else":      {"if a { return false } else { println() }", nil},
		"error check":       {"if err != nil { return false }", nil},
		"error of a name":   {"if dbErr == nil { return false }", nil},
		"other nil check":   {"if x != nil { return a }", []string{"if false && (x != nil) { return a }"}},
		"case without tag":  {"switch { case a: println() }", []string{"switch { case false && (a): println() }"}},
		"case of an error":  {"switch { case err != nil: println() }", nil},
		"case with tag":     {"switch a { case b: println() }", nil},
		"operands of and":   {"return a && b", []string{"return (true || (a)) && b", "return a && (true || (b))"}},
		"operands of or":    {"return a || b", []string{"return (false && (a)) || b", "return a || (false && (b))"}},
		"error as operand":  {"return err == nil && a", []string{"return err == nil && (true || (a))"}},
		"nested operands": {"if a && (b) { println() }",
			[]string{"if (true || (a)) && (b) { println() }", "if a && (true || ((b))) { println() }"}},
		"where clause": {"return query(`delete from x where node = $1 and a = $2`)",
			[]string{"return query(`delete from x where node = $1 and (a = $2 or true)`)"}},
		"where in prose": {`return query("the place where it is")`, nil},
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "a.go"), "package x\n\nfunc f() bool {\n"+c.body+"\n}\n")
		guards, err := findGuards(dir)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var got []string
		for _, g := range guards {
			got = append(got, strings.Split(string(g.disabled), "\n")[3])
			if g.line != 4 {
				t.Errorf("%s: guard in line %d", name, g.line)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", name, got, c.want)
		}
	}
}

// Ensure tests are not searched, folders are, and a file that does not parse is reported.
func TestFindGuards_Files(t *testing.T) {
	t.Parallel()
	const source = "package x\n\nfunc f(a bool) {\n\tif a {\n\t\treturn\n\t}\n}\n"
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a_test.go"), source)
	write(t, filepath.Join(dir, "a.txt"), source)
	inner := filepath.Join(dir, "b", "c.go")
	write(t, inner, source)
	guards, err := findGuards(dir)
	if err != nil || len(guards) != 1 || guards[0].file != inner || guards[0].text != "a" || guards[0].line != 4 {
		t.Errorf("got %+v, %v", guards, err)
	}
	write(t, inner, "package")
	if _, err := findGuards(dir); err == nil {
		t.Error("a file that does not parse is no error")
	}
}
