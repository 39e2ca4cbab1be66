package format

import (
	"bytes"
	"fmt"
	"strings"
)

// EncodeSKOSTurtle encodes the code lists as SKOS in Turtle: a scheme for each list, a concept for each term, and the
// crosswalk from grounds to the categories of ODIHR.
func EncodeSKOSTurtle(terms *Terms) ([]byte, error) {
	schemes, err := terms.schemes()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for _, p := range [][2]string{{"skos", nsSKOS}, {"owl", nsOWL}, {"euvoc", nsEUVOC}, {"xsd", nsXSD}} {
		fmt.Fprintf(&out, "@prefix %s: <%s> .\n", p[0], p[1])
	}
	for _, s := range schemes {
		subject(&out, s.iri, append([]string{"a skos:ConceptScheme"}, append(prefLabels(s.labelIT, s.labelEN),
			fmt.Sprintf(`owl:versionInfo "%d"`, s.version))...))
		for _, c := range s.concepts {
			subject(&out, c.iri, s.predicates(c))
		}
	}
	return out.Bytes(), nil
}

func (s scheme) predicates(c concept) []string {
	all := append([]string{"a skos:Concept", "skos:inScheme " + iriRef(s.iri), "skos:notation " + literal(c.notation)},
		prefLabels(c.labelIT, c.labelEN)...)
	if c.broader == "" {
		all = append(all, "skos:topConceptOf "+iriRef(s.iri))
	}
	if c.broader != "" {
		all = append(all, "skos:broader "+iriRef(c.broader))
	}
	if c.from != "" {
		all = append(all, "euvoc:startDate "+literal(c.from)+"^^xsd:date")
	}
	if c.to != "" {
		all = append(all, "euvoc:endDate "+literal(c.to)+"^^xsd:date")
	}
	for _, m := range c.matches {
		all = append(all, "skos:"+m[0]+" "+iriRef(m[1]))
	}
	return all
}

func prefLabels(it, en string) []string {
	var all []string
	if it != "" {
		all = append(all, "skos:prefLabel "+literal(it)+"@it")
	}
	if en != "" {
		all = append(all, "skos:prefLabel "+literal(en)+"@en")
	}
	return all
}

func subject(out *bytes.Buffer, iri string, predicates []string) {
	fmt.Fprintf(out, "\n%s %s .\n", iriRef(iri), strings.Join(predicates, " ;\n  "))
}

// iriRef returns a Turtle reference to an IRI from Terms.IRI, which needs no more escapes.
func iriRef(iri string) string { return "<" + iri + ">" }

// literal returns a quoted Turtle literal.
func literal(text string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			out.WriteByte('\\')
			out.WriteRune(r)
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\r':
			out.WriteString(`\r`)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&out, `\u%04X`, r)
		default:
			out.WriteRune(r)
		}
	}
	out.WriteByte('"')
	return out.String()
}
