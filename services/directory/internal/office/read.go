package office

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"go.yaml.in/yaml/v3"
)

// Read returns the offices of offices/*.yaml, in the order of their files, or all that is wrong with them. Valid says
// whether a list holds a code.
func Read(fsys fs.FS, valid func(list, code string) bool) ([]Office, error) {
	names, err := fs.Glob(fsys, "offices/*.yaml")
	if err != nil {
		return nil, err
	}
	var (
		offices  []Office
		problems []error
	)
	for _, name := range names {
		raw, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		var o Office
		decoder := yaml.NewDecoder(bytes.NewReader(raw))
		decoder.KnownFields(true)
		if err := decoder.Decode(&o); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", name, err))
			continue
		}
		if o.ID+".yaml" != path.Base(name) {
			problems = append(problems, fmt.Errorf("%s: holds office %q", name, o.ID))
		}
		problems = append(problems, o.Check(valid))
		offices = append(offices, o)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return offices, nil
}
