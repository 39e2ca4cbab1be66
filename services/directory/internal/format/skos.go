package format

import (
	"slices"
	"strings"

	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
)

// Name spaces of SKOS documents. The days of a term are those of the vocabularies of the Publications Office of the EU.
const (
	nsSKOS  = "http://www.w3.org/2004/02/skos/core#"
	nsOWL   = "http://www.w3.org/2002/07/owl#"
	nsEUVOC = "http://publications.europa.eu/ontology/euvoc#"
	nsXSD   = "http://www.w3.org/2001/XMLSchema#"
)

// scheme is a list as SKOS has it; both syntaxes are written from it.
type scheme struct {
	iri              string
	labelIT, labelEN string
	version          int
	concepts         []concept
}

// concept is a term as SKOS has it. Each match is a property of SKOS and the name of a thing. A concept without a broader one
// is at the top of its scheme.
type concept struct {
	iri, notation    string
	labelIT, labelEN string
	broader          string
	from, to         string
	matches          [][2]string
}

// schemes returns the lists as SKOS has them, in the order in which they were given.
func (t *Terms) schemes() ([]scheme, error) {
	mappings, err := crosswalk()
	if err != nil {
		return nil, err
	}
	schemes := make([]scheme, len(t.lists))
	for i, list := range t.lists {
		s := scheme{iri: t.IRI(list.GetName()), labelIT: list.GetTitleIt(), labelEN: list.GetTitleEn(), version: int(list.GetVersion())}
		for _, term := range list.GetTerms() {
			c := concept{
				iri: t.IRI(list.GetName(), term.GetCode()), notation: term.GetCode(), labelIT: term.GetLabelIt(), labelEN: term.GetLabelEn(),
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

// group returns the name of a group, or nothing where no list holds it. The contract does not say which list the groups of a
// list come from: it is the list itself, or the one of that name with _group, or the only list of groups that has the code. A
// province counts in its region, which is in a list of regions.
func (t *Terms) group(list *vocabularyv1.Vocabulary, code string) string {
	if code == "" {
		return ""
	}
	candidates := []string{list.GetName(), list.GetName() + "_group", "region"}
	for _, other := range t.lists {
		if strings.HasSuffix(other.GetName(), "_group") && !slices.Contains(candidates, other.GetName()) {
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
