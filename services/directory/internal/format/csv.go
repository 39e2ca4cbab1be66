package format

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
)

// separator separates the items of a list in one cell.
const separator = " | "

// column is one column of the table of offices.
type column struct {
	name string
	cell func(*directoryv1.Office) (string, error)
}

func textColumn(name string, cell func(*directoryv1.Office) string) column {
	return column{name, func(o *directoryv1.Office) (string, error) { return cell(o), nil }}
}

func listColumn(name string, cells func(*directoryv1.Office) []string) column {
	return textColumn(name, func(o *directoryv1.Office) string { return strings.Join(cells(o), separator) })
}

// officeColumns are the columns of the table of offices, in order.
var officeColumns = []column{
	textColumn("office_id", (*directoryv1.Office).GetOfficeId),
	textColumn("name", (*directoryv1.Office).GetName),
	textColumn("kind", (*directoryv1.Office).GetKind),
	textColumn("state", (*directoryv1.Office).GetState),
	textColumn("region", (*directoryv1.Office).GetRegion),
	textColumn("node", (*directoryv1.Office).GetNode),
	textColumn("body", (*directoryv1.Office).GetBody),
	textColumn("ipa_code", (*directoryv1.Office).GetIpaCode),
	textColumn("description", (*directoryv1.Office).GetDescription),
	listColumn("addresses", func(o *directoryv1.Office) []string { return mapSlice(o.GetAddresses(), addressText) }),
	{"phones", phonesText},
	listColumn("emails", func(o *directoryv1.Office) []string { return mapSlice(o.GetEmails(), emailText) }),
	{"hours", func(o *directoryv1.Office) (string, error) {
		text, err := compactHours(o.GetHours())
		return strings.ReplaceAll(text, ", ", separator), err
	}},
	textColumn("access_rule", (*directoryv1.Office).GetAccessRule),
	textColumn("fee", (*directoryv1.Office).GetFee),
	listColumn("recipients", (*directoryv1.Office).GetRecipients),
	listColumn("services", func(o *directoryv1.Office) []string { return mapSlice(o.GetServices(), serviceText) }),
	listColumn("grounds", (*directoryv1.Office).GetGrounds),
	listColumn("accessibility", (*directoryv1.Office).GetAccessibility),
	listColumn("territories", (*directoryv1.Office).GetTerritories),
	listColumn("network_roles", (*directoryv1.Office).GetNetworkRoles),
	listColumn("links", func(o *directoryv1.Office) []string { return mapSlice(o.GetLinks(), linkText) }),
	textColumn("valid_from", (*directoryv1.Office).GetValidFrom),
	textColumn("valid_to", (*directoryv1.Office).GetValidTo),
	textColumn("source", (*directoryv1.Office).GetSource),
	textColumn("verified_on", (*directoryv1.Office).GetVerifiedOn),
	listColumn("languages", (*directoryv1.Office).GetLanguages),
	textColumn("source_url", (*directoryv1.Office).GetSourceUrl),
	textColumn("published_on", (*directoryv1.Office).GetPublishedOn),
	textColumn("changed_on", (*directoryv1.Office).GetChangedOn),
	textColumn("logo_url", (*directoryv1.Office).GetLogoUrl),
}

// EncodeCSV encodes offices as CSV (RFC 4180, UTF-8): a header, and one row per office. The items of a list share one
// cell, separated by " | ". A cell that a spreadsheet would take for a formula begins with an apostrophe.
func EncodeCSV(offices []*directoryv1.Office) ([]byte, error) {
	t := newTable()
	names := make([]string, len(officeColumns))
	for i, c := range officeColumns {
		names[i] = c.name
	}
	t.row(names...)
	for _, o := range offices {
		cells := make([]string, len(officeColumns))
		for i, c := range officeColumns {
			cell, err := c.cell(o)
			if err != nil {
				return nil, fmt.Errorf("office %s: %s: %w", o.GetOfficeId(), c.name, err)
			}
			cells[i] = cell
		}
		t.row(cells...)
	}
	return t.bytes()
}

// EncodeVocabularyCSV encodes a code list as CSV: a header, and one row per code. Every row has the version of the
// list.
func EncodeVocabularyCSV(v *vocabularyv1.Vocabulary) ([]byte, error) {
	t := newTable()
	t.row("code", "it", "en", "group", "valid_from", "valid_to", "version")
	version := strconv.Itoa(int(v.GetVersion()))
	for _, term := range v.GetTerms() {
		t.row(term.GetCode(), term.GetLabelIt(), term.GetLabelEn(), term.GetGroup(),
			term.GetValidFrom(), term.GetValidTo(), version)
	}
	return t.bytes()
}

// table writes CSV rows whose cells a spreadsheet does not compute.
type table struct {
	out    bytes.Buffer
	writer *csv.Writer
}

func newTable() *table {
	t := &table{}
	t.writer = csv.NewWriter(&t.out)
	t.writer.UseCRLF = true
	return t
}

func (t *table) row(cells ...string) {
	safe := make([]string, len(cells))
	for i, cell := range cells {
		safe[i] = escapeFormula(cell)
	}
	_ = t.writer.Write(safe) // bytes returns the error of the writer
}

func (t *table) bytes() ([]byte, error) {
	t.writer.Flush()
	return t.out.Bytes(), t.writer.Error()
}

// escapeFormula prefixes an apostrophe to a cell that a spreadsheet would compute: one that begins, after blanks, with
// a formula character, full-width ones included, or with a tab or a newline. A cell that begins with an apostrophe gets
// another one, so that readers can always remove the first. Line breaks in a cell become "\n".
func escapeFormula(cell string) string {
	cell = strings.ReplaceAll(strings.ReplaceAll(cell, "\r\n", "\n"), "\r", "\n")
	if strings.HasPrefix(cell, "\t") || strings.HasPrefix(cell, "\n") || strings.HasPrefix(cell, "'") {
		return "'" + cell
	}
	first, _ := utf8.DecodeRuneInString(strings.TrimSpace(cell))
	if strings.ContainsRune("=+-@\uff1d\uff0b\uff0d\uff20", first) {
		return "'" + cell
	}
	return cell
}

func mapSlice[From, To any](items []From, convert func(From) To) []To {
	out := make([]To, len(items))
	for i, item := range items {
		out[i] = convert(item)
	}
	return out
}

// withNote appends a note in parentheses to a text.
func withNote(text, note string) string {
	if note == "" {
		return text
	}
	return strings.TrimSpace(text + " (" + note + ")")
}

// joinNonEmpty joins the texts that are not empty.
func joinNonEmpty(separator string, all ...string) string {
	return strings.Join(nonEmpty(all), separator)
}

func purposeCode(a *directoryv1.Address) string {
	if a.GetPurpose() == directoryv1.AddressPurpose_ADDRESS_PURPOSE_UNSPECIFIED {
		return ""
	}
	return strings.TrimPrefix(a.GetPurpose().String(), "ADDRESS_PURPOSE_")
}

func addressText(a *directoryv1.Address) string {
	place := joinNonEmpty(", ", a.GetStreet(), joinNonEmpty(" ", a.GetPostcode(), a.GetMunicipality()))
	return withNote(joinNonEmpty(": ", purposeCode(a), place), a.GetNote())
}

func phonesText(o *directoryv1.Office) (string, error) {
	phones := make([]string, len(o.GetPhones()))
	for i, p := range o.GetPhones() {
		hours, err := compactHours(p.GetHours())
		if err != nil {
			return "", err
		}
		whatsapp := ""
		if p.GetWhatsapp() {
			whatsapp = "WhatsApp"
		}
		phones[i] = withNote(p.GetNumber(), joinNonEmpty("; ", p.GetLabel(), whatsapp, hours))
	}
	return strings.Join(phones, separator), nil
}

func emailText(e *directoryv1.Email) string { return withNote(e.GetAddress(), e.GetPurpose()) }

func serviceText(s *directoryv1.Service) string {
	modes := strings.Join(s.GetAccessModes(), ", ")
	return joinNonEmpty(" ", withNote(joinNonEmpty(": ", s.GetType(), s.GetName()), modes), s.GetUrl())
}

func linkText(l *directoryv1.Link) string { return joinNonEmpty(" ", l.GetTitle(), l.GetUrl()) }
