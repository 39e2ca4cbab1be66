package format_test

import (
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"pgregory.net/rapid"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/format"
)

func printed(t rapid.TB, o *directoryv1.Office, lang string, terms *format.Terms) string {
	raw, err := format.RenderHTML(o, lang, "2026-11-25", terms)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestPrintable_of_the_seeds(t *testing.T) {
	t.Parallel()
	for _, id := range seeds {
		golden(t, id+".it.html", []byte(printed(t, seed(t, id), "it", terms(t))))
	}
	golden(t, seeds[0]+".en.html", []byte(printed(t, seed(t, seeds[0]), "en", terms(t))))
}

// allowed are the elements of a page, and the attributes that each may have.
var allowed = map[string]string{
	"html": "lang", "head": "", "meta": "charset name content http-equiv", "title": "", "style": "", "body": "", "main": "", "header": "",
	"footer": "", "section": "", "h1": "lang", "h2": "", "p": "lang", "dl": "", "dt": "", "dd": "lang", "ul": "", "li": "lang",
	"table": "", "caption": "", "thead": "", "tbody": "", "tr": "", "th": "scope", "td": "", "strong": "lang", "span": "lang", "a": "href rel",
}

// Ensure whatever an office says stays text: no element and no attribute but ours, every link https, every element closed.
func TestPrintable_escapes_any_office(t *testing.T) {
	t.Parallel()
	all := terms(t)
	hostile := []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</title><svg onload=alert(1)>`, `' onclick='x`, `javascript:alert(1)`,
		`https://x.example/"onmouseover="x`, `</style>`, "&lt;script&gt;", "\x00<b>", "\xff\xfe",
	}
	rapid.Check(t, func(t *rapid.T) {
		o := anyOffice.Draw(t, "office")
		evil := rapid.SampledFrom(hostile)
		o.Name, o.Kind, o.Description = evil.Draw(t, "name"), evil.Draw(t, "kind"), evil.Draw(t, "description")
		o.Links = append(o.Links, &directoryv1.Link{Title: evil.Draw(t, "title"), Url: evil.Draw(t, "url")})
		o.Services = append(o.Services, &directoryv1.Service{Type: evil.Draw(t, "type"), Name: evil.Draw(t, "service"), Url: evil.Draw(t, "page")})
		var open []string
		tokens := html.NewTokenizer(strings.NewReader(printed(t, o, rapid.SampledFrom([]string{"it", "en", `"><b`}).Draw(t, "lang"), all)))
		for {
			kind := tokens.Next()
			token := tokens.Token()
			switch kind {
			case html.ErrorToken:
				if !errors.Is(tokens.Err(), io.EOF) || len(open) > 0 {
					t.Fatalf("%v, left open: %v", tokens.Err(), open)
				}
				return
			case html.StartTagToken:
				if token.Data != "meta" {
					open = append(open, token.Data)
				}
				for _, a := range token.Attr {
					if !strings.Contains(" "+allowed[token.Data]+" ", " "+a.Key+" ") || a.Key == "href" && !strings.HasPrefix(a.Val, "https://") {
						t.Fatalf("<%s %s=%q>", token.Data, a.Key, a.Val)
					}
				}
				if _, ok := allowed[token.Data]; !ok {
					t.Fatalf("<%s>", token.Data)
				}
			case html.EndTagToken:
				if len(open) == 0 || open[len(open)-1] != token.Data {
					t.Fatalf("</%s> closes %v", token.Data, open)
				}
				open = open[:len(open)-1]
			case html.CommentToken, html.SelfClosingTagToken:
				t.Fatalf("%v", token)
			default: // texts, and the type of the document
			}
		}
	})
}

// Ensure everything that an office gives is on its page.
func TestPrintable_says_everything(t *testing.T) {
	t.Parallel()
	page := printed(t, seed(t, "milano-casa-dei-diritti"), "it", terms(t))
	for _, want := range []string{
		`<html lang="it">`, "Casa dei Diritti", "Comune di Milano (c_f205)", "via De Amicis, 10, Milano (MI)", "ingresso accessibile",
		"02 884 41641", "lunedì", "08:30", "WhatsApp", "rainbow.desk@cooplotta.org", "contrasto violenza di genere", "Milano (provincia)",
		`href="https://www.comune.milano.it/servizi/contrasto-alla-violenza-di-genere"`, "Calendario eventi", "2026-11-23",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("it does not say %s", want)
		}
	}
}

// Ensure what is not given is left out, its heading too, rather than shown as none.
func TestPrintable_leaves_out_what_is_not_given(t *testing.T) {
	t.Parallel()
	page := printed(t, &directoryv1.Office{OfficeId: "bare", Name: "Bare"}, "en", terms(t))
	for _, none := range []string{"<h2", "<dl", "<ul", "<table", "None", "not given"} {
		if strings.Contains(page, none) {
			t.Errorf("it holds %s:\n%s", none, page)
		}
	}
}

// Ensure headings go down one by one and the page has one title.
func TestPrintable_has_an_outline(t *testing.T) {
	t.Parallel()
	for _, o := range offices(t) {
		headings := regexp.MustCompile(`<h([1-6])`).FindAllStringSubmatch(printed(t, o, "it", terms(t)), -1)
		for i, h := range headings {
			if (i == 0) != (h[1] == "1") || h[1] > "2" {
				t.Errorf("%s: heading %d is of level %s", o.GetOfficeId(), i, h[1])
			}
		}
	}
}

func TestPrintable_refuses_a_day_that_is_none(t *testing.T) {
	t.Parallel()
	if _, err := format.RenderHTML(&directoryv1.Office{Hours: []*directoryv1.Hours{{Weekday: 9}}}, "it", "2026-11-25", terms(t)); err == nil {
		t.Error("it printed a ninth day")
	}
}

// Ensure a page says what holds instead of the usual hours from today on, in the order of days, and nothing that is over.
func TestPrintable_says_which_days_are_different(t *testing.T) {
	t.Parallel()
	times := []*directoryv1.OpeningTimes{{Opens: "09:00", Closes: "11:00"}, {Opens: "14:00", Closes: "15:00"}}
	page := printed(t, &directoryv1.Office{OfficeId: "a", Name: "A", Exceptions: []*directoryv1.OpeningException{
		{From: "2026-12-24", To: "2027-01-06", Closed: true, Reason: "festività"}, {From: "2026-11-25", Hours: times},
		{From: "2020-01-01", Rrule: "FREQ=MONTHLY;BYDAY=1MO", Closed: true},
		{From: "2026-11-24", Closed: true, Reason: "ieri"}, {From: "2026-08-01", To: "2026-08-31", Closed: true, Reason: "ferie"},
	}}, "it", terms(t))
	at := 0
	for _, want := range []string{
		"Giorni con altri orari", "dal 2020-01-01 (FREQ=MONTHLY;BYDAY=1MO)", "chiuso", "2026-11-25", "09:00–11:00, 14:00–15:00",
		"dal 2026-12-24 fino al 2027-01-06", "chiuso", "(festività)",
	} {
		i := strings.Index(page[at:], want)
		if i < 0 {
			t.Fatalf("the page does not say %q in its place:\n%s", want, page)
		}
		at += i
	}
	if strings.Contains(page, "ieri") || strings.Contains(page, "ferie") {
		t.Errorf("the page says what is over:\n%s", page)
	}
}
