package format_test

import (
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
	"pgregory.net/rapid"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/format"
)

func renderHTML(t rapid.TB, o *directoryv1.Office, lang string, terms *format.Terms) string {
	raw, err := format.RenderHTML(o, lang, "2026-11-25", terms)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestRenderHTML_Golden(t *testing.T) {
	t.Parallel()
	for _, id := range seeds {
		golden(t, id+".it.html", []byte(renderHTML(t, seed(t, id), "it", terms(t))))
	}
	golden(t, seeds[0]+".en.html", []byte(renderHTML(t, seed(t, seeds[0]), "en", terms(t))))
}

// allowed lists the elements of a page, and the attributes that each may have.
var allowed = map[string]string{
	"html": "lang", "head": "", "meta": "charset name content http-equiv", "title": "", "style": "",
	"body": "", "main": "", "header": "", "footer": "", "section": "", "h1": "lang", "h2": "", "p": "lang",
	"dl": "", "dt": "", "dd": "lang", "ul": "", "li": "lang", "table": "", "caption": "", "thead": "", "tbody": "",
	"tr": "", "th": "scope", "td": "", "strong": "lang", "span": "lang", "a": "href rel",
}

// Ensure texts of an office cannot add elements or attributes: every element is allowed and closed, every link https.
func TestRenderHTML_EscapesAnyOffice(t *testing.T) {
	t.Parallel()
	all := terms(t)
	hostile := []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</title><svg onload=alert(1)>`, `' onclick='x`,
		`javascript:alert(1)`, `https://x.example/"onmouseover="x`, `</style>`, "&lt;script&gt;", "\x00<b>", "\xff\xfe",
	}
	rapid.Check(t, func(t *rapid.T) {
		o := anyOffice.Draw(t, "office")
		hostileText := rapid.SampledFrom(hostile)
		text := func(name string) string { return hostileText.Draw(t, name) }
		o.Name, o.Kind, o.Description = text("name"), text("kind"), text("description")
		o.Links = append(o.Links, &directoryv1.Link{Title: text("title"), Url: text("url")})
		service := &directoryv1.Service{Type: text("type"), Name: text("service"), Url: text("page")}
		o.Services = append(o.Services, service)
		lang := rapid.SampledFrom([]string{"it", "en", `"><b`}).Draw(t, "lang")
		var openElements []string
		tokens := html.NewTokenizer(strings.NewReader(renderHTML(t, o, lang, all)))
		for {
			kind := tokens.Next()
			token := tokens.Token()
			switch kind {
			case html.ErrorToken:
				if !errors.Is(tokens.Err(), io.EOF) || len(openElements) > 0 {
					t.Fatalf("%v, left open: %v", tokens.Err(), openElements)
				}
				return
			case html.StartTagToken:
				if token.Data != "meta" {
					openElements = append(openElements, token.Data)
				}
				for _, a := range token.Attr {
					if !slices.Contains(strings.Fields(allowed[token.Data]), a.Key) ||
						a.Key == "href" && !strings.HasPrefix(a.Val, "https://") {
						t.Fatalf("<%s %s=%q>", token.Data, a.Key, a.Val)
					}
				}
				if _, ok := allowed[token.Data]; !ok {
					t.Fatalf("<%s>", token.Data)
				}
			case html.EndTagToken:
				if len(openElements) == 0 || openElements[len(openElements)-1] != token.Data {
					t.Fatalf("</%s> closes %v", token.Data, openElements)
				}
				openElements = openElements[:len(openElements)-1]
			case html.CommentToken, html.SelfClosingTagToken:
				t.Fatalf("%v", token)
			default: // texts and the doctype
			}
		}
	})
}

// Ensure a page has no control characters, and none that change the direction of text.
func TestRenderHTML_DropsControlCharacters(t *testing.T) {
	t.Parallel()
	o := &directoryv1.Office{OfficeId: "a", Name: "A\x00B\u202eC\u2066D\x1b\nE\xffF\tG"}
	page := renderHTML(t, o, "it", terms(t))
	for _, r := range page {
		if unicode.IsControl(r) && r != '\n' || unicode.Is(unicode.Bidi_Control, r) {
			t.Errorf("%U is on the page", r)
		}
	}
	if !utf8.ValidString(page) || !strings.Contains(page, "<h1>ABCD E\ufffdF G</h1>") {
		t.Errorf("the page loses text: %q", page[strings.Index(page, "<h1>"):])
	}
}

// Ensure links are https, and any other address is text.
func TestRenderHTML_Links(t *testing.T) {
	t.Parallel()
	services := []*directoryv1.Service{{Type: "RECEPTION", Url: "http://servizio.example/"}}
	page := renderHTML(t, &directoryv1.Office{OfficeId: "a", Name: "A", Services: services, Links: []*directoryv1.Link{
		{Title: "Sicura", Url: "https://sicura.example/"}, {Title: "Insicura", Url: "http://insicura.example/"},
		{Url: "https://senza-titolo.example/"},
	}}, "it", terms(t))
	for _, want := range []string{
		`<a href="https://sicura.example/" rel="noreferrer">Sicura</a>`,
		"<span>Insicura http://insicura.example/</span>", "<span>http://servizio.example/</span>",
		`<a href="https://senza-titolo.example/" rel="noreferrer">https://senza-titolo.example/</a>`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not have %s", want)
		}
	}
}

// Ensure the page of a hidden office has a notice, and the page of a public one does not.
func TestRenderHTML_MarksHiddenOffice(t *testing.T) {
	t.Parallel()
	o := &directoryv1.Office{OfficeId: "a", Name: "A"}
	if strings.Contains(renderHTML(t, o, "en", terms(t)), "Hidden:") {
		t.Error("the page of a public office is marked as hidden")
	}
	o.Visibility = directoryv1.Visibility_VISIBILITY_HIDDEN
	if !strings.Contains(renderHTML(t, o, "en", terms(t)), "Hidden:") {
		t.Error("the page of a hidden office is not marked")
	}
}

// Ensure everything that an office gives is on its page.
func TestRenderHTML_ShowsEverything(t *testing.T) {
	t.Parallel()
	page := renderHTML(t, seed(t, "milano-casa-dei-diritti"), "it", terms(t))
	for _, want := range []string{
		`<html lang="it">`, "Casa dei Diritti", "Comune di Milano (c_f205)", "via De Amicis, 10, Milano (MI)",
		"ingresso accessibile", "02 884 41641", "lunedì", "08:30", "WhatsApp", "rainbow.desk@cooplotta.org",
		"contrasto violenza di genere", "Milano (provincia)", "Calendario eventi", "2026-11-23",
		`href="https://www.comune.milano.it/servizi/contrasto-alla-violenza-di-genere"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not have %s", want)
		}
	}
}

// Ensure missing values are left out with their headings.
func TestRenderHTML_OmitsMissingValues(t *testing.T) {
	t.Parallel()
	page := renderHTML(t, &directoryv1.Office{OfficeId: "minimal", Name: "Minimal"}, "en", terms(t))
	for _, unwanted := range []string{"<h2", "<dl", "<ul", "<table", "None", "not given"} {
		if strings.Contains(page, unwanted) {
			t.Errorf("the page has %s:\n%s", unwanted, page)
		}
	}
}

// Ensure blank texts are left out like missing ones, and leave no empty element.
func TestRenderHTML_OmitsBlankTexts(t *testing.T) {
	t.Parallel()
	const blank = " \t\n\u00a0\x00"
	hours := []*directoryv1.Hours{{Weekday: 1, Opens: "09:00", Closes: "12:00"}}
	o := &directoryv1.Office{
		OfficeId: "a", Name: blank, Kind: blank, Description: blank, Body: blank, Source: blank, SourceUrl: blank,
		NetworkRoles: []string{blank, "capofila", blank}, Languages: []string{blank, "it"}, Grounds: []string{blank},
		Phones:    []*directoryv1.Phone{{Number: blank, Label: blank, Hours: hours}, {Number: blank}},
		Emails:    []*directoryv1.Email{{Address: blank}},
		Addresses: []*directoryv1.Address{{Street: blank, Note: blank}},
		Services:  []*directoryv1.Service{{Type: blank, Name: blank, AccessModes: []string{blank}, Url: blank}},
		Links:     []*directoryv1.Link{{Title: blank, Url: blank}, {Title: blank, Url: "https://a.example/"}},
	}
	page := renderHTML(t, o, "en", terms(t))
	_, body, _ := strings.Cut(page, "<body>")
	emptyElement := regexp.MustCompile(`<(p|h[12]|ul|li|dl|dt|dd|span|strong|a|section|caption)\b[^>]*>\s*</`)
	if empty := emptyElement.FindString(body); empty != "" {
		t.Errorf("the page has an empty element %q:\n%s", empty, body)
	}
	for want, n := range map[string]int{
		"<title>": 0, "<h1": 0, "<h2>": 4, "<li": 3, "<dl": 0, "<caption>Answered</caption>": 1, "<p": 0,
		`<li lang="it">capofila</li>`: 1, "<a href": 1, `rel="noreferrer">https://a.example/</a>`: 1,
	} {
		if got := strings.Count(page, want); got != n {
			t.Errorf("the page has %s %d times, want %d", want, got, n)
		}
	}
}

// Ensure the page has one h1, and all other headings are h2.
func TestRenderHTML_Headings(t *testing.T) {
	t.Parallel()
	for _, o := range offices(t) {
		headings := regexp.MustCompile(`<h([1-6])`).FindAllStringSubmatch(renderHTML(t, o, "it", terms(t)), -1)
		for i, h := range headings {
			if (i == 0) != (h[1] == "1") || h[1] > "2" {
				t.Errorf("%s: heading %d is of level %s", o.GetOfficeId(), i, h[1])
			}
		}
	}
}

func TestRenderHTML_RefusesInvalidWeekday(t *testing.T) {
	t.Parallel()
	hours := []*directoryv1.Hours{{Weekday: 9}}
	phones := []*directoryv1.Phone{{Number: "1", Hours: hours}}
	for _, o := range []*directoryv1.Office{{Hours: hours}, {Phones: phones}} {
		if _, err := format.RenderHTML(o, "it", "2026-11-25", terms(t)); err == nil {
			t.Errorf("a ninth day of the week was accepted: %v", o)
		}
	}
}

// Ensure a page has the exceptions from today on, in order, and no past ones.
func TestRenderHTML_Exceptions(t *testing.T) {
	t.Parallel()
	times := []*directoryv1.OpeningTimes{{Opens: "09:00", Closes: "11:00"}, {Opens: "14:00", Closes: "15:00"}}
	page := renderHTML(t, &directoryv1.Office{OfficeId: "a", Name: "A", Exceptions: []*directoryv1.OpeningException{
		{From: "2026-12-24", To: "2027-01-06", Closed: true, Reason: "festività"}, {From: "2026-11-25", Hours: times},
		{From: "2020-01-01", Rrule: "FREQ=MONTHLY;BYDAY=1MO", Closed: true},
		{From: "2026-11-24", Closed: true, Reason: "ieri"},
		{From: "2026-08-01", To: "2026-08-31", Closed: true, Reason: "ferie"},
		{From: "2026-11-20", To: "2026-11-30", Closed: true, Reason: "lavori"},
		{From: "2026-12-08", To: "2026-12-08", Rrule: "FREQ=DAILY", Closed: true},
	}}, "it", terms(t))
	at := 0
	for _, want := range []string{
		"Giorni con altri orari", "dal 2020-01-01 (FREQ=MONTHLY;BYDAY=1MO)", "chiuso",
		"dal 2026-11-20 fino al 2026-11-30", "chiuso", "(lavori)",
		"<strong>2026-11-25</strong>", "09:00–11:00, 14:00–15:00",
		"<strong>2026-12-08 (FREQ=DAILY)</strong>", "chiuso",
		"dal 2026-12-24 fino al 2027-01-06", "chiuso", "(festività)",
	} {
		i := strings.Index(page[at:], want)
		if i < 0 {
			t.Fatalf("the page does not have %q in its place:\n%s", want, page)
		}
		at += i
	}
	if strings.Contains(page, "ieri") || strings.Contains(page, "ferie") {
		t.Errorf("the page has past exceptions:\n%s", page)
	}
}

func TestRenderHTML_UnknownLanguageIsItalian(t *testing.T) {
	t.Parallel()
	o := &directoryv1.Office{OfficeId: "a", Name: "A", Source: "fonte"}
	if got, want := renderHTML(t, o, "fr", terms(t)), renderHTML(t, o, "it", terms(t)); got != want {
		t.Errorf("got:\n%s", got)
	}
}

// Ensure the page has only the dates of the validity that are given.
func TestRenderHTML_Validity(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]*directoryv1.Office{
		"<dd>from 2026-01-01</dd>":                  {Name: "A", ValidFrom: "2026-01-01"},
		"<dd>until 2026-12-31</dd>":                 {Name: "A", ValidTo: "2026-12-31"},
		"<dd>from 2026-01-01 until 2026-12-31</dd>": {Name: "A", ValidFrom: "2026-01-01", ValidTo: "2026-12-31"},
	} {
		if page := renderHTML(t, o, "en", terms(t)); !strings.Contains(page, want) {
			t.Errorf("the page does not have %s", want)
		}
	}
	page := renderHTML(t, &directoryv1.Office{Name: "A", Source: "fonte"}, "en", terms(t))
	if strings.Contains(page, "Validity") {
		t.Error("the page has a validity that is not given")
	}
}

// Ensure a page names the source page, and the labels of telephones and services.
func TestRenderHTML_Contacts(t *testing.T) {
	t.Parallel()
	hours := []*directoryv1.Hours{{Weekday: 1, Opens: "09:00", Closes: "12:00"}}
	page := renderHTML(t, &directoryv1.Office{
		Name: "A", SourceUrl: "https://fonte.example/",
		Phones: []*directoryv1.Phone{
			{Number: "0372 1", Label: "sportello", Whatsapp: true, Hours: hours}, {Number: "0372 2"},
		},
		Services: []*directoryv1.Service{{Type: "RECEPTION"}, {Type: "RECEPTION", Name: "Ascolto"}},
		Addresses: []*directoryv1.Address{
			{Street: "via Roma, 1"}, {Purpose: directoryv1.AddressPurpose_ADDRESS_PURPOSE_POST, Postcode: "26100"},
		},
	}, "en", terms(t))
	for _, want := range []string{
		`<p><a href="https://fonte.example/" rel="noreferrer">https://fonte.example/</a>`,
		`<p lang="it">0372 1 (sportello, WhatsApp)</p>`, "<caption>Answered: 0372 1, sportello</caption>",
		`<p lang="it">0372 2</p>`, "<li><strong>reception</strong>",
		"<li><strong lang=\"it\">Ascolto</strong>\n<span>(reception)</span>",
		"<li>via Roma, 1</li>", "<li>26100 (by post)</li>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not have %s", want)
		}
	}
	if n := strings.Count(page, "<table>"); n != 1 {
		t.Errorf("%d tables of hours", n)
	}
}
