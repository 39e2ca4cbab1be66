//go:build hsds

package format_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schemaFolder is the environment variable with the folder of the published JSON schemas of HSDS 3. Their license (Open
// Referral, CC BY-SA 4.0) keeps them out of this repository. They are in the folder "schema" of the specification's
// repository.
const schemaFolder = "HSDS_SCHEMAS"

// Ensure every object of a document matches its published schema, including formats.
func TestEncodeHSDS_MatchesPublishedSchemas(t *testing.T) {
	t.Parallel()
	folder := os.Getenv(schemaFolder)
	if folder == "" {
		t.Fatalf("%s is not set to the folder of the HSDS 3 schemas", schemaFolder)
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
	walkEntities(encodeHSDS(t, offices(t)), "", func(schema string, entity map[string]any) {
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
