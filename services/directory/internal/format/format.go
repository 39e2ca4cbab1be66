// Package format encodes the directory in open formats, and parses those that can be imported: offices as HSDS,
// schema.org, CPSV-AP_IT, CSV and a page to print; vocabularies as SKOS and CSV.
//
//	offices       EncodeHSDS <-> ParseHSDS, EncodeSchemaOrg, EncodeCPSV, EncodeCSV, RenderHTML, RenderPDF
//	initiatives   EncodeEvents
//	courses       EncodeCourses
//	all entries   EncodeEntriesCSV
//	vocabularies  EncodeSKOSTurtle, EncodeSKOSJSONLD, EncodeVocabularyCSV, EncodeCrosswalkCSV
//
// The package is pure: it has no clock, no storage and no transport, and starts no goroutines. The same input gives the
// same bytes, including identifiers. Missing values are left out, never written as empty. Every text is escaped for its
// format. Documents to parse are untrusted: the result is an error, or offices that still have to be validated.
package format

import (
	"fmt"
	"net/url"
	"strings"

	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
)

// Names of the code lists that the formats use.
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

// Terms looks up labels in the code lists, and builds the IRIs of published things.
type Terms struct {
	// NUTS returns the NUTS code of a place by its ISTAT code, or "". It may be nil.
	NUTS func(istat string) string

	base  string
	lists []*vocabularyv1.Vocabulary
	terms map[[2]string]*vocabularyv1.Term
}

// NewTerms returns Terms with IRIs under a base URL, which is http or https and ends in "/". The IRI of a term is base
// + list + "/" + code, that of an office base + "office/" + identifier.
func NewTerms(base string, vocabularies []*vocabularyv1.Vocabulary) (*Terms, error) {
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || !strings.HasSuffix(base, "/") ||
		strings.ContainsAny(base, "<>\"{}|^`\\ ") {
		return nil, fmt.Errorf("base %q: not a web address that ends in /", base)
	}
	t := &Terms{base: base, lists: vocabularies, terms: map[[2]string]*vocabularyv1.Term{}}
	for _, list := range vocabularies {
		for _, term := range list.GetTerms() {
			t.terms[[2]string{list.GetName(), term.GetCode()}] = term
		}
	}
	return t, nil
}

// Label returns the label of a code in Italian or, with "en", in English. An unknown code is its own label.
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

// IRI returns the IRI of a path, whose parts it escapes.
func (t *Terms) IRI(path ...string) string {
	escaped := make([]string, len(path))
	for i, part := range path {
		escaped[i] = url.PathEscape(part)
	}
	return t.base + strings.Join(escaped, "/")
}

// municipality returns the name of a municipality and the abbreviation of its province, from its label such as
// "Cremona (CR)".
func (t *Terms) municipality(code string) (name, abbreviation string) {
	label := t.Label("it", listTerritory, code)
	if label == code {
		return "", ""
	}
	if cut := strings.LastIndex(label, " ("); cut > 0 && strings.HasSuffix(label, ")") && len(label)-cut == 5 {
		return label[:cut], label[cut+2 : len(label)-1]
	}
	return label, ""
}

// nuts returns the NUTS code of a place, or "".
func (t *Terms) nuts(istat string) string {
	if t.NUTS == nil {
		return ""
	}
	return t.NUTS(istat)
}
