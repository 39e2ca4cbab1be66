package format

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

const nsSchema = "https://schema.org/"

// EncodeSchemaOrg encodes offices with schema.org as one JSON-LD document with an inline context: an office is a
// GovernmentOffice with GovernmentServices. It omits what schema.org has no property for: the state of an office, its
// role in the network, validity and verification of the entry.
func EncodeSchemaOrg(offices []*directoryv1.Office, terms *Terms) ([]byte, error) {
	graph := []node{}
	for _, o := range offices {
		s := schemaOrgEncoder{terms, o}
		office, err := s.node()
		if err != nil {
			return nil, fmt.Errorf("office %s: %w", o.GetOfficeId(), err)
		}
		graph = append(graph, office)
		for i, service := range o.GetServices() {
			graph = append(graph, s.service(i, service))
		}
	}
	iri := node{"@type": "@id"}
	return encode(node{
		"@context": node{"@vocab": nsSchema, "dayOfWeek": iri, "url": iri, "sameAs": iri},
		"@graph":   graph,
	})
}

// schemaOrgEncoder encodes one office.
type schemaOrgEncoder struct {
	terms  *Terms
	office *directoryv1.Office
}

func (s schemaOrgEncoder) iri() string { return s.terms.IRI("office", s.office.GetOfficeId()) }

func (s schemaOrgEncoder) node() (node, error) {
	o := s.office
	n := node{"@id": s.iri(), "@type": "GovernmentOffice", "identifier": o.GetOfficeId()}
	n.put("name", o.GetName())
	n.put("description", o.GetDescription())
	n.put("parentOrganization", s.body())
	n.put("address", mapSlice(o.GetAddresses(), s.address))
	n.put("areaServed", mapSlice(o.GetTerritories(), s.area))
	n.put("amenityFeature", mapSlice(o.GetAccessibility(), func(code string) node {
		return node{"@type": "LocationFeatureSpecification", "propertyID": s.terms.IRI(listAccessibility, code),
			"name": s.terms.Label("it", listAccessibility, code), "value": true}
	}))
	if len(o.GetLinks()) > 0 {
		n.put("url", o.GetLinks()[0].GetUrl())
		n.put("sameAs", mapSlice(o.GetLinks()[1:], (*directoryv1.Link).GetUrl))
	}
	if o.GetFee() == "FREE" {
		n["isAccessibleForFree"] = true
	}
	hours, err := openingSpecifications(o.GetHours())
	if err != nil {
		return nil, err
	}
	n.put("openingHoursSpecification", hours)
	contacts, err := s.contacts()
	if err != nil {
		return nil, err
	}
	n.put("contactPoint", contacts)
	return n, nil
}

func (s schemaOrgEncoder) body() node {
	if s.office.GetBody() == "" && s.office.GetIpaCode() == "" {
		return nil
	}
	n := node{"@type": "GovernmentOrganization"}
	n.put("name", s.office.GetBody())
	n.put("identifier", propertyValue("IPA", s.office.GetIpaCode()))
	return n
}

// propertyValue returns an identifier of a scheme, or nil if it is empty.
func propertyValue(scheme, value string) node {
	if value == "" {
		return nil
	}
	return node{"@type": "PropertyValue", "propertyID": scheme, "value": value}
}

func (s schemaOrgEncoder) address(a *directoryv1.Address) node {
	city, province := s.terms.municipality(a.GetMunicipality())
	n := node{"@type": "PostalAddress", "addressCountry": country}
	n.put("streetAddress", a.GetStreet())
	n.put("postalCode", a.GetPostcode())
	n.put("addressLocality", city)
	n.put("addressRegion", province)
	n.put("description", joinNonEmpty(": ", s.purpose(a), a.GetNote()))
	n.put("identifier", propertyValue("ISTAT", a.GetMunicipality()))
	return n
}

// purpose returns in Italian what an address is for, or "" for the plain entrance.
func (s schemaOrgEncoder) purpose(a *directoryv1.Address) string {
	switch a.GetPurpose() {
	case directoryv1.AddressPurpose_ADDRESS_PURPOSE_POST:
		return "posta"
	case directoryv1.AddressPurpose_ADDRESS_PURPOSE_ACCESSIBLE_ENTRANCE:
		return "ingresso accessibile"
	default:
		return ""
	}
}

// area returns a place that an office serves, with its ISTAT code and, if it has one, its NUTS code.
func (s schemaOrgEncoder) area(code string) node {
	n := node{
		"@id": s.terms.IRI(listTerritory, code), "@type": "AdministrativeArea",
		"name": s.terms.Label("it", listTerritory, code),
	}
	var identifiers []node
	if _, err := strconv.Atoi(code); err == nil {
		identifiers = append(identifiers, propertyValue("ISTAT", code))
	}
	if nuts := s.terms.nuts(code); nuts != "" {
		identifiers = append(identifiers, propertyValue("NUTS", nuts))
		n["sameAs"] = nutsIRI(nuts)
	}
	n.put("identifier", identifiers)
	return n
}

// nutsIRI returns the IRI of a NUTS region.
func nutsIRI(nuts string) string { return "http://data.europa.eu/nuts/code/" + nuts }

func (s schemaOrgEncoder) contacts() ([]node, error) {
	var all []node
	for _, p := range s.office.GetPhones() {
		n := node{"@type": "ContactPoint"}
		n.put("telephone", p.GetNumber())
		n.put("contactType", joinNonEmpty(", ", p.GetLabel(), map[bool]string{true: "WhatsApp"}[p.GetWhatsapp()]))
		hours, err := openingSpecifications(p.GetHours())
		if err != nil {
			return nil, err
		}
		n.put("hoursAvailable", hours)
		all = append(all, n)
	}
	for _, e := range s.office.GetEmails() {
		n := node{"@type": "ContactPoint"}
		n.put("email", e.GetAddress())
		n.put("contactType", e.GetPurpose())
		all = append(all, n)
	}
	languages := mapSlice(s.office.GetLanguages(), languageTag)
	if len(all) == 0 && len(languages) > 0 {
		all = []node{{"@type": "ContactPoint"}} // only a contact point can have languages
	}
	for _, n := range all {
		n.put("availableLanguage", languages)
	}
	return all, nil
}

// openingSpecifications returns openings with schema.org, where one that closes before it opens ends on the next day.
// So an opening until midnight closes at 00:00, and one of a whole day at 23:59.
func openingSpecifications(hours []*directoryv1.Hours) ([]node, error) {
	var all []node
	for _, h := range hours {
		day, err := dayOf(schemaDays, h)
		if err != nil {
			return nil, err
		}
		closes := h.GetCloses()
		switch {
		case closes == "24:00" && h.GetOpens() == "00:00":
			closes = "23:59"
		case closes == "24:00":
			closes = "00:00"
		}
		all = append(all, node{
			"@type": "OpeningHoursSpecification", "dayOfWeek": nsSchema + day, "opens": h.GetOpens(), "closes": closes,
		})
	}
	return all, nil
}

// serviceIRI identifies a service by its position in the office, as it has no identifier.
func (s schemaOrgEncoder) serviceIRI(i int) string { return s.iri() + "#service-" + strconv.Itoa(i+1) }

func (s schemaOrgEncoder) service(i int, service *directoryv1.Service) node {
	n := node{"@id": s.serviceIRI(i), "@type": "GovernmentService", "provider": ref(s.iri())}
	label := s.terms.Label("it", listServiceType, service.GetType())
	n.put("name", cmp.Or(service.GetName(), label))
	n.put("serviceType", label)
	n.put("url", service.GetUrl())
	n.put("areaServed", mapSlice(s.office.GetTerritories(), func(code string) node {
		return ref(s.terms.IRI(listTerritory, code))
	}))
	n.put("audience", mapSlice(s.office.GetRecipients(), func(code string) node {
		return node{"@type": "Audience", "audienceType": s.terms.Label("it", listRecipient, code)}
	}))
	n.put("availableChannel", mapSlice(service.GetAccessModes(), func(code string) node {
		channel := node{"@type": "ServiceChannel", "name": s.terms.Label("it", listAccessMode, code)}
		if slices.Contains([]string{"DESK", "DIRECT_FREE"}, code) {
			channel["serviceLocation"] = ref(s.iri())
		}
		return channel
	}))
	return n
}
