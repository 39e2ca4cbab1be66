package territory

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// ISTATRow is a row of ISTAT's list of municipalities, with its province and region.
type ISTATRow struct {
	Code, Name    string
	CadastralCode string
	Abbreviation  string
	ProvinceName  string
	RegionCode    string
	RegionName    string
	NUTS3         string
}

// ProvinceCode returns the prefix of the code. The list's own column has a different code for metropolitan cities.
func (r ISTATRow) ProvinceCode() string { return r.Code[:3] }

// istatHeadings are the prefixes of the headings, in lower case and on one line. ISTAT appends years, notes and spaces
// from edition to edition, and moves columns.
var istatHeadings = []string{
	"codice comune formato alfanumerico", "denominazione in italiano", "codice catastale del comune",
	"sigla automobilistica",
	"denominazione dell'unità territoriale sovracomunale", "codice regione", "denominazione regione", "codice nuts3",
}

// ParseISTAT parses «Elenco-comuni-italiani.csv» as ISTAT publishes it: columns found by heading, separated by
// semicolons or commas, in Windows-1252 or UTF-8. It reports all invalid rows at once. If the list has NUTS codes of
// several years, it uses the first.
func ParseISTAT(list io.Reader) ([]ISTATRow, error) {
	raw, err := io.ReadAll(list)
	if err != nil {
		return nil, err
	}
	if raw = bytes.TrimPrefix(raw, []byte("\ufeff")); !utf8.Valid(raw) {
		raw = decodeWindows1252(raw)
	}
	c := csv.NewReader(bytes.NewReader(raw))
	if bytes.Count(raw, []byte(";")) > bytes.Count(raw, []byte(",")) {
		c.Comma = ';'
	}
	c.LazyQuotes = true
	c.FieldsPerRecord = -1 // notes follow the table
	records, err := c.ReadAll()
	if err != nil {
		return nil, err
	}
	if len(records) < 2 {
		return nil, fmt.Errorf("no rows")
	}
	columns, err := istatColumns(records[0])
	if err != nil {
		return nil, err
	}
	return istatRows(records[1:], columns)
}

// istatColumns returns the position of each heading.
func istatColumns(headings []string) ([]int, error) {
	columns := make([]int, len(istatHeadings))
	var missing []error
	for i, prefix := range istatHeadings {
		columns[i] = -1
		for j, heading := range headings {
			heading = strings.ReplaceAll(strings.ToLower(strings.Join(strings.Fields(heading), " ")), "’", "'")
			if columns[i] < 0 && strings.HasPrefix(heading, prefix) {
				columns[i] = j
			}
		}
		if columns[i] < 0 {
			missing = append(missing, fmt.Errorf("no heading begins with %q", prefix))
		}
	}
	return columns, errors.Join(missing...)
}

func istatRows(records [][]string, columns []int) ([]ISTATRow, error) {
	var out []ISTATRow
	var problems []error
	seen := map[string]bool{}
	for _, record := range records {
		field := func(i int) string {
			if columns[i] >= len(record) {
				return ""
			}
			return strings.Join(strings.Fields(record[columns[i]]), " ")
		}
		row := ISTATRow{
			Code: field(0), Name: field(1), CadastralCode: field(2), Abbreviation: field(3), ProvinceName: field(4),
			RegionCode: field(5), RegionName: field(6), NUTS3: field(7),
		}
		switch {
		case row.Code == "" && row.Name == "": // an empty line or a note
			continue
		case !codeFormats[Municipality].MatchString(row.Code), !codeFormats[Region].MatchString(row.RegionCode),
			!abbreviationFormat.MatchString(row.Abbreviation):
			problems = append(problems, fmt.Errorf("invalid municipality: code %q, name %q, region %q, abbreviation %q",
				row.Code, row.Name, row.RegionCode, row.Abbreviation))
			continue
		case row.Name == "" || row.ProvinceName == "":
			problems = append(problems, fmt.Errorf("municipality %s or its province has no name", row.Code))
		case seen[row.Code]:
			problems = append(problems, fmt.Errorf("municipality %s is listed twice", row.Code))
		}
		seen[row.Code] = true
		out = append(out, row)
	}
	if len(out) == 0 && len(problems) == 0 {
		problems = append(problems, fmt.Errorf("no rows"))
	}
	return out, errors.Join(problems...)
}

// decodeWindows1252 decodes the part of Windows-1252 that Italian names need: Latin-1 letters and the apostrophe. A
// library would add the tables of all code pages.
func decodeWindows1252(raw []byte) []byte {
	out := make([]rune, len(raw))
	for i, b := range raw {
		if out[i] = rune(b); b == 0x92 {
			out[i] = '’'
		}
	}
	return []byte(string(out))
}
