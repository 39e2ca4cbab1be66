package format_test

import (
	"bytes"
	"compress/zlib"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/format"
)

var showText = regexp.MustCompile(`\((?:[^()\\]|\\.)*\)\s*Tj`)

// pdfContent returns the uncompressed content of the pages of a PDF.
func pdfContent(t *testing.T, pdf []byte) string {
	t.Helper()
	var all strings.Builder
	for rest := pdf; ; {
		i := bytes.Index(rest, []byte("stream\n"))
		if i < 0 {
			return all.String()
		}
		rest = rest[i+len("stream\n"):]
		r, err := zlib.NewReader(bytes.NewReader(rest))
		if err != nil {
			continue // not a compressed stream
		}
		if _, err := io.Copy(&all, r); err != nil {
			t.Fatal(err)
		}
	}
}

// pdfWords returns the text of a PDF.
func pdfWords(t *testing.T, pdf []byte) string {
	t.Helper()
	var all []string
	for _, m := range showText.FindAllString(pdfContent(t, pdf), -1) {
		text := m[1:strings.LastIndex(m, ")")]
		text = strings.NewReplacer(`\(`, "(", `\)`, ")", `\\`, `\`).Replace(text)
		var b strings.Builder
		for _, c := range []byte(text) {
			switch c {
			case 0x80:
				b.WriteRune('€')
			case 0x92:
				b.WriteRune('’')
			case 0x95:
				b.WriteRune('•')
			case 0x96:
				b.WriteRune('–')
			default:
				b.WriteRune(rune(c))
			}
		}
		all = append(all, b.String())
	}
	return strings.Join(strings.Fields(strings.Join(all, " ")), " ")
}

// htmlWords returns the text of an HTML page, without its head.
func htmlWords(t *testing.T, page []byte) string {
	t.Helper()
	doc, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode && n.Data == "head" {
			return
		}
		if n.Type == html.TextNode {
			all = append(all, n.Data)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(doc)
	return strings.Join(strings.Fields(strings.Join(all, " ")), " ")
}

// Ensure the PDF of every office has every word of its HTML page, in order.
func TestRenderPDF(t *testing.T) {
	t.Parallel()
	labels := terms(t)
	for _, o := range append(offices(t), &directoryv1.Office{
		OfficeId: "prova", Name: "Perché no? Città (più) d'Europa – l’ufficio", Kind: "DESK", State: "ACTIVE",
		Description: strings.Repeat("Una riga lunga di parole che va a capo. ", 200),
	}) {
		for _, lang := range []string{"it", "en"} {
			page, err := format.RenderHTML(o, lang, "2026-11-25", labels)
			if err != nil {
				t.Fatal(err)
			}
			pdf, err := format.RenderPDF(page, o.GetName(), lang, time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(pdf, []byte("%PDF-1.")) || !bytes.Contains(pdf, []byte("%%EOF")) {
				t.Fatalf("%s: not a PDF", o.GetOfficeId())
			}
			pdfText := strings.Fields(strings.ReplaceAll(pdfWords(t, pdf), "•", ""))
			position := 0
			for _, word := range strings.Fields(htmlWords(t, page)) {
				for position < len(pdfText) && pdfText[position] != word {
					position++
				}
				if position == len(pdfText) {
					t.Fatalf("%s in %s: the PDF does not have %q in its place", o.GetOfficeId(), lang, word)
				}
				position++
			}
		}
	}
}

// Ensure the head is left out, and the address of a link follows its text unless they are the same.
func TestRenderPDF_Links(t *testing.T) {
	t.Parallel()
	page := `<html><head><title>Testa</title></head><body><p lang="it">Uno</p>` +
		`<p><a href="https://x.example/" rel="noreferrer">Titolo</a></p>` +
		`<p><a href="https://y.example/" rel="noreferrer">https://y.example/</a></p></body></html>`
	pdf, err := format.RenderPDF([]byte(page), "A", "it", time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := pdfWords(t, pdf), "Uno Titolo (https://x.example/) https://y.example/"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Ensure a link whose text is its own URL is not followed by the URL, although the HTML page encodes it.
func TestRenderPDF_LinksOfRenderHTML(t *testing.T) {
	t.Parallel()
	const source = "https://x.example/città(1)/l'ufficio?q=%C3%A0&r=100%"
	o := &directoryv1.Office{OfficeId: "a", SourceUrl: source, Links: []*directoryv1.Link{
		{Url: "https://y.example/à_(b)"}, {Title: "Titolo", Url: "https://z.example/(à)"},
	}}
	page, err := format.RenderHTML(o, "it", "2026-11-25", terms(t))
	if err != nil {
		t.Fatal(err)
	}
	pdf, err := format.RenderPDF(page, "A", "it", time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	want := "Pagine • https://y.example/à_(b) • Titolo (https://z.example/%28%c3%a0%29) " + source
	if got := pdfWords(t, pdf); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Ensure the cells of a table stand below each other, in the header as in the rows.
func TestRenderPDF_Columns(t *testing.T) {
	t.Parallel()
	page := "<html><body><table><tr><th>A</th><th>B</th></tr>" +
		"<tr><th>Wednesday</th><td>C</td></tr></table></body></html>"
	pdf, err := format.RenderPDF([]byte(page), "A", "it", time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	x := map[string]string{}
	at := regexp.MustCompile(`BT ([0-9.]+) [0-9.]+ Td \((\w+)\) *Tj`)
	for _, m := range at.FindAllStringSubmatch(pdfContent(t, pdf), -1) {
		x[m[2]] = m[1]
	}
	if x["A"] == "" || x["A"] != x["Wednesday"] || x["B"] == "" || x["B"] == x["A"] || x["B"] != x["C"] {
		t.Errorf("the texts begin at %v", x)
	}
}

// Ensure an element within a line stays on it, after a blank, and a block begins a line.
func TestRenderPDF_Lines(t *testing.T) {
	t.Parallel()
	page := "<html><body><p>Uno <strong>due</strong> <em>tre</em></p>" +
		"<ul><li><strong>Quattro</strong></li></ul></body></html>"
	pdf, err := format.RenderPDF([]byte(page), "A", "it", time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	last := 0.0
	at := regexp.MustCompile(`BT [0-9.]+ ([0-9.]+) Td \(([^)]*)\) *Tj`)
	for _, m := range at.FindAllStringSubmatch(pdfContent(t, pdf), -1) {
		y, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(y-last) > 2 { // points
			lines = append(lines, "")
		}
		last = y
		lines[len(lines)-1] += m[2]
	}
	if want := []string{"Uno due tre", "\x95 Quattro"}; !slices.Equal(lines, want) {
		t.Errorf("got %q, want %q", lines, want)
	}
}

// Ensure neither white space between elements nor text outside of them changes the layout.
func TestRenderPDF_IgnoresTextBetweenElements(t *testing.T) {
	t.Parallel()
	const page = "<html><body><p>Uno</p><ul><li>Due</li></ul><p>Tre</p></body></html>"
	var want string
	for i, page := range []string{page, strings.ReplaceAll(page, "><", ">\n <"), "Testo " + page} {
		pdf, err := format.RenderPDF([]byte(page), "A", "it", time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC))
		if err != nil {
			t.Fatal(err)
		}
		got := pdfContent(t, pdf)
		if i == 0 {
			want = got
		}
		if got != want {
			t.Errorf("the layout of %q differs:\n%s\n%s", page, got, want)
		}
	}
}

func TestRenderPDF_RefusesMalformedPage(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"<p", "</p>", "<head><title>"} {
		if _, err := format.RenderPDF([]byte(page), "A", "it", time.Now()); err == nil {
			t.Errorf("%q was accepted", page)
		}
	}
}
