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

// ParseFS returns the entries of <kind>/<id>.yaml, in order, or everything that cannot be read. The fields are those of the
// contract.
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
				problems = append(problems, fmt.Errorf("%s: holds %s %q", name, kind, e.GetId()))
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

// maxYAML is the largest file of an entry, in bytes.
const maxYAML = 256 << 10

// UnmarshalYAML reads an entry that people wrote. A field that the contract does not know is an error.
func UnmarshalYAML(kind string, written []byte) (*directoryv1.Entry, error) {
	if len(written) > maxYAML {
		return nil, fmt.Errorf("longer than %d bytes", maxYAML)
	}
	var node yaml.Node
	if err := yaml.Unmarshal(written, &node); err != nil {
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

// protojsonPrefix begins the library's errors. Nobody has seen that JSON: the field is what helps.
var protojsonPrefix = regexp.MustCompile(`^proto:[\s\x{a0}]+(\([^)]*\):[\s\x{a0}]+)?`)

// toJSONTypes leaves in a YAML document what JSON knows: a day stays the text that was written; anchors are refused, because a
// short document could grow without end.
func toJSONTypes(node *yaml.Node) error {
	if node.Kind == yaml.AliasNode {
		return fmt.Errorf("line %d: anchors and aliases are not for entries", node.Line)
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

// MarshalYAML writes an entry for people, fields in the order of the contract. UnmarshalYAML reads it back.
func MarshalYAML(e *directoryv1.Entry) ([]byte, error) {
	written, err := Marshal(e)
	if err != nil {
		return nil, err
	}
	// JSON is YAML: reading it as such keeps the order of the fields.
	var node yaml.Node
	if err := yaml.Unmarshal(written, &node); err != nil {
		return nil, err
	}
	clearStyle(&node)
	return yaml.Marshal(&node)
}

// clearStyle writes a document in lines instead of brackets.
func clearStyle(node *yaml.Node) {
	node.Style = 0
	for _, child := range node.Content {
		clearStyle(child)
	}
}
