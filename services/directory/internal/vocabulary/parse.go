package vocabulary

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"

	"go.yaml.in/yaml/v3"

	"github.com/retepari/pari/services/directory/internal/territory"
)

// file is the YAML form of a list. The file has the name of the list.
type file struct {
	Name    string `yaml:"name"`
	Version int    `yaml:"version"`
	Title   struct {
		IT string `yaml:"it"`
		EN string `yaml:"en"`
	} `yaml:"title"`
	Groups string `yaml:"groups"`
	Terms  []struct {
		Code      string `yaml:"code"`
		IT        string `yaml:"it"`
		EN        string `yaml:"en"`
		Group     string `yaml:"group"`
		ValidFrom string `yaml:"valid_from"`
		ValidTo   string `yaml:"valid_to"`
	} `yaml:"terms"`
}

// ParseFS returns the lists of vocabularies/*.yaml, sorted by name. The list of territories begins with the provinces
// and municipalities of territories/*.csv. If all files parse, one error reports all violations of the rules.
func ParseFS(fsys fs.FS) ([]List, error) {
	names, err := fs.Glob(fsys, "vocabularies/*.yaml")
	if err != nil {
		return nil, err
	}
	places, err := parsePlaces(fsys)
	if err != nil {
		return nil, err
	}
	lists := make([]List, 0, len(names))
	for _, name := range names {
		raw, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		l, err := parse(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if l.Name+".yaml" != path.Base(name) {
			return nil, fmt.Errorf("%s: contains list %q", name, l.Name)
		}
		if l.Name == TerritoryList {
			l.Groups, l.Terms = TerritoryList, append(places, l.Terms...)
		}
		lists = append(lists, l)
	}
	if err := Validate(lists); err != nil {
		return nil, err
	}
	return lists, nil
}

func parse(raw []byte) (List, error) {
	var f file
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	if err := dec.Decode(&f); err != nil {
		return List{}, err
	}
	l := List{Name: f.Name, Version: f.Version, TitleIT: f.Title.IT, TitleEN: f.Title.EN, Groups: f.Groups}
	for _, t := range f.Terms {
		l.Terms = append(l.Terms, Term{
			Code: t.Code, LabelIT: t.IT, LabelEN: t.EN, Group: t.Group, ValidFrom: t.ValidFrom, ValidTo: t.ValidTo,
		})
	}
	return l, nil
}

// parsePlaces returns each province, followed by its municipalities, in the order of the files. It leaves out the
// regions, which are a list of their own. A renamed municipality keeps the label of its first name.
func parsePlaces(fsys fs.FS) ([]Term, error) {
	places, err := territory.ParseFS(fsys)
	if err != nil {
		return nil, err
	}
	var terms []Term
	for _, p := range places {
		t := Term{Code: p.Code, Group: p.Parent(), ValidFrom: p.ValidFrom, ValidTo: p.ValidTo}
		switch p.Kind {
		case territory.Region:
			continue
		case territory.Province:
			t.LabelIT, t.LabelEN = p.Name+" (provincia)", p.Name+" (province)"
		case territory.Municipality:
			name := append(p.Former, p.Name)[0]
			t.LabelIT = name + " (" + p.Abbreviation + ")"
			t.LabelEN = t.LabelIT
		}
		terms = append(terms, t)
	}
	return terms, nil
}
