package territory

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
)

// table is a CSV file with a heading row.
type table struct {
	at   map[string]int
	rows [][]string
}

// parseTable parses a CSV file that has at least the given columns.
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

// each calls the function with each row, as a lookup of fields by column. A missing column is empty.
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
