package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/files"
)

func body(id, name string) *directoryv1.Entry {
	b := &directoryv1.Body{BodyId: id, Name: name}
	return &directoryv1.Entry{Kind: "body", Id: id, Content: &directoryv1.Entry_Body{Body: b}}
}

// Ensure that files.ParseFS reads the files, and that the result distinguishes new, changed and unchanged files.
func TestWriteEntries(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "new")
	for _, c := range []struct {
		entries []*directoryv1.Entry
		want    []fileResult
	}{
		{[]*directoryv1.Entry{body("a", "A"), body("b", "B")}, []fileResult{fileNew, fileNew}},
		{[]*directoryv1.Entry{body("a", "A"), body("b", "Better")}, []fileResult{fileSame, fileChanged}},
	} {
		got, err := writeEntries(folder, c.entries)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Error(diff)
		}
		back, err := files.ParseFS(os.DirFS(folder))
		if err != nil || len(back) != 2 || !files.Equal(back[1], c.entries[1]) {
			t.Errorf("read back: %v, %v", back, err)
		}
	}
}

// Ensure that an entry with a path in its id is not written outside the folder.
func TestWriteEntries_RefusesPathsOutside(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, id := range []string{"../../out", "/../../out"} {
		if _, err := writeEntries(filepath.Join(folder, "in"), []*directoryv1.Entry{body(id, "A")}); err == nil {
			t.Errorf("%q was written", id)
		}
	}
	if found, err := filepath.Glob(filepath.Join(folder, "*.yaml")); err != nil || len(found) > 0 {
		t.Errorf("outside: %v, %v", found, err)
	}
}

// Ensure that JSON is compacted before its size is checked, and that a document above the limit is an error.
func TestReadDocument(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "d.json")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	hsds := directoryv1.DocumentFormat_DOCUMENT_FORMAT_HSDS
	for text, want := range map[string]string{
		"{\n  \"a\": [ 1 ]\n}": `{"a":[1]}`,
		"no JSON":              "no JSON",
		"[" + strings.Repeat(" ", maxDocument) + "]": "[]",
	} {
		write(text)
		if got, err := readDocument(file, hsds); err != nil || string(got) != want {
			t.Errorf("got %.20q, %v, want %q", got, err, want)
		}
	}
	write(strings.Repeat("x", maxDocument+1))
	if _, err := readDocument(file, hsds); err == nil || !strings.Contains(err.Error(), "node by node") {
		t.Errorf("a document that is too large: %v", err)
	}
}
