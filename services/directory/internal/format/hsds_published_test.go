//go:build hsds

package format_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schemaFolder holds the published JSON schemas of HSDS 3 (Open Referral, CC BY-SA 4.0: not ours to carry). They are found in
// the folder "schema" of the repository of the specification.
const schemaFolder = "HSDS_SCHEMAS"

// Ensure every object of a document keeps its published schema, formats included, wherever it stands.
func TestHSDS_keeps_the_published_schemas(t *testing.T) {
	t.Parallel()
	folder := os.Getenv(schemaFolder)
	if folder == "" {
		t.Fatalf("%s names no folder with the schemas of HSDS 3", schemaFolder)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schemas := map[string]*jsonschema.Schema{}
	for _, name := range schemaOf {
		schema, err := compiler.Compile(filepath.Join(folder, name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		schemas[name] = schema
	}
	checked := map[string]bool{}
	entities(written(t, offices(t)), "", func(schema string, entity map[string]any) {
		checked[schema] = true
		if err := schemas[schema].Validate(entity); err != nil {
			t.Errorf("%v", err)
		}
	})
	for _, name := range schemaOf {
		if !checked[name] {
			t.Errorf("no %s was checked", name)
		}
	}
}
