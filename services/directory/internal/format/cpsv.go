package format

import (
	"cmp"
	"fmt"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// EncodeCPSV encodes the services of offices with the European profile for public services, CPSV-AP 3, and its Italian
// one, CPSV-AP_IT 1.1, as one JSON-LD document with an inline context. Each service has the classes of both profiles,
// the body that runs the office has its IPA code, and codes are IRIs of our vocabularies.
//
// It uses only what the published profiles define themselves. Of the Italian one these are the classes PublicService
// and Channel, hasChannel and the IPA code. It does not use the classes for telephones, addresses and costs, which need
// other ontologies, nor the classifications of channels and service states, whose codes differ from ours.
// Municipalities have our IRI, and the European one where there is a NUTS code.
func EncodeCPSV(offices []*directoryv1.Office, terms *Terms) ([]byte, error) {
	c := &cpsvEncoder{terms: terms, graph: []node{}, seen: map[string]bool{}}
	for _, o := range offices {
		if err := c.office(o); err != nil {
			return nil, fmt.Errorf("office %s: %w", o.GetOfficeId(), err)
		}
	}
	return encode(node{"@context": cpsvContext, "@graph": c.graph})
}

var cpsvContext = node{
	"cpsv": "http://purl.org/vocab/cpsv#", "cv": "http://data.europa.eu/m8g/", "dct": "http://purl.org/dc/terms/",
	"adms": "http://www.w3.org/ns/adms#", "skos": nsSKOS, "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
	"time":     "http://www.w3.org/2006/time#",
	"cpsvapit": "https://w3id.org/italia/onto/CPSV/", "cov": "https://w3id.org/italia/onto/COV/",
}

// cpsvEncoder collects the nodes of a document, each once.
type cpsvEncoder struct {
	terms *Terms
	graph []node
	seen  map[string]bool
}

// add adds a node unless the document has it, and returns a reference to it.
func (c *cpsvEncoder) add(n node) node {
	id, _ := n["@id"].(string)
	if !c.seen[id] {
		c.seen[id] = true
		c.graph = append(c.graph, n)
	}
	return ref(id)
}

func (c *cpsvEncoder) office(o *directoryv1.Office) error {
	iri := c.terms.IRI("office", o.GetOfficeId())
	contact, err := c.contact(iri, o)
	if err != nil {
		return err
	}
	authority := c.authority(iri, o)
	for i, s := range o.GetServices() {
		id := schemaOrgEncoder{c.terms, o}.serviceIRI(i)
		n := node{"@id": id, "@type": []string{"cpsv:PublicService", "cpsvapit:PublicService"}, "dct:identifier": id}
		n.put("dct:title", langString("it", cmp.Or(s.GetName(), c.terms.Label("it", listServiceType, s.GetType()))))
		n.put("dct:description", langString("it", o.GetDescription()))
		n.put("dct:type", c.concepts(listServiceType, optional(s.GetType())))
		n.put("adms:status", c.concepts(listState, optional(o.GetState())))
		n.put("cv:hasCompetentAuthority", authority)
		n.put("cv:contactPoint", contact)
		n.put("dct:spatial", c.places(o.GetTerritories()))
		n.put("rdfs:seeAlso", ref(s.GetUrl()))
		channels := mapSlice(s.GetAccessModes(), func(code string) node { return c.channel(iri, code) })
		n.put("cv:hasChannel", channels)
		n.put("cpsvapit:hasChannel", channels)
		c.add(n)
	}
	return nil
}

// authority adds the body that runs an office, or the office itself if the entry names no body.
func (c *cpsvEncoder) authority(iri string, o *directoryv1.Office) node {
	name := o.GetBody()
	switch {
	case o.GetIpaCode() != "":
		iri = c.terms.IRI("body", o.GetIpaCode())
	case name != "":
		iri += "#body"
	default:
		name = o.GetName()
	}
	n := node{"@id": iri, "@type": "cv:PublicOrganisation"}
	n.put("dct:identifier", o.GetIpaCode())
	n.put("cov:IPAcode", o.GetIpaCode())
	n.put("skos:prefLabel", langString("it", name))
	return c.add(n)
}

// contact adds the contact point of an office, or returns nil if there is none. A contact point has one set of hours,
// so the hours of each telephone are added as text.
func (c *cpsvEncoder) contact(iri string, o *directoryv1.Office) (node, error) {
	n := node{"@id": iri + "#contact", "@type": "cv:ContactPoint"}
	n.put("cv:telephone", nonEmpty(mapSlice(o.GetPhones(), (*directoryv1.Phone).GetNumber)))
	n.put("cv:email", nonEmpty(mapSlice(o.GetEmails(), (*directoryv1.Email).GetAddress)))
	var times []node
	counter, err := compactHours(o.GetHours())
	if err != nil {
		return nil, err
	}
	if counter != "" {
		times = append(times, node{"@type": "time:TemporalEntity", "dct:description": langString("en", counter)})
	}
	for _, p := range o.GetPhones() {
		hours, err := compactHours(p.GetHours())
		if err != nil {
			return nil, err
		}
		if hours != "" {
			text := joinNonEmpty(": ", joinNonEmpty(" ", "telephone", p.GetNumber()), hours)
			times = append(times, node{"@type": "time:TemporalEntity", "dct:description": langString("en", text)})
		}
	}
	n.put("cv:openingHours", times)
	if len(n) == 2 {
		return nil, nil
	}
	return c.add(n), nil
}

// channel adds one way to reach the services of an office.
func (c *cpsvEncoder) channel(iri, code string) node {
	id := iri + "#channel-" + c.terms.IRI(code)[len(c.terms.base):]
	n := node{"@id": id, "@type": []string{"cv:Channel", "cpsvapit:Channel"}}
	n["dct:identifier"] = id
	n["dct:description"] = langString("it", c.terms.Label("it", listAccessMode, code))
	n.put("dct:type", c.concepts(listAccessMode, []string{code}))
	return c.add(n)
}

// concepts adds terms of a list.
func (c *cpsvEncoder) concepts(list string, codes []string) []node {
	return mapSlice(codes, func(code string) node {
		return c.add(node{
			"@id": c.terms.IRI(list, code), "@type": "skos:Concept", "skos:notation": code,
			"skos:prefLabel": langString("it", c.terms.Label("it", list, code)),
			"skos:inScheme":  ref(c.terms.IRI(list)),
		})
	})
}

func (c *cpsvEncoder) places(codes []string) []node {
	return mapSlice(codes, func(code string) node {
		n := node{"@id": c.terms.IRI(listTerritory, code), "@type": "dct:Location", "dct:identifier": code,
			"skos:prefLabel": langString("it", c.terms.Label("it", listTerritory, code))}
		if nuts := c.terms.nuts(code); nuts != "" {
			n["skos:exactMatch"] = ref(nutsIRI(nuts))
		}
		return c.add(n)
	})
}

// nonEmpty returns the texts that are not empty.
func nonEmpty(all []string) (texts []string) {
	for _, text := range all {
		if text != "" {
			texts = append(texts, text)
		}
	}
	return texts
}
