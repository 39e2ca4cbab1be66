package format

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"html/template"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

//go:embed office.html.tmpl
var officeHTML string

var officeTemplate = template.Must(template.New("office").Parse(officeHTML))

// RenderHTML returns an HTML page about one office, in Italian or, with "en", in English. It shows everything that the
// entry gives from today (ISO 8601) on, and no placeholders for what it does not give. It has no script and fetches
// nothing.
func RenderHTML(office *directoryv1.Office, lang, today string, terms *Terms) ([]byte, error) {
	if _, ok := pageLabelsByLang[lang]; !ok {
		lang = "it"
	}
	page := &officePage{
		Office: cleanOffice(office), Lang: lang, Labels: pageLabelsByLang[lang], today: today, terms: terms,
	}
	var out bytes.Buffer
	if err := officeTemplate.Execute(&out, page); err != nil {
		return nil, fmt.Errorf("office %s: %w", office.GetOfficeId(), err)
	}
	return out.Bytes(), nil
}

// officePage is the data of the template. Its exported methods are called there.
type officePage struct {
	Office *directoryv1.Office
	Lang   string
	Labels pageLabels
	today  string
	terms  *Terms
}

// OwnLang returns the language of the texts of the office, "it", if it is not the language of the page.
func (p *officePage) OwnLang() string {
	if p.Lang == "it" {
		return ""
	}
	return "it"
}

// Hidden reports whether the page needs a notice that it is confidential. An unknown visibility counts as hidden.
func (p *officePage) Hidden() bool {
	return p.Office.GetVisibility() != directoryv1.Visibility_VISIBILITY_UNSPECIFIED
}

// fact is a value with its name. Lang is the language of the value if it is not the language of the page.
type fact struct{ Name, Value, Lang string }

func nonEmptyFacts(all ...fact) (facts []fact) {
	for _, f := range all {
		if f.Value != "" {
			facts = append(facts, f)
		}
	}
	return facts
}

// Identity returns what the office is, and the body that runs it.
func (p *officePage) Identity() []fact {
	o := p.Office
	return nonEmptyFacts(
		fact{p.Labels.Kind, p.label(listKind, o.GetKind()), ""},
		fact{p.Labels.State, p.label(listState, o.GetState()), ""},
		fact{p.Labels.Body, withNote(o.GetBody(), o.GetIpaCode()), p.OwnLang()},
	)
}

// Access returns how to get in, and what it costs.
func (p *officePage) Access() []fact {
	return nonEmptyFacts(
		fact{p.Labels.Access, p.label(listAccessRule, p.Office.GetAccessRule()), ""},
		fact{p.Labels.Fee, p.label(listFee, p.Office.GetFee()), ""},
	)
}

// Provenance returns how long the entry is valid, and where it comes from.
func (p *officePage) Provenance() []fact {
	o := p.Office
	var validity string
	if o.GetValidFrom() != "" {
		validity = p.Labels.From + " " + o.GetValidFrom()
	}
	if o.GetValidTo() != "" {
		validity = joinNonEmpty(" ", validity, p.Labels.To+" "+o.GetValidTo())
	}
	return nonEmptyFacts(
		fact{p.Labels.Validity, validity, ""}, fact{p.Labels.Source, o.GetSource(), p.OwnLang()},
		fact{p.Labels.Published, o.GetPublishedOn(), ""}, fact{p.Labels.Changed, o.GetChangedOn(), ""},
		fact{p.Labels.Verified, o.GetVerifiedOn(), ""},
	)
}

// list is a section with a list of texts. Lang is their language if it is not the language of the page.
type list struct {
	Title, Lang string
	Items       []string
}

// Codes returns a section with the labels of codes.
func (p *officePage) Codes(title, name string, codes []string) list {
	return list{Title: title, Items: p.labels(name, codes)}
}

// NetworkRoles returns the section of the roles in networks.
func (p *officePage) NetworkRoles() list {
	return list{p.Labels.Roles, p.OwnLang(), nonEmpty(p.Office.GetNetworkRoles())}
}

// Emails returns the section of the e-mail addresses.
func (p *officePage) Emails() list {
	return list{p.Labels.Emails, p.OwnLang(), nonEmpty(mapSlice(p.Office.GetEmails(), emailText))}
}

// Addresses returns the section of the addresses.
func (p *officePage) Addresses() list {
	return list{Title: p.Labels.Address, Items: nonEmpty(mapSlice(p.Office.GetAddresses(), p.address))}
}

func (p *officePage) address(a *directoryv1.Address) string {
	purpose := ""
	switch a.GetPurpose() {
	case directoryv1.AddressPurpose_ADDRESS_PURPOSE_POST:
		purpose = p.Labels.Postal
	case directoryv1.AddressPurpose_ADDRESS_PURPOSE_ACCESSIBLE_ENTRANCE:
		purpose = p.Labels.AccessibleEntrance
	default: // the plain entrance needs no note
	}
	place := joinNonEmpty(" ", a.GetPostcode(), p.label(listTerritory, a.GetMunicipality()))
	return withNote(joinNonEmpty(", ", a.GetStreet(), place), joinNonEmpty("; ", purpose, a.GetNote()))
}

// serviceItem is a service with its type, how to reach it, and its page.
type serviceItem struct {
	Name, Kind, AccessModes string
	Link                    link
}

// Services returns the services of the office.
func (p *officePage) Services() []serviceItem {
	return mapNonZero(p.Office.GetServices(), func(s *directoryv1.Service) serviceItem {
		return serviceItem{
			Name: s.GetName(), Kind: p.label(listServiceType, s.GetType()),
			AccessModes: joinNonEmpty(", ", p.labels(listAccessMode, s.GetAccessModes())...),
			Link:        newLink(s.GetUrl(), s.GetUrl()),
		}
	})
}

// link is a link, or only a text if it has no URL.
type link struct{ Text, URL string }

// newLink returns a link. An address that is not https, which no valid entry has, becomes text.
func newLink(title, url string) link {
	if isHTTPS(url) {
		return link{Text: cmp.Or(title, url), URL: url}
	}
	if title == url {
		url = ""
	}
	return link{Text: joinNonEmpty(" ", title, url)}
}

// Links returns the pages of the office.
func (p *officePage) Links() []link {
	return mapNonZero(p.Office.GetLinks(), func(l *directoryv1.Link) link {
		return newLink(l.GetTitle(), l.GetUrl())
	})
}

// SourceLink returns the page that the entry was taken from, or nil.
func (p *officePage) SourceLink() *link {
	if p.Office.GetSourceUrl() == "" {
		return nil
	}
	source := newLink(p.Office.GetSourceUrl(), p.Office.GetSourceUrl())
	return &source
}

func (p *officePage) label(name, code string) string {
	return cleanText(p.terms.Label(p.Lang, name, code))
}

func (p *officePage) labels(name string, codes []string) []string {
	return nonEmpty(mapSlice(codes, func(code string) string { return p.label(name, code) }))
}
