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

func grouped(name, groups string, terms ...vocabulary.Term) vocabulary.List {
	return vocabulary.List{Name: name, Version: 1, TitleIT: "Lista", TitleEN: "List", Groups: groups, Terms: terms}
}

func labelled(code, group string) vocabulary.Term {
	return vocabulary.Term{Code: code, LabelIT: "nome", LabelEN: "name", Group: group}
}

func TestList_NextVersion(t *testing.T) {
	t.Parallel()
	red := vocabulary.Term{Code: "RED", LabelIT: "rosso", LabelEN: "red"}
	blue := vocabulary.Term{Code: "BLUE", LabelIT: "blu", LabelEN: "blue"}
	retired := red
	retired.ValidTo = "2026-12-31"
	for _, c := range []struct {
		name         string
		stored, list vocabulary.List
		version      int
		changed      bool
		refusal      string
	}{
		{"keeps the version of an unchanged list", colours(4, red), colours(1, red), 4, false, ""},
		{"ignores a higher version without a change", colours(4, red), colours(9, red), 4, false, ""},
		{"raises the version for a new code", colours(4, red), colours(1, red, blue), 5, true, ""},
		{"raises the version for another order", colours(4, red, blue), colours(1, blue, red), 5, true, ""},
		{"raises the version for an end date", colours(4, red), colours(1, retired), 5, true, ""},
		{"uses the version of the file if it is higher", colours(4, red), colours(9, red, blue), 9, true, ""},
		{"refuses to remove a code", colours(4, red, blue), colours(9, blue), 0, false, "no longer contains RED"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, changed, err := c.list.NextVersion(c.stored)
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

func TestValidate(t *testing.T) {
	t.Parallel()
	red := vocabulary.Term{Code: "RED", LabelIT: "rosso", LabelEN: "red"}
	term := func(edit func(*vocabulary.Term)) vocabulary.List {
		edited := red
		edit(&edited)
		return colours(1, edited)
	}
	for _, c := range []struct {
		name    string
		list    vocabulary.List
		problem string
	}{
		{"accepts a plain list", term(func(*vocabulary.Term) {}), ""},
		{"refuses a list without terms", colours(1), "no terms"},
		{"refuses a version below one", colours(0, red), "version"},
		{"refuses a code in lower case", term(func(r *vocabulary.Term) { r.Code = "red" }), "upper-case"},
		{"refuses a missing English label", term(func(r *vocabulary.Term) { r.LabelEN = " " }), "label is missing"},
		{"refuses a missing Italian label", term(func(r *vocabulary.Term) { r.LabelIT = "" }), "label is missing"},
		{"refuses an impossible day", term(func(r *vocabulary.Term) { r.ValidFrom = "2026-02-30" }), "not a day"},
		{"refuses an end before the beginning", term(func(r *vocabulary.Term) {
			r.ValidFrom, r.ValidTo = "2026-02-02", "2026-02-01"
		}), "ends before"},
		{"refuses a group in a list without groups",
			term(func(r *vocabulary.Term) { r.Group = "WARM" }), "the list has none"},
		{"refuses the same code twice", colours(1, red, red), "twice"},
		{"accepts groups of its own", grouped("colour", "colour", labelled("RED", "RED")), ""},
		{"refuses a missing list of groups", grouped("colour", "colour_group", labelled("RED", "WARM")),
			"colour_group is missing"},
		{"refuses a group that its list does not contain", grouped("colour", "colour", labelled("RED", "WARM")),
			`group "WARM" of code RED`},
		{"accepts a place without an ISTAT code", grouped("territory", "territory", labelled("ONLINE", "")), ""},
		{"refuses a group for a place without an ISTAT code",
			grouped("territory", "territory", labelled("ONLINE", "03")), "place ONLINE"},
		{"refuses a municipality without its province",
			grouped("territory", "territory", labelled("019036", "019")), "place 019036"},
		{"refuses a municipality in a municipality",
			grouped("territory", "territory", labelled("019036", "019036")), "place 019036"},
		{"refuses a province without its region",
			grouped("territory", "territory", labelled("019", "03")), "place 019 "},
		{"refuses an invalid name", vocabulary.List{
			Name: "Colour", Version: 1, TitleIT: "Colore", TitleEN: "Colour", Terms: []vocabulary.Term{red},
		}, "lower-case"},
		{"refuses a missing English title", vocabulary.List{
			Name: "colour", Version: 1, TitleIT: "Colore", Terms: []vocabulary.Term{red},
		}, "title is missing"},
		{"refuses a missing Italian title", vocabulary.List{
			Name: "colour", Version: 1, TitleEN: "Colour", Terms: []vocabulary.Term{red},
		}, "title is missing"},
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

func TestValidate_RefusesTheSameListTwice(t *testing.T) {
	t.Parallel()
	red := vocabulary.Term{Code: "RED", LabelIT: "rosso", LabelEN: "red"}
	err := vocabulary.Validate([]vocabulary.List{colours(1, red), colours(1, red)})
	if err == nil || !strings.Contains(err.Error(), "list colour exists twice") {
		t.Errorf("got %v", err)
	}
}

func TestParseFS(t *testing.T) {
	t.Parallel()
	const plain = "name: fee\nversion: 1\ntitle: {it: Costo, en: Fee}\n" +
		"terms:\n  - {code: FREE, it: gratuito, en: free}\n"
	for _, c := range []struct{ name, file, text, problem string }{
		{"parses a list", "vocabularies/fee.yaml", plain, ""},
		{"refuses a list under another name", "vocabularies/cost.yaml", plain, `contains list "fee"`},
		{"refuses an unknown field", "vocabularies/fee.yaml", plain + "colour: red\n", "colour"},
		{"refuses invalid YAML", "vocabularies/fee.yaml", "name: [", "fee.yaml"},
		{"refuses places with missing columns", "territories/x.csv", "istat_code,name\n019036,Cremona\n",
			"column province_code is missing"},
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
