package territory

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
)

// table is a CSV file with a heading, whose columns are asked for by name.
type table struct {
	at   map[string]int
	rows [][]string
}

// parseTable reads a CSV file that must have the named columns; others may be there.
func parseTable(raw []byte, columns ...string) (table, error) {
	records, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil {
		return table{}, err
	}
	if len(records) < 2 {
		return table{}, fmt.Errorf("no rows")
	}
	t := table{at: map[string]int{}, rows: records[1:]}
	for _, column := range columns {
		if !slices.Contains(records[0], column) {
			return table{}, fmt.Errorf("column %s is missing", column)
		}
	}
	for i, heading := range records[0] {
		t.at[heading] = i
	}
	return t, nil
}

// each calls the function with every row and a way to get its fields by column; a column that the file lacks is empty.
func (t table) each(row func(field func(column string) string)) {
	for _, record := range t.rows {
		row(func(column string) string {
			i, ok := t.at[column]
			if !ok {
				return ""
			}
			return strings.TrimSpace(record[i])
		})
	}
}
