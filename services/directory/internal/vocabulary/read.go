package vocabulary

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
)

// file is a list as people write it. The name of the file is the name of the list.
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

// Read returns the lists of vocabularies/*.yaml, by name, with the places of territories/*.csv in front of the terms of
// the list of territories. It reports all that is wrong at once.
func Read(fsys fs.FS) ([]List, error) {
	names, err := fs.Glob(fsys, "vocabularies/*.yaml")
	if err != nil {
		return nil, err
	}
	places, err := readPlaces(fsys)
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
			return nil, fmt.Errorf("%s: holds list %q", name, l.Name)
		}
		if l.Name == Territory {
			l.Groups, l.Terms = Territory, append(places, l.Terms...)
		}
		lists = append(lists, l)
	}
	if err := Check(lists); err != nil {
		return nil, err
	}
	return lists, nil
}

func parse(raw []byte) (List, error) {
	var f file
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	decoder.KnownFields(true)
	if err := decoder.Decode(&f); err != nil {
		return List{}, err
	}
	l := List{Name: f.Name, Version: f.Version, TitleIT: f.Title.IT, TitleEN: f.Title.EN, Groups: f.Groups}
	for _, t := range f.Terms {
		l.Terms = append(l.Terms, Term{Code: t.Code, LabelIT: t.IT, LabelEN: t.EN, Group: t.Group, ValidFrom: t.ValidFrom, ValidTo: t.ValidTo})
	}
	return l, nil
}

// readPlaces returns each province, followed by its municipalities, in the order of the files.
func readPlaces(fsys fs.FS) ([]Term, error) {
	names, err := fs.Glob(fsys, "territories/*.csv")
	if err != nil {
		return nil, err
	}
	var provinces []Term
	municipalities := map[string][]Term{}
	for _, name := range names {
		raw, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		rows, err := rows(raw, "istat_code", "name", "province_code", "province", "province_sign", "region_code")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, row := range rows {
			code, town, province, provinceName, sign, region := row[0], row[1], row[2], row[3], row[4], row[5]
			if municipalities[province] == nil {
				provinces = append(provinces, Term{Code: province, LabelIT: provinceName + " (provincia)", LabelEN: provinceName + " (province)", Group: region})
			}
			label := town + " (" + sign + ")"
			municipalities[province] = append(municipalities[province], Term{Code: code, LabelIT: label, LabelEN: label, Group: province})
		}
	}
	var places []Term
	for _, province := range provinces {
		places = append(append(places, province), municipalities[province.Code]...)
	}
	return places, nil
}

// rows returns the named columns of a CSV file with a heading.
func rows(raw []byte, columns ...string) ([][]string, error) {
	records, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(records) < 2 {
		return nil, fmt.Errorf("no rows")
	}
	at := make([]int, len(columns))
	for i, column := range columns {
		at[i] = -1
		for j, heading := range records[0] {
			if heading == column {
				at[i] = j
			}
		}
		if at[i] < 0 {
			return nil, fmt.Errorf("column %s is missing", column)
		}
	}
	out := make([][]string, 0, len(records)-1)
	for _, record := range records[1:] {
		row := make([]string, len(columns))
		for i, j := range at {
			row[i] = strings.TrimSpace(record[j])
		}
		out = append(out, row)
	}
	return out, nil
}
