package format

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/text/unicode/norm"
)

// RenderPDF lays out a page that RenderHTML wrote on sheets of A4, so that both always say the same. Who hears the page instead of
// seeing it takes the HTML: the sheets have no structure that can be read aloud.
//
// Letters that the fonts of every reader have not (those outside of Windows-1252) lose their accents, or become "?".
func RenderPDF(page []byte, title, lang string, now time.Time) ([]byte, error) {
	p := fpdf.New("P", "mm", "A4", "")
	p.SetMargins(margin, margin, margin)
	p.SetAutoPageBreak(true, margin)
	p.SetTitle(title, true)
	p.SetLang(lang)
	p.SetCreationDate(now)
	p.SetCatalogSort(true) // the same page makes the same bytes
	p.SetModificationDate(now)
	p.AddPage()
	s := &sheets{Fpdf: p, encode: p.UnicodeTranslatorFromDescriptor("")}
	if err := s.walk(xml.NewDecoder(bytes.NewReader(page))); err != nil {
		return nil, fmt.Errorf("lay out the page of %s: %w", title, err)
	}
	var out bytes.Buffer
	if err := p.Output(&out); err != nil {
		return nil, fmt.Errorf("write the page of %s: %w", title, err)
	}
	return out.Bytes(), nil
}

// Measures of a sheet, in millimetres; letters in points.
const (
	margin, line, indent, cellWidth = 18, 5.4, 6, 45
	usual                           = 11
)

// shape is how an element looks: the size of its letters, its style, the room above it. An inline element has none above.
type shape struct {
	size   float64
	style  string
	above  float64
	inline bool
}

var shapes = map[string]shape{
	"h1": {20, "B", 0, false}, "h2": {13, "B", 3, false}, "p": {usual, "", 1, false}, "dt": {usual, "B", 1, false}, "dd": {usual, "", 0, false},
	"li": {usual, "", 0.5, false}, "caption": {usual, "B", 2, false}, "tr": {usual, "", 0.5, false},
	"strong": {usual, "B", 0, true}, "span": {usual, "", 0, true}, "a": {usual, "", 0, true}, "th": {usual, "B", 0, true}, "td": {usual, "", 0, true},
}

// sheets writes elements one below the other.
type sheets struct {
	*fpdf.Fpdf

	encode func(string) string
	begun  bool    // something stands on the line
	height float64 // of that line
}

// walk reads the elements that this package writes; what it writes is XML but for elements that hold nothing.
func (s *sheets) walk(d *xml.Decoder) error {
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var open []string
	address, said := "", ""
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return s.Error()
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
			s.start(t.Name.Local)
			for _, a := range t.Attr {
				if a.Name.Local == "href" {
					address = a.Value
				}
			}
		case xml.EndElement:
			if t.Name.Local == "a" && said != address {
				s.text("a", "("+address+")")
			}
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		case xml.CharData:
			if words := strings.Join(strings.Fields(string(t)), " "); words != "" && len(open) > 0 {
				s.text(open[len(open)-1], words)
				said = words
			}
		}
	}
}

// start begins a line for an element that has one of its own.
func (s *sheets) start(name string) {
	shape, known := shapes[name]
	if !known || shape.inline {
		return
	}
	if s.begun {
		s.Ln(s.height)
	}
	s.begun = false
	s.Ln(shape.above)
	s.SetX(margin)
	switch name {
	case "h1", "h2":
		if _, height := s.GetPageSize(); s.GetY() > height-3*margin { // a heading stays with what follows
			s.AddPage()
		}
	case "dd":
		s.SetX(margin + indent)
	case "li":
		s.SetFont("Helvetica", "", usual)
		s.Write(line, s.encode("• "))
	}
}

// text writes words in the shape of their element.
func (s *sheets) text(name, words string) {
	shape, known := shapes[name]
	if !known {
		shape = shapes["p"]
	}
	s.SetFont("Helvetica", shape.style, shape.size)
	words, s.height = s.encode(latin(words)), max(line, shape.size/2)
	switch {
	case name == "td" || name == "th":
		s.CellFormat(cellWidth, line, words, "", 0, "L", false, 0, "")
	case shape.inline && s.begun:
		s.Write(line, " "+words)
	default:
		s.Write(s.height, words)
	}
	s.begun = true
	if name == "h2" {
		s.Ln(line + 1)
		width, _ := s.GetPageSize()
		s.Line(margin, s.GetY(), width-margin, s.GetY())
		s.begun = false
	}
}

// latin takes the accents from letters that Windows-1252 has not, and leaves a mark for what it cannot write at all.
func latin(text string) string {
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
