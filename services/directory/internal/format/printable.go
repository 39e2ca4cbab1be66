package format

import (
	"fmt"
	"slices"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// printCSS lays a page out for a sheet of A4. It uses no colour to say something, and no font that has to be fetched.
const printCSS = `@page{size:A4;margin:18mm}body{font:11pt/1.45 sans-serif;color:#000;background:#fff;max-width:44rem;margin:auto;padding:1rem}` +
	`h1{font-size:20pt;line-height:1.2}h2{font-size:13pt;border-bottom:1pt solid #000;margin-bottom:.4em}` +
	`h2,h3{break-after:avoid}section,tr,li{break-inside:avoid}dt{font-weight:bold}dd{margin:0 0 .3em 0}` +
	`table{border-collapse:collapse}caption{text-align:left;font-weight:bold}th,td{text-align:left;padding:.15em 1em .15em 0;border-bottom:1pt solid #777}` +
	`a{color:#000}@media print{body{max-width:none;padding:0}a[href^=https]::after{content:" (" attr(href) ")";font-size:9pt;overflow-wrap:anywhere}}`

// RenderHTML returns a page in HTML about one office, to be read on a screen, aloud or on paper, in Italian or, with "en", in
// English. It says everything that the entry gives from today on (ISO 8601), and nothing of what it does not. It holds no script
// and fetches nothing.
// What the office itself wrote stays in Italian, and is marked so on an English page.
func RenderHTML(office *directoryv1.Office, lang, today string, terms *Terms) ([]byte, error) {
	if _, ok := pageWords[lang]; !ok {
		lang = "it"
	}
	s := &sheet{office: office, lang: lang, today: today, terms: terms, words: pageWords[lang]}
	s.out.WriteString("<!DOCTYPE html>\n")
	s.element("html", []attribute{{"lang", lang}}, func() {
		s.element("head", nil, func() {
			s.void("meta", attribute{"charset", "utf-8"})
			s.void("meta", attribute{"name", "viewport"}, attribute{"content", "width=device-width, initial-scale=1"})
			s.void("meta", attribute{"http-equiv", "Content-Security-Policy"}, attribute{"content", "default-src 'none'; style-src 'unsafe-inline'"})
			s.text("title", office.GetName())
			s.out.WriteString("<style>" + printCSS + "</style>\n")
		})
		s.element("body", nil, func() { s.element("main", nil, s.body) })
	})
	if s.err != nil {
		return nil, fmt.Errorf("office %s: %w", office.GetOfficeId(), s.err)
	}
	return s.out.Bytes(), nil
}

// sheet is the page of an office.
type sheet struct {
	page
	office *directoryv1.Office
	lang   string
	today  string
	terms  *Terms
	words  words
	err    error
}

// own marks what the office wrote itself, which is in Italian.
func (s *sheet) own() []attribute {
	if s.lang == "it" {
		return nil
	}
	return []attribute{{"lang", "it"}}
}

// section writes a heading and what belongs to it.
func (s *sheet) section(title string, given bool, inside func()) {
	if !given {
		return
	}
	s.element("section", nil, func() {
		s.text("h2", title)
		inside()
	})
}

// fact is something under a name; own marks what the office wrote itself.
type fact struct {
	name, value string
	own         []attribute
}

// facts writes what is given under its names; what is not given is left out.
func (s *sheet) facts(all ...fact) {
	all = slices.DeleteFunc(all, func(f fact) bool { return f.value == "" })
	if len(all) == 0 {
		return
	}
	s.element("dl", nil, func() {
		for _, f := range all {
			s.text("dt", f.name)
			s.text("dd", f.value, f.own...)
		}
	})
}

func (s *sheet) label(list, code string) string {
	if code == "" {
		return ""
	}
	return s.terms.Label(s.lang, list, code)
}

func (s *sheet) body() {
	o, w := s.office, s.words
	s.element("header", nil, func() {
		s.text("h1", o.GetName(), s.own()...)
		if o.GetVisibility() != directoryv1.Visibility_VISIBILITY_UNSPECIFIED {
			s.text("p", w.hidden)
		}
		s.text("p", o.GetDescription(), s.own()...)
		s.facts(
			fact{w.kind, s.label(listKind, o.GetKind()), nil}, fact{w.state, s.label(listState, o.GetState()), nil},
			fact{w.body, noted(o.GetBody(), o.GetIpaCode()), s.own()},
		)
	})
	s.section(w.hours, len(o.GetHours()) > 0, func() { s.table(w.hours, o.GetHours()) })
	s.exceptions()
	s.section(w.how, o.GetAccessRule()+o.GetFee() != "", func() {
		s.facts(fact{w.access, s.label(listAccessRule, o.GetAccessRule()), nil}, fact{w.fee, s.label(listFee, o.GetFee()), nil})
	})
	s.section(w.phones, len(o.GetPhones()) > 0, s.phones)
	s.section(w.emails, len(o.GetEmails()) > 0, func() { s.items(every(o.GetEmails(), emailText), s.own()...) })
	s.section(w.address, len(o.GetAddresses()) > 0, func() { s.items(every(o.GetAddresses(), s.address)) })
	s.codes(w.accessibility, listAccessibility, o.GetAccessibility())
	s.codes(w.languages, listLanguage, o.GetLanguages())
	s.codes(w.recipients, listRecipient, o.GetRecipients())
	s.codes(w.grounds, listGround, o.GetGrounds())
	s.section(w.services, len(o.GetServices()) > 0, s.services)
	s.codes(w.territories, listTerritory, o.GetTerritories())
	s.section(w.roles, len(o.GetNetworkRoles()) > 0, func() {
		s.items(o.GetNetworkRoles(), s.own()...)
	})
	s.section(w.links, len(o.GetLinks()) > 0, s.links)
	s.element("footer", nil, s.footer)
}

func (s *sheet) codes(title, list string, codes []string) {
	s.section(title, len(codes) > 0, func() { s.items(s.terms.Labels(s.lang, list, codes)) })
}

// table writes openings, one a row: those who hear the page hear the day with each.
func (s *sheet) table(caption string, hours []*directoryv1.Hours) {
	w := s.words
	s.element("table", nil, func() {
		s.text("caption", caption)
		s.element("thead", nil, func() {
			s.element("tr", nil, func() {
				for _, head := range []string{w.day, w.opens, w.closes} {
					s.text("th", head, attribute{"scope", "col"})
				}
			})
		})
		s.element("tbody", nil, func() {
			for _, h := range hours {
				day, err := dayOf(w.days, h)
				if err != nil {
					s.err = err
					return
				}
				s.element("tr", nil, func() {
					s.text("th", day, attribute{"scope", "row"})
					s.text("td", h.GetOpens())
					s.text("td", h.GetCloses())
				})
			}
		})
	})
}

func (s *sheet) footer() {
	o, w := s.office, s.words
	var validity string
	if o.GetValidFrom() != "" {
		validity = w.from + " " + o.GetValidFrom()
	}
	if o.GetValidTo() != "" {
		validity = filled(" ", validity, w.to+" "+o.GetValidTo())
	}
	s.facts(
		fact{w.validity, validity, nil}, fact{w.source, o.GetSource(), s.own()},
		fact{w.published, o.GetPublishedOn(), nil}, fact{w.changed, o.GetChangedOn(), nil}, fact{w.verified, o.GetVerifiedOn(), nil},
	)
	if o.GetSourceUrl() != "" {
		s.element("p", nil, func() { s.link(o.GetSourceUrl(), o.GetSourceUrl()) })
	}
}
