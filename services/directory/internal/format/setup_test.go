package format_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
	"github.com/retepari/pari/services/directory/data"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/format"
	"github.com/retepari/pari/services/directory/internal/territory"
	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

var update = flag.Bool("update", false, "write the golden files anew")

// base is where the tests publish.
const base = "https://pari.example/id/"

// The three offices that the network started with.
var seeds = []string{"cremona-sportello", "cuneo-nodo", "milano-casa-dei-diritti"}

// lists are the vocabularies of the network, as the contract has them.
func lists(t testing.TB) []*vocabularyv1.Vocabulary {
	t.Helper()
	read, err := vocabulary.ParseFS(data.Files)
	if err != nil {
		t.Fatal(err)
	}
	all := make([]*vocabularyv1.Vocabulary, len(read))
	for i, l := range read {
		all[i] = &vocabularyv1.Vocabulary{Name: l.Name, Version: int32(l.Version), TitleIt: l.TitleIT, TitleEn: l.TitleEN}
		for _, one := range l.Terms {
			all[i].Terms = append(all[i].Terms, &vocabularyv1.Term{
				Code: one.Code, LabelIt: one.LabelIT, LabelEn: one.LabelEN, Group: one.Group, ValidFrom: one.ValidFrom, ValidTo: one.ValidTo,
			})
		}
	}
	return all
}

// terms are the lists ready to be looked up, with the NUTS codes of the places.
func terms(t testing.TB) *format.Terms {
	t.Helper()
	all, err := format.NewTerms(base, lists(t))
	if err != nil {
		t.Fatal(err)
	}
	places, err := territory.ParseFS(data.Files)
	if err != nil {
		t.Fatal(err)
	}
	nuts := map[string]string{}
	for _, p := range places {
		nuts[p.Code] = p.NUTS
	}
	all.NUTS = func(istat string) string { return nuts[istat] }
	return all
}

// offices are all offices of the directory.
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

// seed is one of the offices.
func seed(t testing.TB, id string) *directoryv1.Office {
	t.Helper()
	all := offices(t)
	at := slices.IndexFunc(all, func(o *directoryv1.Office) bool { return o.GetOfficeId() == id })
	if at < 0 {
		t.Fatalf("there is no office %s", id)
	}
	return all[at]
}

// golden compares bytes with a file of testdata, which -update writes.
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
		t.Errorf("%s is not what it was; -update writes it anew. Got:\n%s", file, got)
	}
}
