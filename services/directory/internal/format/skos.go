package format

import (
	"strings"

	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
)

// Namespaces of SKOS documents. The validity of a term uses EUVOC, the vocabulary of the EU Publications Office.
const (
	nsSKOS  = "http://www.w3.org/2004/02/skos/core#"
	nsOWL   = "http://www.w3.org/2002/07/owl#"
	nsEUVOC = "http://publications.europa.eu/ontology/euvoc#"
	nsXSD   = "http://www.w3.org/2001/XMLSchema#"
)

// scheme is a code list as a SKOS concept scheme. Turtle and JSON-LD are encoded from it.
type scheme struct {
	iri              string
	labelIT, labelEN string
	version          int
	concepts         []concept
}

// concept is a term as a SKOS concept. Each match is a SKOS property and an IRI. A concept without a broader one is a
// top concept of its scheme.
type concept struct {
	iri, notation    string
	labelIT, labelEN string
	broader          string
	from, to         string
	matches          [][2]string
}

// schemes returns the lists as concept schemes, in the order of NewTerms.
func (t *Terms) schemes() ([]scheme, error) {
	mappings, err := crosswalk()
	if err != nil {
		return nil, err
	}
	schemes := make([]scheme, len(t.lists))
	for i, list := range t.lists {
		s := scheme{
			iri: t.IRI(list.GetName()), labelIT: list.GetTitleIt(), labelEN: list.GetTitleEn(),
			version: int(list.GetVersion()),
		}
		for _, term := range list.GetTerms() {
			c := concept{
				iri: t.IRI(list.GetName(), term.GetCode()), notation: term.GetCode(),
				labelIT: term.GetLabelIt(), labelEN: term.GetLabelEn(),
				broader: t.group(list, term.GetGroup()), from: term.GetValidFrom(), to: term.GetValidTo(),
			}
			for _, m := range mappings {
				if list.GetName() == listGround && m.ground == term.GetCode() && m.match != "" {
					c.matches = append(c.matches, [2]string{m.match, t.IRI(listODIHR, m.odihr)})
				}
			}
			s.concepts = append(s.concepts, c)
		}
		schemes[i] = s
	}
	return schemes, nil
}

// group returns the IRI of a group, or "" if no list has it. The contract does not define which list has the groups of
// a list: it is the list itself, the one with the suffix _group, or the only list of groups that has the code. The
// groups of provinces are regions, which are in a list of their own.
func (t *Terms) group(list *vocabularyv1.Vocabulary, code string) string {
	candidates := []string{list.GetName(), list.GetName() + "_group", "region"}
	for _, other := range t.lists {
		if strings.HasSuffix(other.GetName(), "_group") {
			candidates = append(candidates, other.GetName())
		}
	}
	for _, name := range candidates {
		if _, ok := t.terms[[2]string{name, code}]; ok && (name != "region" || list.GetName() == listTerritory) {
			return t.IRI(name, code)
		}
	}
	return ""
}
