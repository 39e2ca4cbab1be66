package format_test

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/format"
)

// skins are the documents of JSON-LD that are made of offices.
var skins = map[string]func([]*directoryv1.Office, *format.Terms) ([]byte, error){
	"schema.jsonld": format.EncodeSchemaOrg, "cpsv.jsonld": format.EncodeCPSV,
}

func TestJSONLD_of_the_seeds(t *testing.T) {
	t.Parallel()
	for name, skin := range skins {
		for _, id := range seeds {
			raw, err := skin([]*directoryv1.Office{seed(t, id)}, terms(t))
			if err != nil {
				t.Fatal(err)
			}
			golden(t, id+"."+name, raw)
		}
	}
}

// Ensure a document can be read without asking anybody: each prefix is in its context, and the context is no address.
func TestJSONLD_explains_itself(t *testing.T) {
	t.Parallel()
	for name, skin := range skins {
		raw, err := skin(offices(t), terms(t))
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
				for _, one := range v {
					walk(one)
				}
			case map[string]any:
				for key, one := range v {
					prefix, _, prefixed := strings.Cut(key, ":")
					_, known := document.Context[prefix]
					_, vocab := document.Context["@vocab"]
					explained := strings.HasPrefix(key, "@") || prefixed && known || !prefixed && vocab
					if !explained {
						t.Errorf("%s: %s is not explained", name, key)
					}
					walk(one)
				}
			}
		}
		walk(document.Graph)
	}
}

// Ensure what is not given is not there: neither as a key, nor as an empty text or list.
func TestJSONLD_leaves_out_what_is_not_given(t *testing.T) {
	t.Parallel()
	for name, skin := range skins {
		raw, err := skin([]*directoryv1.Office{{OfficeId: "bare", Name: "Bare", Services: []*directoryv1.Service{{Type: "COURSE"}}}}, terms(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, none := range []string{`""`, "[]", "{}", "null", "isAccessibleForFree", "peningHours", "ontactPoint", "hannel", "audience"} {
			if strings.Contains(string(raw), none) {
				t.Errorf("%s holds %s:\n%s", name, none, raw)
			}
		}
	}
}

// Ensure any office makes a document that can stand in a page without ending a script.
func TestJSONLD_of_any_office(t *testing.T) {
	t.Parallel()
	all := terms(t)
	rapid.Check(t, func(t *rapid.T) {
		o := anyOffice.Draw(t, "office")
		for name, skin := range skins {
			raw, err := skin([]*directoryv1.Office{o}, all)
			if err != nil || !json.Valid(raw) || strings.Contains(string(raw), "<") {
				t.Fatalf("%s: %v\n%s", name, err, raw)
			}
		}
	})
}

func TestSchemaOrg_tells_the_end_of_the_day(t *testing.T) {
	t.Parallel()
	raw, err := format.EncodeSchemaOrg([]*directoryv1.Office{{Hours: []*directoryv1.Hours{
		{Weekday: 1, Opens: "00:00", Closes: "24:00"}, {Weekday: 2, Opens: "20:00", Closes: "24:00"},
	}}}, terms(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"closes": "23:59"`, `"closes": "00:00"`} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("it does not hold %s", want)
		}
	}
}
