// Package format turns what the directory serves into open formats, and back where a format can be read: offices into HSDS,
// schema.org, CPSV-AP_IT, CSV and a page to print; vocabularies into SKOS and CSV.
//
//	offices       EncodeHSDS <-> ParseHSDS, EncodeSchemaOrg, EncodeCPSV, EncodeCSV, RenderHTML, RenderPDF
//	initiatives   EncodeEvents
//	courses       EncodeCourses
//	all entries   EncodeEntriesCSV
//	vocabularies  EncodeSKOSTurtle, EncodeSKOSJSONLD, EncodeVocabularyCSV, EncodeCrosswalkCSV
//
// It is pure: messages of the contract in, bytes out; no clock, no storage, no transport. The same input gives the same bytes,
// identifiers included. What an entry does not give is left out, never written as none. Every text is escaped for the format
// that it goes to. What is read is taken as hostile: it gives an error, or offices that still have to be checked.
package format

import (
	"fmt"
	"net/url"
	"strings"

	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
)

// Names of the lists that the formats know by name.
const (
	listKind          = "office_kind"
	listState         = "office_state"
	listAccessRule    = "access_rule"
	listFee           = "fee"
	listRecipient     = "recipient"
	listServiceType   = "service_type"
	listAccessMode    = "access_mode"
	listGround        = "ground"
	listODIHR         = "odihr_bias"
	listAccessibility = "accessibility"
	listTerritory     = "territory"
	listLanguage      = "language"
)

// Terms is the vocabularies, ready to be looked up, and the address that everything published is named under.
type Terms struct {
	// NUTS returns the NUTS code of a place by its ISTAT code, or nothing. It may be nil.
	NUTS func(istat string) string

	base  string
	lists []*vocabularyv1.Vocabulary
	terms map[[2]string]*vocabularyv1.Term
}

// NewTerms returns the vocabularies under a base, an http or https address that ends in "/". A term is named
// base + list + "/" + code, an office base + "office/" + identifier.
func NewTerms(base string, vocabularies []*vocabularyv1.Vocabulary) (*Terms, error) {
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || !strings.HasSuffix(base, "/") ||
		strings.ContainsAny(base, "<>\"{}|^`\\ ") {
		return nil, fmt.Errorf("base %q is no web address that ends in /", base)
	}
	t := &Terms{base: base, lists: vocabularies, terms: map[[2]string]*vocabularyv1.Term{}}
	for _, list := range vocabularies {
		for _, term := range list.GetTerms() {
			t.terms[[2]string{list.GetName(), term.GetCode()}] = term
		}
	}
	return t, nil
}

// Label returns what people call a code in a language, Italian or English. A code that is in no list is its own label.
func (t *Terms) Label(lang, list, code string) string {
	term := t.terms[[2]string{list, code}]
	label := term.GetLabelIt()
	if lang == "en" {
		label = term.GetLabelEn()
	}
	if label == "" {
		return code
	}
	return label
}

// Labels returns the labels of codes.
func (t *Terms) Labels(lang, list string, codes []string) []string {
	labels := make([]string, len(codes))
	for i, code := range codes {
		labels[i] = t.Label(lang, list, code)
	}
	return labels
}

// IRI returns the name of a thing from the parts of its path, each escaped.
func (t *Terms) IRI(path ...string) string {
	escaped := make([]string, len(path))
	for i, part := range path {
		escaped[i] = url.PathEscape(part)
	}
	return t.base + strings.Join(escaped, "/")
}

// municipality returns the name and the sign of the province of a municipality, from its label: "Cremona (CR)".
func (t *Terms) municipality(code string) (name, sign string) {
	label := t.Label("it", listTerritory, code)
	if label == code {
		return "", ""
	}
	if cut := strings.LastIndex(label, " ("); cut > 0 && strings.HasSuffix(label, ")") && len(label)-cut == 5 {
		return label[:cut], label[cut+2 : len(label)-1]
	}
	return label, ""
}

// nuts returns the NUTS code of a place, or nothing.
func (t *Terms) nuts(istat string) string {
	if t.NUTS == nil {
		return ""
	}
	return t.NUTS(istat)
}
