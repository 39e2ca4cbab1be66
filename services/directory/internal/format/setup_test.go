package format_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
	"github.com/retepari/pari/services/directory/data"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/format"
	"github.com/retepari/pari/services/directory/internal/territory"
	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// base is the base of the IRIs in tests.
const base = "https://pari.example/id/"

// seeds are the first three offices of the network.
var seeds = []string{"cremona-sportello", "cuneo-nodo", "milano-casa-dei-diritti"}

// readLists returns the embedded code lists as messages of the contract. They are large, and no test changes them.
var readLists = sync.OnceValues(func() ([]*vocabularyv1.Vocabulary, error) {
	read, err := vocabulary.ParseFS(data.Files)
	if err != nil {
		return nil, err
	}
	all := make([]*vocabularyv1.Vocabulary, len(read))
	for i, l := range read {
		all[i] = &vocabularyv1.Vocabulary{
			Name: l.Name, Version: int32(l.Version), TitleIt: l.TitleIT, TitleEn: l.TitleEN,
		}
		for _, term := range l.Terms {
			all[i].Terms = append(all[i].Terms, &vocabularyv1.Term{
				Code: term.Code, LabelIt: term.LabelIT, LabelEn: term.LabelEN,
				Group: term.Group, ValidFrom: term.ValidFrom, ValidTo: term.ValidTo,
			})
		}
	}
	return all, nil
})

// lists returns the embedded code lists.
func lists(t testing.TB) []*vocabularyv1.Vocabulary {
	t.Helper()
	all, err := readLists()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var readTerms = sync.OnceValues(func() (*format.Terms, error) {
	lists, err := readLists()
	if err != nil {
		return nil, err
	}
	all, err := format.NewTerms(base, lists)
	if err != nil {
		return nil, err
	}
	places, err := territory.ParseFS(data.Files)
	if err != nil {
		return nil, err
	}
	nuts := map[string]string{}
	for _, p := range places {
		nuts[p.Code] = p.NUTS
	}
	all.NUTS = func(istat string) string { return nuts[istat] }
	return all, nil
})

// terms returns the embedded code lists with the NUTS codes of the places.
func terms(t testing.TB) *format.Terms {
	t.Helper()
	all, err := readTerms()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// offices returns the embedded offices.
func offices(t testing.TB) []*directoryv1.Office {
	t.Helper()
	all, err := entry.ParseFS(data.Files)
	if err != nil {
		t.Fatal(err)
	}
	var out []*directoryv1.Office
	for _, e := range all {
		if e.GetOffice() != nil {
			out = append(out, e.GetOffice())
		}
	}
	return out
}

// seed returns one of the embedded offices.
func seed(t testing.TB, id string) *directoryv1.Office {
	t.Helper()
	all := offices(t)
	at := slices.IndexFunc(all, func(o *directoryv1.Office) bool { return o.GetOfficeId() == id })
	if at < 0 {
		t.Fatalf("no office %s", id)
	}
	return all[at]
}

// golden compares bytes with a file of testdata, which -update rewrites.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (rewrite it with -update):\n%s", file, got)
	}
}
