package format_test

import (
	"encoding/json"
	"strings"
	"testing"

	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
	"github.com/retepari/pari/services/directory/internal/format"
)

// termsOf returns the code lists with these names.
func termsOf(t testing.TB, names ...string) *format.Terms {
	t.Helper()
	var selected []*vocabularyv1.Vocabulary
	for _, name := range names {
		for _, list := range lists(t) {
			if list.GetName() == name {
				selected = append(selected, list)
			}
		}
	}
	terms, err := format.NewTerms(base, selected)
	if err != nil {
		t.Fatal(err)
	}
	return terms
}

func TestEncodeSKOS_Golden(t *testing.T) {
	t.Parallel()
	grounds := termsOf(t, "ground", "ground_group", "odihr_bias")
	turtle, err := format.EncodeSKOSTurtle(grounds)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "ground.ttl", turtle)
	document, err := format.EncodeSKOSJSONLD(grounds)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "ground.skos.jsonld", document)
}

func TestEncodeSKOSTurtle_GroupsAndValidity(t *testing.T) {
	t.Parallel()
	turtle, err := format.EncodeSKOSTurtle(terms(t))
	if err != nil {
		t.Fatal(err)
	}
	text := string(turtle)
	for _, want := range []string{
		"<https://pari.example/id/territory/019036> a skos:Concept",
		"skos:broader <https://pari.example/id/territory/019>",
		"skos:broader <https://pari.example/id/region/03>",
		"skos:broader <https://pari.example/id/ground_group/G_LGBTI>",
		"skos:broadMatch <https://pari.example/id/odihr_bias/OD_RACIST>",
		`^^xsd:date`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not contain %s", want)
		}
	}
}

// Ensure only territories have regions as groups, only lists of groups have groups, and only grounds have categories of
// ODIHR: elsewhere an equal code means something else.
func TestEncodeSKOSTurtle_EqualCodesOfOtherLists(t *testing.T) {
	t.Parallel()
	var lists []*vocabularyv1.Vocabulary
	for name, term := range map[string]*vocabularyv1.Term{
		"region":    {Code: "03", LabelIt: "Lombardia"},
		"territory": {Code: "019", LabelIt: "Cremona", Group: "03"},
		"ground":    {Code: "SEX", LabelIt: "Sesso", Group: "03"},
		"fee":       {Code: "SKIN_COLOUR", LabelIt: "Altro", Group: "SEX"},
	} {
		lists = append(lists, &vocabularyv1.Vocabulary{Name: name, Version: 1, Terms: []*vocabularyv1.Term{term}})
	}
	set, err := format.NewTerms(base, lists)
	if err != nil {
		t.Fatal(err)
	}
	turtle, err := format.EncodeSKOSTurtle(set)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(turtle), "skos:broader <https://pari.example/id/region/03>"); n != 1 {
		t.Errorf("got %d terms in the region, want the territory alone:\n%s", n, turtle)
	}
	for unwanted, most := range map[string]int{"skos:broader": 1, "odihr_bias": 1} {
		if n := strings.Count(string(turtle), unwanted); n > most {
			t.Errorf("%s is there %d times, want %d:\n%s", unwanted, n, most, turtle)
		}
	}
}

// Ensure labels and codes are escaped: they cannot close their quotes or brackets.
func TestEncodeSKOSTurtle_Escapes(t *testing.T) {
	t.Parallel()
	term := &vocabularyv1.Term{Code: "A> a <b", LabelIt: "\"\\\r\n\x01\x7f . <c> a <d> ."}
	list := &vocabularyv1.Vocabulary{Name: "x> .", Version: 1, Terms: []*vocabularyv1.Term{term}}
	hostile, err := format.NewTerms(base, []*vocabularyv1.Vocabulary{list})
	if err != nil {
		t.Fatal(err)
	}
	turtle, err := format.EncodeSKOSTurtle(hostile)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"<https://pari.example/id/x%3E%20./A%3E%20a%20%3Cb>", `"\"\\\r\n\u0001\u007F . <c> a <d> ."@it`,
	} {
		if !strings.Contains(string(turtle), want) {
			t.Errorf("it does not contain %s:\n%s", want, turtle)
		}
	}
}

func TestEncodeSKOSJSONLD_HasContext(t *testing.T) {
	t.Parallel()
	raw, err := format.EncodeSKOSJSONLD(terms(t))
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Context map[string]string `json:"@context"`
		Graph   []map[string]any  `json:"@graph"`
	}
	if err := json.Unmarshal(raw, &document); err != nil {
		t.Fatal(err)
	}
	if len(document.Graph) < 8000 || document.Context["skos"] == "" {
		t.Errorf("%d nodes, context %v", len(document.Graph), document.Context)
	}
}

func TestNewTerms_RefusesInvalidBase(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"", "pari", "https://pari.example", "ftp://pari.example/", "https://pari.example/<>/",
		"https:///", "http://a b/",
	} {
		if _, err := format.NewTerms(bad, nil); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

// Ensure the crosswalk has every ground, and only known codes.
func TestEncodeCrosswalkCSV_HasEveryGround(t *testing.T) {
	t.Parallel()
	raw, err := format.EncodeCrosswalkCSV(terms(t))
	rows := parseCSV(t, raw, err)
	seen := map[string]bool{}
	for _, row := range rows[1:] {
		seen[row[0]] = true
		switch row[3] {
		case "exactMatch", "closeMatch", "broadMatch":
			if row[4] == row[5] {
				t.Errorf("%s: unknown category of ODIHR", row[4])
			}
		case "":
			if row[4] != "" {
				t.Errorf("%s has a category without a match", row[0])
			}
		default:
			t.Errorf("unknown match %s", row[3])
		}
		if row[1] == row[0] || row[7] == "" {
			t.Errorf("%s is not a ground, or has no source", row[0])
		}
	}
	for _, list := range lists(t) {
		for _, term := range list.GetTerms() {
			if list.GetName() == "ground" && !seen[term.GetCode()] {
				t.Errorf("%s is not in the crosswalk", term.GetCode())
			}
		}
	}
}

// Ensure labels are in the language of the caller, and an unknown code is its own label.
func TestTerms_Label(t *testing.T) {
	t.Parallel()
	terms := terms(t)
	for lang, want := range map[string]string{"it": "gratuito", "en": "free of charge"} {
		if got := terms.Label(lang, "fee", "FREE"); got != want {
			t.Errorf("%s: %q, want %q", lang, got, want)
		}
	}
	if got := terms.Label("it", "fee", "UNKNOWN"); got != "UNKNOWN" {
		t.Errorf("an unknown code has the label %q", got)
	}
}
