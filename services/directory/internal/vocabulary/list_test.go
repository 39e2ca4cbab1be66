package vocabulary_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

func colours(version int, terms ...vocabulary.Term) vocabulary.List {
	return vocabulary.List{Name: "colour", Version: version, TitleIT: "Colore", TitleEN: "Colour", Terms: terms}
}

func TestList_After(t *testing.T) {
	t.Parallel()
	red := vocabulary.Term{Code: "RED", LabelIT: "rosso", LabelEN: "red"}
	blue := vocabulary.Term{Code: "BLUE", LabelIT: "blu", LabelEN: "blue"}
	retired := red
	retired.ValidTo = "2026-12-31"
	for _, c := range []struct {
		name         string
		stored, read vocabulary.List
		version      int
		changed      bool
		refusal      string
	}{
		{"keeps the version of an unchanged list", colours(4, red), colours(1, red), 4, false, ""},
		{"does not take a higher version for a change", colours(4, red), colours(9, red), 4, false, ""},
		{"raises the version for a new code", colours(4, red), colours(1, red, blue), 5, true, ""},
		{"raises the version for another order", colours(4, red, blue), colours(1, blue, red), 5, true, ""},
		{"raises the version for an end date", colours(4, red), colours(1, retired), 5, true, ""},
		{"takes the written version when it is higher", colours(4, red), colours(9, red, blue), 9, true, ""},
		{"refuses to lose a code", colours(4, red, blue), colours(9, blue), 0, false, "no longer holds RED"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, changed, err := c.read.NextVersion(c.stored)
			if c.refusal != "" {
				if err == nil || !strings.Contains(err.Error(), c.refusal) {
					t.Fatalf("got %v, want %q", err, c.refusal)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Version != c.version || changed != c.changed {
				t.Errorf("version %d, changed %v; want %d, %v", got.Version, changed, c.version, c.changed)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	term := func(edit func(*vocabulary.Term)) vocabulary.List {
		red := vocabulary.Term{Code: "RED", LabelIT: "rosso", LabelEN: "red"}
		edit(&red)
		return colours(1, red)
	}
	for _, c := range []struct {
		name    string
		list    vocabulary.List
		problem string
	}{
		{"accepts a plain list", term(func(*vocabulary.Term) {}), ""},
		{"refuses a list without terms", colours(1), "no terms"},
		{"refuses a version below one", colours(0, vocabulary.Term{Code: "RED", LabelIT: "rosso", LabelEN: "red"}), "version"},
		{"refuses a code in lower case", term(func(r *vocabulary.Term) { r.Code = "red" }), "upper-case"},
		{"refuses a missing English label", term(func(r *vocabulary.Term) { r.LabelEN = " " }), "label is missing"},
		{"refuses an impossible day", term(func(r *vocabulary.Term) { r.ValidFrom = "2026-02-30" }), "not a day"},
		{"refuses an end before the beginning", term(func(r *vocabulary.Term) { r.ValidFrom, r.ValidTo = "2026-02-02", "2026-02-01" }), "ends before"},
		{"refuses a group in a list without groups", term(func(r *vocabulary.Term) { r.Group = "WARM" }), "the list has none"},
		{"refuses a code that is there twice", colours(1,
			vocabulary.Term{Code: "RED", LabelIT: "rosso", LabelEN: "red"}, vocabulary.Term{Code: "RED", LabelIT: "rosso", LabelEN: "red"}), "twice"},
		{"refuses a list of groups that is missing", vocabulary.List{Name: "colour", Version: 1, TitleIT: "Colore", TitleEN: "Colour", Groups: "colour_group",
			Terms: []vocabulary.Term{{Code: "RED", LabelIT: "rosso", LabelEN: "red", Group: "WARM"}}}, "colour_group is missing"},
		{"refuses a municipality without its province", vocabulary.List{Name: "territory", Version: 1, TitleIT: "Territorio", TitleEN: "Territory", Groups: "territory",
			Terms: []vocabulary.Term{{Code: "019036", LabelIT: "Cremona", LabelEN: "Cremona", Group: "019"}}}, "place 019036"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := vocabulary.Validate([]vocabulary.List{c.list})
			switch {
			case c.problem == "" && err != nil:
				t.Errorf("got %v, want none", err)
			case c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem)):
				t.Errorf("got %v, want %q", err, c.problem)
			}
		})
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	const plain = "name: fee\nversion: 1\ntitle: {it: Costo, en: Fee}\nterms:\n  - {code: FREE, it: gratuito, en: free}\n"
	for _, c := range []struct{ name, file, text, problem string }{
		{"reads a list", "vocabularies/fee.yaml", plain, ""},
		{"refuses a list under another name", "vocabularies/cost.yaml", plain, `holds list "fee"`},
		{"refuses a field that nobody reads", "vocabularies/fee.yaml", plain + "colour: red\n", "colour"},
		{"refuses what is not YAML", "vocabularies/fee.yaml", "name: [", "fee.yaml"},
		{"refuses places without their columns", "territories/x.csv", "istat_code,name\n019036,Cremona\n", "column province_code is missing"},
		{"refuses an empty list of places", "territories/x.csv", "istat_code\n", "no rows"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := vocabulary.ParseFS(fstest.MapFS{c.file: {Data: []byte(c.text)}})
			switch {
			case c.problem == "" && err != nil:
				t.Errorf("got %v, want none", err)
			case c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem)):
				t.Errorf("got %v, want %q", err, c.problem)
			}
		})
	}
}
