package format

import "strconv"

// EncodeSKOSJSONLD encodes the same as EncodeSKOSTurtle as JSON-LD with an inline context.
func EncodeSKOSJSONLD(terms *Terms) ([]byte, error) {
	schemes, err := terms.schemes()
	if err != nil {
		return nil, err
	}
	var graph []node
	for _, s := range schemes {
		n := node{"@id": s.iri, "@type": "skos:ConceptScheme", "owl:versionInfo": strconv.Itoa(s.version)}
		n.put("skos:prefLabel", bilingual(s.labelIT, s.labelEN))
		graph = append(graph, n)
		for _, c := range s.concepts {
			graph = append(graph, s.node(c))
		}
	}
	return encode(node{
		"@context": node{"skos": nsSKOS, "owl": nsOWL, "euvoc": nsEUVOC, "xsd": nsXSD},
		"@graph":   graph,
	})
}

func (s scheme) node(c concept) node {
	n := node{"@id": c.iri, "@type": "skos:Concept", "skos:inScheme": ref(s.iri), "skos:notation": c.notation}
	n.put("skos:prefLabel", bilingual(c.labelIT, c.labelEN))
	if c.broader == "" {
		n["skos:topConceptOf"] = ref(s.iri)
	}
	n.put("skos:broader", ref(c.broader))
	n.put("euvoc:startDate", typedValue("xsd:date", c.from))
	n.put("euvoc:endDate", typedValue("xsd:date", c.to))
	for _, m := range c.matches {
		n["skos:"+m[0]] = ref(m[1])
	}
	return n
}
