package identity

import (
	"bytes"
	"errors"
	"io"

	"go.yaml.in/yaml/v3"
)

// decodeYAML decodes the only document of a file; an empty file has none. Unknown properties are an error, and so is a
// second document: what it says would have no effect.
func decodeYAML(raw []byte, into any) error {
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	decoder.KnownFields(true)
	err := decoder.Decode(into)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := decoder.Decode(new(yaml.Node)); err == nil {
		return errors.New("the file has more than one document")
	} else if !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}
