package format_test

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
	"github.com/retepari/pari/services/directory/internal/format"
)

// encoders are the JSON-LD encoders of offices.
var encoders = map[string]func([]*directoryv1.Office, *format.Terms) ([]byte, error){
	"schema.jsonld": format.EncodeSchemaOrg, "cpsv.jsonld": format.EncodeCPSV,
}

func TestJSONLD_Golden(t *testing.T) {
	t.Parallel()
	for name, encodeOffices := range encoders {
		for _, id := range seeds {
			raw, err := encodeOffices([]*directoryv1.Office{seed(t, id)}, terms(t))
			if err != nil {
				t.Fatal(err)
			}
			golden(t, id+"."+name, raw)
		}
	}
}

// Ensure a document can be read offline: the context is inline and defines every prefix.
func TestJSONLD_ContextIsComplete(t *testing.T) {
	t.Parallel()
	for name, encodeOffices := range encoders {
		raw, err := encodeOffices(offices(t), terms(t))
		if err != nil {
			t.Fatal(err)
		}
		var document struct {
			Context map[string]any `json:"@context"`
			Graph   []any          `json:"@graph"`
		}
		if err := json.Unmarshal(raw, &document); err != nil {
			t.Fatal(err)
		}
		var walk func(any)
		walk = func(value any) {
			switch v := value.(type) {
			case []any:
				for _, item := range v {
					walk(item)
				}
			case map[string]any:
				for key, item := range v {
					prefix, _, prefixed := strings.Cut(key, ":")
					_, known := document.Context[prefix]
					_, vocab := document.Context["@vocab"]
					defined := strings.HasPrefix(key, "@") || prefixed && known || !prefixed && vocab
					if !defined {
						t.Errorf("%s: %s is not defined", name, key)
					}
					walk(item)
				}
			}
		}
		walk(document.Graph)
	}
}

// Ensure missing values are left out, as keys and as empty texts or lists.
func TestJSONLD_OmitsMissingValues(t *testing.T) {
	t.Parallel()
	for name, encodeOffices := range encoders {
		services := []*directoryv1.Service{{Type: "COURSE"}}
		minimal := &directoryv1.Office{OfficeId: "minimal", Name: "Minimal", Services: services}
		raw, err := encodeOffices([]*directoryv1.Office{minimal}, terms(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, unwanted := range []string{
			`""`, "[]", "{}", "null", "isAccessibleForFree", "peningHours", "ontactPoint", "hannel", "audience",
		} {
			if strings.Contains(string(raw), unwanted) {
				t.Errorf("%s contains %s:\n%s", name, unwanted, raw)
			}
		}
	}
}

// Ensure documents can be embedded in a script element of a page, whatever an office holds.
func TestJSONLD_EscapesAnyOffice(t *testing.T) {
	t.Parallel()
	all := terms(t)
	rapid.Check(t, func(t *rapid.T) {
		o := anyOffice.Draw(t, "office")
		for name, encodeOffices := range encoders {
			raw, err := encodeOffices([]*directoryv1.Office{o}, all)
			if err != nil || !json.Valid(raw) || strings.Contains(string(raw), "<") {
				t.Fatalf("%s: %v\n%s", name, err, raw)
			}
		}
	})
}

func TestJSONLD_RefusesInvalidWeekday(t *testing.T) {
	t.Parallel()
	for name, encodeOffices := range encoders {
		hours := []*directoryv1.Hours{{Weekday: 8}}
		for _, o := range []*directoryv1.Office{
			{Services: []*directoryv1.Service{{Type: "COURSE"}}, Hours: hours},
			{Services: []*directoryv1.Service{{Type: "COURSE"}}, Phones: []*directoryv1.Phone{{Hours: hours}}},
		} {
			if _, err := encodeOffices([]*directoryv1.Office{o}, terms(t)); err == nil {
				t.Errorf("%s: an eighth day of the week was accepted", name)
			}
		}
	}
}

func TestEncodeSchemaOrg_EndOfDay(t *testing.T) {
	t.Parallel()
	raw, err := format.EncodeSchemaOrg([]*directoryv1.Office{{Hours: []*directoryv1.Hours{
		{Weekday: 1, Opens: "00:00", Closes: "24:00"}, {Weekday: 2, Opens: "20:00", Closes: "24:00"},
		{Weekday: 3, Opens: "00:00", Closes: "06:00"},
	}}}, terms(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"closes": "23:59"`, `"closes": "00:00"`, `"closes": "06:00"`} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("it does not contain %s", want)
		}
	}
}

// Ensure a label is split only if it ends in the abbreviation of a province.
func TestEncodeSchemaOrg_Municipalities(t *testing.T) {
	t.Parallel()
	for label, want := range map[string][2]any{
		"Cremona (CR)": {"Cremona", "CR"}, "San Dorligo (Dolina) (TS)": {"San Dorligo (Dolina)", "TS"},
		"Lago (nord)": {"Lago (nord)", nil}, "Lago (CR": {"Lago (CR", nil}, "Lago (CRE": {"Lago (CRE", nil},
		" (CR)": {" (CR)", nil}, "Cremona": {"Cremona", nil},
	} {
		list := &vocabularyv1.Vocabulary{
			Name: "territory", Terms: []*vocabularyv1.Term{{Code: "1", LabelIt: label}},
		}
		labels, err := format.NewTerms(base, []*vocabularyv1.Vocabulary{list})
		if err != nil {
			t.Fatal(err)
		}
		o := &directoryv1.Office{OfficeId: "a", Addresses: []*directoryv1.Address{{Municipality: "1"}}}
		raw, err := format.EncodeSchemaOrg([]*directoryv1.Office{o}, labels)
		if err != nil {
			t.Fatal(err)
		}
		addresses, _ := parseGraph(t, raw)["office/a"]["address"].([]any)
		address, _ := addresses[0].(map[string]any)
		if got := [2]any{address["addressLocality"], address["addressRegion"]}; got != want {
			t.Errorf("%q: %v, want %v", label, got, want)
		}
	}
}

// Ensure the body of an office has its IPA code or its name, and without both the office is the body.
func TestEncodeCPSV_Authority(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		office   *directoryv1.Office
		id, name string
	}{
		{&directoryv1.Office{Name: "Sportello", Body: "Comune", IpaCode: "c_d150"}, "body/c_d150", "Comune"},
		{&directoryv1.Office{Name: "Sportello", Body: "Comune"}, "office/a#body", "Comune"},
		{&directoryv1.Office{Name: "Sportello"}, "office/a", "Sportello"},
	} {
		c.office.OfficeId = "a"
		raw, err := format.EncodeCPSV([]*directoryv1.Office{c.office}, terms(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`"@id": "` + base + c.id + `"`, `"@value": "` + c.name + `"`} {
			if !strings.Contains(string(raw), want) {
				t.Errorf("it does not contain %s:\n%s", want, raw)
			}
		}
	}
}

// Ensure an unknown municipality has no name, and places have no NUTS code without a source of these.
func TestEncodeSchemaOrg_UnknownPlaces(t *testing.T) {
	t.Parallel()
	o := &directoryv1.Office{
		OfficeId: "a", Name: "A", Territories: []string{"019"},
		Addresses: []*directoryv1.Address{{Street: "via Roma, 1", Municipality: "999999"}},
	}
	for name, encodeOffices := range encoders {
		raw, err := encodeOffices([]*directoryv1.Office{o}, termsOf(t, "territory"))
		if err != nil || strings.Contains(string(raw), "addressLocality") || strings.Contains(string(raw), "nuts") {
			t.Errorf("%s: %v\n%s", name, err, raw)
		}
	}
}

// Ensure an office has a body and contacts only if the entry gives them, and languages even without contacts.
func TestEncodeSchemaOrg_BodyAndLanguages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		office         *directoryv1.Office
		want, unwanted string
	}{
		{&directoryv1.Office{Name: "A"}, `"GovernmentOffice"`, "parentOrganization"},
		{&directoryv1.Office{Name: "A"}, `"GovernmentOffice"`, "contactPoint"},
		{&directoryv1.Office{Name: "A", Body: "Comune"}, `"parentOrganization"`, "PropertyValue"},
		{&directoryv1.Office{Name: "A", IpaCode: "c_d150"}, `"c_d150"`, "contactPoint"},
		{&directoryv1.Office{Name: "A", Languages: []string{"AR"}}, `"availableLanguage"`, "parentOrganization"},
		{
			&directoryv1.Office{Name: "A", Languages: []string{"AR"}, Phones: []*directoryv1.Phone{{Number: "0372 1"}}},
			`"0372 1"`, "parentOrganization",
		},
	} {
		raw, err := format.EncodeSchemaOrg([]*directoryv1.Office{c.office}, terms(t))
		if err != nil || !strings.Contains(string(raw), c.want) || strings.Contains(string(raw), c.unwanted) {
			t.Errorf("%v: %v, want %s, not %s\n%s", c.office, err, c.want, c.unwanted, raw)
		}
	}
}
