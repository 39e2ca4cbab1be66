package entry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// ParseFS reads the entries of <kind>/<id>.yaml and returns them in order. It reports all invalid files at once. The
// field names are those of the contract.
func ParseFS(fsys fs.FS) ([]*directoryv1.Entry, error) {
	var (
		all      []*directoryv1.Entry
		problems []error
	)
	for _, kind := range Kinds() {
		names, err := fs.Glob(fsys, kind+"/*.yaml")
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			raw, err := fs.ReadFile(fsys, name)
			if err != nil {
				return nil, err
			}
			e, err := UnmarshalYAML(kind, raw)
			switch {
			case err != nil:
				problems = append(problems, fmt.Errorf("%s: %w", name, err))
			case e.GetId()+".yaml" != path.Base(name):
				problems = append(problems, fmt.Errorf("%s: file holds %s %q", name, kind, e.GetId()))
			default:
				all = append(all, e)
			}
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	slices.SortFunc(all, Compare)
	return all, nil
}

// maxYAML is the maximum size of an entry in YAML, in bytes.
const maxYAML = 256 << 10

// UnmarshalYAML decodes an entry from YAML written by hand. An unknown field is an error.
func UnmarshalYAML(kind string, raw []byte) (*directoryv1.Entry, error) {
	if len(raw) > maxYAML {
		return nil, fmt.Errorf("longer than %d bytes", maxYAML)
	}
	var node yaml.Node
	if err := yaml.Unmarshal(raw, &node); err != nil {
		return nil, err
	}
	if err := toJSONTypes(&node); err != nil {
		return nil, err
	}
	var value map[string]any
	if err := node.Decode(&value); err != nil {
		return nil, err
	}
	asJSON, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	e, err := parse(kind, asJSON, protojson.UnmarshalOptions{})
	if err != nil {
		return nil, errors.New(protojsonPrefix.ReplaceAllString(err.Error(), ""))
	}
	return e, nil
}

// protojsonPrefix matches the prefix of protojson's errors: its position refers to intermediate JSON that the author
// never sees.
var protojsonPrefix = regexp.MustCompile(`^proto:[\s\x{a0}]+(\([^)]*\):[\s\x{a0}]+)?`)

// toJSONTypes restricts a YAML document to the types of JSON. A date stays the text that was written. Anchors are
// refused because a short document could expand without bound.
func toJSONTypes(node *yaml.Node) error {
	if node.Kind == yaml.AliasNode {
		return fmt.Errorf("line %d: anchors and aliases are not allowed", node.Line)
	}
	if node.ShortTag() == "!!timestamp" {
		node.Tag = "!!str"
	}
	for _, child := range node.Content {
		if err := toJSONTypes(child); err != nil {
			return err
		}
	}
	return nil
}

// MarshalYAML encodes an entry as block-style YAML, with the fields in the order of the contract. UnmarshalYAML decodes
// it.
func MarshalYAML(e *directoryv1.Entry) ([]byte, error) {
	raw, err := Marshal(e)
	if err != nil {
		return nil, err
	}
	// JSON is valid YAML, and parsing it as YAML keeps the order of the fields.
	var node yaml.Node
	if err := yaml.Unmarshal(raw, &node); err != nil {
		return nil, err
	}
	clearStyle(&node)
	return yaml.Marshal(&node)
}

// clearStyle turns the flow style of JSON into block style.
func clearStyle(node *yaml.Node) {
	node.Style = 0
	for _, child := range node.Content {
		clearStyle(child)
	}
}
