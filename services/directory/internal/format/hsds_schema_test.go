package format_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/format"
)

// schemaOf maps a list to the schema of its items.
var schemaOf = map[string]string{
	"contents": "organization", "services": "service", "locations": "location", "addresses": "address",
	"phones":    "phone",
	"schedules": "schedule", "contacts": "contact", "attributes": "attribute", "accessibility": "accessibility",
	"organization_identifiers": "organization_identifier", "service_areas": "service_area",
	"service_at_locations": "service_at_location", "taxonomy_term": "taxonomy_term",
}

// walkEntities calls visit for every object of a document that has a schema, with the name of that schema.
func walkEntities(value any, listName string, visit func(schema string, entity map[string]any)) {
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			walkEntities(item, listName, visit)
		}
	case map[string]any:
		if schema := schemaOf[listName]; schema != "" {
			visit(schema, v)
		}
		for name, item := range v {
			walkEntities(item, name, visit)
		}
	}
}

func encodeHSDS(t *testing.T, all []*directoryv1.Office) any {
	t.Helper()
	raw, err := format.EncodeHSDS(all, terms(t))
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// Ensure documents have the required fields and only allowed enum values, without the published schemas.
func TestEncodeHSDS_HasRequiredFields(t *testing.T) {
	t.Parallel()
	required := map[string]string{
		"organization": "id name description", "service": "id name status", "location": "id location_type",
		"phone":                   "id number",
		"address":                 "id address_1 city state_province postal_code country address_type",
		"organization_identifier": "id identifier_type identifier", "taxonomy_term": "id name description",
	}
	words := map[string][]string{
		"status":        {"active", "inactive", "defunct", "temporarily closed"},
		"location_type": {"physical", "postal", "virtual"},
		"address_type":  {"physical", "postal", "virtual"}, "freq": {"WEEKLY", "MONTHLY"},
	}
	walkEntities(encodeHSDS(t, offices(t)), "", func(schema string, entity map[string]any) {
		for _, field := range strings.Fields(required[schema]) {
			if _, ok := entity[field].(string); !ok {
				t.Errorf("%s %v has no %s", schema, entity["id"], field)
			}
		}
		if id, _ := entity["id"].(string); len(id) != 36 || id[14] != '5' {
			t.Errorf("%s: %q is no UUID of version 5", schema, id)
		}
		for field, allowed := range words {
			if word, ok := entity[field].(string); ok && !slices.Contains(allowed, word) {
				t.Errorf("%s: %s is %q", schema, field, word)
			}
		}
	})
}

// Ensure hours are encoded as recurrence rules, which other readers understand.
func TestEncodeHSDS_Schedules(t *testing.T) {
	t.Parallel()
	raw, err := json.Marshal(encodeHSDS(t, []*directoryv1.Office{seed(t, "milano-casa-dei-diritti")}))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"freq":"WEEKLY"`, `"byday":"MO"`, `"opens_at":"08:30"`, `"closes_at":"12:30"`} {
		if !bytes.Contains(raw, []byte(want)) {
			t.Errorf("it does not contain %s", want)
		}
	}
}
