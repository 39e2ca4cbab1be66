package pgtest

import (
	"maps"
	"slices"
	"testing"
)

// Ensure every statement of a package is found by its use, and one that is built at run time is reported.
func TestFindStatements(t *testing.T) {
	t.Parallel()
	found, err := findStatements("testdata/statements")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`begin`,
		`insert into note (id, text) values ($1, $2)`,
		`select id, text from note`,
		`update note set text = $1`,
		`values (1)`,
	}
	if got := slices.Sorted(maps.Keys(found.sql)); !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
	if len(found.concatenated) != 1 || found.concatenated[0].Line != 29 {
		t.Errorf("built at run time: %v, want line 29", found.concatenated)
	}
}
