// Package render writes API responses as aligned rows of text, and errors, in Italian or English.
package render

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
)

// Row writes one row; each argument is a cell.
type Row func(cells ...any)

// Rows calls write and aligns the cells of all rows that it writes. Cells are escaped: texts of a service reach the
// terminal as text only.
func Rows(w io.Writer, write func(row Row)) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	write(func(cells ...any) {
		texts := make([]string, len(cells))
		for i, cell := range cells {
			texts[i] = Escape(fmt.Sprint(cell))
		}
		_, _ = fmt.Fprintln(t, strings.Join(texts, "\t"))
	})
	return t.Flush()
}

// Lines writes a text of several lines below each other, beside its label.
func Lines(row Row, label, text string) {
	for line := range strings.Lines(text) {
		row(label, strings.TrimRight(line, "\r\n"))
		label = ""
	}
}

// Label returns the text in the language, "it" or "en".
func Label(lang, it, en string) string {
	if lang == "en" {
		return en
	}
	return it
}

// Table writes the published cells of a table, and the number of suppressed cells.
func Table(t *reportingv1.Table, lang string, row Row) {
	label := func(it, en string) string { return Label(lang, it, en) }
	info := t.GetInfo()
	title := label(info.GetTitleIt(), info.GetTitleEn())
	row(fmt.Sprintf("%s %s, %s %d", info.GetCode(), title, t.GetRegion(), t.GetYear()))
	names := make([]map[string]string, len(t.GetDimensions()))
	var header []any
	for i, d := range t.GetDimensions() {
		header = append(header, label(d.GetLabelIt(), d.GetLabelEn()))
		names[i] = map[string]string{}
		for _, category := range d.GetCategories() {
			names[i][category.GetCode()] = label(category.GetLabelIt(), category.GetLabelEn())
		}
	}
	row(append(header, "N")...)
	suppressed := 0
	for _, cell := range t.GetCells() {
		if cell.GetHidden() {
			suppressed++
			continue
		}
		var cells []any
		for i, key := range cell.GetKeys() {
			text := key
			if i < len(names) && names[i][key] != "" {
				text = names[i][key]
			}
			cells = append(cells, text)
		}
		row(append(cells, cell.GetValue())...)
	}
	if t.GetProtection().GetThreshold() == 0 {
		row(label("dati pubblici, esatti", "public figures, exact"))
		return
	}
	format := label("%d celle protette: zero o meno di %d; le altre arrotondate a %d",
		"%d cells protected: zero or fewer than %d; the others rounded to %d")
	row(fmt.Sprintf(format, suppressed, t.GetProtection().GetThreshold(), t.GetProtection().GetBase()))
}
