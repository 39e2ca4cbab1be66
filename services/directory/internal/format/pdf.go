package format

import (
	"bytes"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/text/unicode/norm"
)

// RenderPDF lays out a page of RenderHTML on A4, so that both always have the same content. The PDF is not tagged:
// users of screen readers need the HTML page.
//
// The standard PDF fonts have only the characters of Windows-1252. Others lose their accents, or become "?".
func RenderPDF(page []byte, title, lang string, now time.Time) ([]byte, error) {
	p := fpdf.New("P", "mm", "A4", "")
	p.SetMargins(margin, margin, margin)
	p.SetAutoPageBreak(true, margin)
	p.SetTitle(title, true)
	p.SetLang(lang)
	p.SetCreationDate(now)
	p.SetCatalogSort(true) // the same page gives the same bytes
	p.SetModificationDate(now)
	p.AddPage()
	w := &pdfWriter{Fpdf: p, encode: p.UnicodeTranslatorFromDescriptor("")}
	if err := w.walk(xml.NewDecoder(bytes.NewReader(page))); err != nil {
		return nil, fmt.Errorf("lay out page of %s: %w", title, err)
	}
	var out bytes.Buffer
	if err := p.Output(&out); err != nil {
		return nil, fmt.Errorf("write PDF of %s: %w", title, err)
	}
	return out.Bytes(), nil
}

// Lengths on a page in millimetres, and the default font size in points.
const (
	margin, line, indent, cellWidth = 18, 5.4, 6, 45
	fontSize                        = 11
)

// textStyle is the style of an element. A block element starts a new line, with some space above.
type textStyle struct {
	size       float64
	fontStyle  string
	spaceAbove float64
	inline     bool
}

var textStyles = map[string]textStyle{
	"h1":      {size: 20, fontStyle: "B"},
	"h2":      {size: 13, fontStyle: "B", spaceAbove: 3},
	"p":       {size: fontSize, spaceAbove: 1},
	"dt":      {size: fontSize, fontStyle: "B", spaceAbove: 1},
	"dd":      {size: fontSize},
	"li":      {size: fontSize, spaceAbove: 0.5},
	"caption": {size: fontSize, fontStyle: "B", spaceAbove: 2},
	"tr":      {size: fontSize, spaceAbove: 0.5},
	"strong":  {size: fontSize, fontStyle: "B", inline: true},
	"span":    {size: fontSize, inline: true},
	"a":       {size: fontSize, inline: true},
	"th":      {size: fontSize, fontStyle: "B", inline: true},
	"td":      {size: fontSize, inline: true},
}

// pdfWriter writes elements one below the other.
type pdfWriter struct {
	*fpdf.Fpdf

	encode      func(string) string
	lineStarted bool    // the current line has text
	lineHeight  float64 // of the current line
}

// walk writes the elements of a page of RenderHTML, which is XML except for void elements.
func (w *pdfWriter) walk(d *xml.Decoder) error {
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var open []string
	href, lastText := "", ""
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return w.Error()
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if t.Name.Local == "head" {
				if err := d.Skip(); err != nil {
					return err
				}
				continue
			}
			open = append(open, t.Name.Local)
			w.start(t.Name.Local)
			for _, a := range t.Attr {
				if a.Name.Local == "href" {
					href = a.Value
				}
			}
		case xml.EndElement:
			if t.Name.Local == "a" && !isSameURL(lastText, href) {
				w.text("a", "("+href+")")
			}
			open = open[:len(open)-1] // the decoder balances elements
		case xml.CharData:
			if text := strings.Join(strings.Fields(string(t)), " "); text != "" && len(open) > 0 {
				w.text(open[len(open)-1], text)
				lastText = text
			}
		}
	}
}

// isSameURL reports whether a text is the URL of an attribute, in which html/template encodes more characters.
func isSameURL(text, href string) bool { return percentDecode(text) == percentDecode(href) }

var percentEncoded = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

// percentDecode decodes a URL. Unlike url.PathUnescape it accepts a "%" that encodes nothing, as html/template does.
func percentDecode(text string) string {
	return percentEncoded.ReplaceAllStringFunc(text, func(code string) string {
		b, _ := hex.DecodeString(code[1:]) // the expression matches only hex digits
		return string(b)
	})
}

// start starts a new line for a block element.
func (w *pdfWriter) start(name string) {
	style, known := textStyles[name]
	if !known || style.inline {
		return
	}
	if w.lineStarted {
		w.Ln(w.lineHeight)
	}
	w.lineStarted = false
	w.Ln(style.spaceAbove)
	w.SetX(margin)
	switch name {
	case "h1", "h2":
		if _, pageHeight := w.GetPageSize(); w.GetY() > pageHeight-3*margin { // keep a heading with the following text
			w.AddPage()
		}
	case "dd":
		w.SetX(margin + indent)
	case "li":
		w.SetFont("Helvetica", "", fontSize)
		w.Write(line, w.encode("• "))
	}
}

// text writes a text in the style of its element.
func (w *pdfWriter) text(name, text string) {
	style, known := textStyles[name]
	if !known {
		style = textStyles["p"]
	}
	w.SetFont("Helvetica", style.fontStyle, style.size)
	text, w.lineHeight = w.encode(toWindows1252(text)), max(line, style.size/2)
	switch {
	case name == "td" || name == "th":
		w.CellFormat(cellWidth, line, text, "", 0, "L", false, 0, "")
	case w.lineStarted:
		w.Write(line, " "+text)
	default:
		w.Write(w.lineHeight, text)
	}
	w.lineStarted = true
	if name == "h2" {
		w.Ln(line + 1)
		width, _ := w.GetPageSize()
		w.Line(margin, w.GetY(), width-margin, w.GetY())
		w.lineStarted = false
	}
}

// toWindows1252 strips the accents of letters that Windows-1252 does not have, and replaces other characters by "?".
func toWindows1252(text string) string {
	var b strings.Builder
	for _, r := range text {
		if inWindows1252(r) {
			b.WriteRune(r)
			continue
		}
		base := '?'
		for _, plain := range norm.NFD.String(string(r)) {
			if inWindows1252(plain) {
				base = plain
			}
			break
		}
		b.WriteRune(base)
	}
	return b.String()
}

func inWindows1252(r rune) bool {
	return r < 0x80 || r >= 0xa0 && r <= 0xff || strings.ContainsRune("€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ", r)
}
