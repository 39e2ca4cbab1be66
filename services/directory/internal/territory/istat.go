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

// ISTATRow is a municipality as ISTAT's list has it, with what the list says of its province and region.
type ISTATRow struct {
	Code, Name    string
	CadastralCode string
	Sign          string
	ProvinceName  string
	RegionCode    string
	RegionName    string
	NUTS3         string
}

// ProvinceCode is the head of the code. The list's own column of provinces holds another code for metropolitan cities.
func (l ISTATRow) ProvinceCode() string { return l.Code[:3] }

// istatHeadings are how the headings of the list begin, once in lower case and on one line: ISTAT adds years, notes and
// blanks behind them from edition to edition, and moves the columns about.
var istatHeadings = []string{
	"codice comune formato alfanumerico", "denominazione in italiano", "codice catastale del comune", "sigla automobilistica",
	"denominazione dell'unità territoriale sovracomunale", "codice regione", "denominazione regione", "codice nuts3",
}

// ParseISTAT reads «Elenco-comuni-italiani.csv» as ISTAT publishes it: headings found by name, fields parted by semicolons
// or commas, in Windows-1252 or UTF-8. It reports all rows that are wrong at once. Where the list gives NUTS codes of several
// years it takes the first.
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
	c.FieldsPerRecord = -1 // what follows the table is notes
	records, err := c.ReadAll()
	if err != nil {
		return nil, err
	}
	if len(records) < 2 {
		return nil, fmt.Errorf("no rows")
	}
	at, err := istatColumns(records[0])
	if err != nil {
		return nil, err
	}
	return istatRows(records[1:], at)
}

func istatColumns(headings []string) ([]int, error) {
	at := make([]int, len(istatHeadings))
	var missing []error
	for i, wanted := range istatHeadings {
		at[i] = -1
		for j, heading := range headings {
			heading = strings.ReplaceAll(strings.ToLower(strings.Join(strings.Fields(heading), " ")), "’", "'")
			if at[i] < 0 && strings.HasPrefix(heading, wanted) {
				at[i] = j
			}
		}
		if at[i] < 0 {
			missing = append(missing, fmt.Errorf("no heading begins with %q", wanted))
		}
	}
	return at, errors.Join(missing...)
}

func istatRows(records [][]string, at []int) ([]ISTATRow, error) {
	var out []ISTATRow
	var problems []error
	seen := map[string]bool{}
	for _, record := range records {
		field := func(i int) string {
			if at[i] >= len(record) {
				return ""
			}
			return strings.Join(strings.Fields(record[at[i]]), " ")
		}
		l := ISTATRow{
			Code: field(0), Name: field(1), CadastralCode: field(2), Sign: field(3), ProvinceName: field(4), RegionCode: field(5),
			RegionName: field(6), NUTS3: field(7),
		}
		switch {
		case l.Code == "" && l.Name == "": // an empty line or a note
			continue
		case !codeFormats[Municipality].MatchString(l.Code) || !codeFormats[Region].MatchString(l.RegionCode) || !signFormat.MatchString(l.Sign):
			problems = append(problems, fmt.Errorf("%q (%s) of region %q in %q is no municipality", l.Code, l.Name, l.RegionCode, l.Sign))
			continue
		case l.Name == "" || l.ProvinceName == "":
			problems = append(problems, fmt.Errorf("municipality %s or its province has no name", l.Code))
		case seen[l.Code]:
			problems = append(problems, fmt.Errorf("municipality %s is there twice", l.Code))
		}
		seen[l.Code] = true
		out = append(out, l)
	}
	if len(out) == 0 && len(problems) == 0 {
		problems = append(problems, fmt.Errorf("no rows"))
	}
	return out, errors.Join(problems...)
}

// decodeWindows1252 reads Windows-1252 as far as Italian names need it: Latin letters, whose bytes are their code points, and the
// apostrophe. The library for it would bring the tables of all code pages.
func decodeWindows1252(raw []byte) []byte {
	out := make([]rune, len(raw))
	for i, b := range raw {
		if out[i] = rune(b); b == 0x92 {
			out[i] = '’'
		}
	}
	return []byte(string(out))
}
