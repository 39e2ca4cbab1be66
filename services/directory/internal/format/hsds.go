package format

import (
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
)

// The part of the Human Services Data Specification 3 that offices need. An office is an organization with one
// location, and its services are those of the organization, as in the response of /organizations?full_service=true.
//
//	page > organization (office) > locations > addresses, schedules, accessibility, languages
//	                             > phones > schedules (ours), contacts, organization_identifiers, attributes
//	                             > services > attributes, service_areas, service_at_locations
//
// Codes of our lists are attributes, whose link_type is "pari:" and the name of the list. What HSDS has no field for is
// in the extension field x_pari, which the schemas allow.

type hsdsPage struct {
	TotalItems int                `json:"total_items"`
	TotalPages int                `json:"total_pages"`
	PageNumber int                `json:"page_number"`
	Size       int                `json:"size"`
	FirstPage  bool               `json:"first_page"`
	LastPage   bool               `json:"last_page"`
	Empty      bool               `json:"empty"`
	Contents   []hsdsOrganization `json:"contents"`
}

type hsdsOrganization struct {
	ID          string           `json:"id"`
	Name        string           `json:"name"`
	Description string           `json:"description"`
	Email       string           `json:"email,omitempty"`
	Website     string           `json:"website,omitempty"`
	Logo        string           `json:"logo,omitempty"`
	ParentID    string           `json:"parent_organization_id,omitempty"`
	Identifiers []hsdsIdentifier `json:"organization_identifiers,omitempty"`
	Locations   []hsdsLocation   `json:"locations,omitempty"`
	Phones      []hsdsPhone      `json:"phones,omitempty"`
	Contacts    []hsdsContact    `json:"contacts,omitempty"`
	Services    []hsdsService    `json:"services,omitempty"`
	Attributes  []hsdsAttribute  `json:"attributes,omitempty"`
	Pari        *hsdsOffice      `json:"x_pari,omitempty"`
}

// hsdsOffice holds the fields of an office that HSDS does not have.
type hsdsOffice struct {
	Region       string     `json:"region,omitempty"`
	Node         string     `json:"node,omitempty"`
	Body         string     `json:"body,omitempty"`
	NetworkRoles []string   `json:"network_roles,omitempty"`
	Links        []hsdsLink `json:"links,omitempty"`
	ValidFrom    string     `json:"valid_from,omitempty"`
	ValidTo      string     `json:"valid_to,omitempty"`
	Source       string     `json:"source,omitempty"`
	Visibility   string     `json:"visibility,omitempty"`
	VerifiedOn   string     `json:"verified_on,omitempty"`
	SourceURL    string     `json:"source_url,omitempty"`
	PublishedOn  string     `json:"published_on,omitempty"`
	ChangedOn    string     `json:"changed_on,omitempty"`
	// Opening holds the exceptions and the holiday rule, in the JSON form of the contract.
	Opening json.RawMessage `json:"opening,omitempty"`
}

type hsdsLink struct {
	Title string `json:"title"`
	URL   string `json:"url"`
}

type hsdsIdentifier struct {
	ID             string `json:"id"`
	OrganizationID string `json:"organization_id,omitempty"`
	Type           string `json:"identifier_type"`
	Identifier     string `json:"identifier"`
}

type hsdsLocation struct {
	ID             string              `json:"id"`
	Type           string              `json:"location_type"`
	OrganizationID string              `json:"organization_id,omitempty"`
	Name           string              `json:"name,omitempty"`
	Addresses      []hsdsAddress       `json:"addresses,omitempty"`
	Schedules      []hsdsSchedule      `json:"schedules,omitempty"`
	Phones         []hsdsPhone         `json:"phones,omitempty"`
	Contacts       []hsdsContact       `json:"contacts,omitempty"`
	Accessibility  []hsdsAccessibility `json:"accessibility,omitempty"`
	Languages      []hsdsLanguage      `json:"languages,omitempty"`
}

type hsdsAddress struct {
	ID         string          `json:"id"`
	Address1   string          `json:"address_1"`
	Address2   string          `json:"address_2,omitempty"`
	City       string          `json:"city"`
	Province   string          `json:"state_province"`
	PostalCode string          `json:"postal_code"`
	Country    string          `json:"country"`
	Type       string          `json:"address_type"`
	Attributes []hsdsAttribute `json:"attributes,omitempty"`
}

type hsdsAccessibility struct {
	ID          string          `json:"id"`
	Description string          `json:"description,omitempty"`
	Attributes  []hsdsAttribute `json:"attributes,omitempty"`
}

// hsdsLanguage is a language by its ISO 639-1 code, or its ISO 639-3 code if it has none.
type hsdsLanguage struct {
	ID         string `json:"id"`
	LocationID string `json:"location_id,omitempty"`
	Name       string `json:"name,omitempty"`
	Code       string `json:"code,omitempty"`
}

// hsdsSchedule is one weekly opening. Its times are local to Europe/Rome, which the note says. They have no offset,
// because it changes twice a year.
type hsdsSchedule struct {
	ID       string `json:"id"`
	Freq     string `json:"freq,omitempty"`
	ByDay    string `json:"byday,omitempty"`
	OpensAt  string `json:"opens_at,omitempty"`
	ClosesAt string `json:"closes_at,omitempty"`
	Notes    string `json:"notes,omitempty"`
	hsdsBounds
}

// hsdsBounds restricts a schedule to some weeks. We encode only the validity.
type hsdsBounds struct {
	Interval   float64 `json:"interval,omitempty"`
	Count      float64 `json:"count,omitempty"`
	ValidFrom  string  `json:"valid_from,omitempty"`
	ValidTo    string  `json:"valid_to,omitempty"`
	DTStart    string  `json:"dtstart,omitempty"`
	Until      string  `json:"until,omitempty"`
	ByWeekNo   string  `json:"byweekno,omitempty"`
	ByMonthDay string  `json:"bymonthday,omitempty"`
	ByYearDay  string  `json:"byyearday,omitempty"`
}

// hsdsPhone has schedules, which the specification does not define but allows.
type hsdsPhone struct {
	ID          string         `json:"id"`
	Number      string         `json:"number"`
	Type        string         `json:"type,omitempty"`
	Description string         `json:"description,omitempty"`
	Schedules   []hsdsSchedule `json:"schedules,omitempty"`
}

type hsdsContact struct {
	ID             string      `json:"id"`
	OrganizationID string      `json:"organization_id,omitempty"`
	Department     string      `json:"department,omitempty"`
	Email          string      `json:"email,omitempty"`
	Phones         []hsdsPhone `json:"phones,omitempty"`
}

type hsdsService struct {
	ID             string                  `json:"id"`
	OrganizationID string                  `json:"organization_id,omitempty"`
	Organization   *hsdsOrganization       `json:"organization,omitempty"`
	Name           string                  `json:"name"`
	Description    string                  `json:"description,omitempty"`
	URL            string                  `json:"url,omitempty"`
	Email          string                  `json:"email,omitempty"`
	Status         string                  `json:"status"`
	Application    string                  `json:"application_process,omitempty"`
	Fees           string                  `json:"fees_description,omitempty"`
	Eligibility    string                  `json:"eligibility_description,omitempty"`
	AssuredDate    string                  `json:"assured_date,omitempty"`
	Phones         []hsdsPhone             `json:"phones,omitempty"`
	Contacts       []hsdsContact           `json:"contacts,omitempty"`
	Schedules      []hsdsSchedule          `json:"schedules,omitempty"`
	Areas          []hsdsArea              `json:"service_areas,omitempty"`
	At             []hsdsServiceAtLocation `json:"service_at_locations,omitempty"`
	Attributes     []hsdsAttribute         `json:"attributes,omitempty"`
	Pari           *hsdsServiceExtension   `json:"x_pari,omitempty"`
}

// hsdsServiceExtension marks a service without a name. HSDS requires one, so it gets the label of its type.
type hsdsServiceExtension struct {
	Unnamed bool `json:"unnamed,omitempty"`
}

type hsdsArea struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
	URI  string `json:"uri,omitempty"`
}

type hsdsServiceAtLocation struct {
	ID         string         `json:"id"`
	ServiceID  string         `json:"service_id,omitempty"`
	LocationID string         `json:"location_id,omitempty"`
	Location   *hsdsLocation  `json:"location,omitempty"`
	Phones     []hsdsPhone    `json:"phones,omitempty"`
	Contacts   []hsdsContact  `json:"contacts,omitempty"`
	Schedules  []hsdsSchedule `json:"schedules,omitempty"`
}

type hsdsAttribute struct {
	ID         string    `json:"id"`
	LinkID     string    `json:"link_id,omitempty"`
	LinkType   string    `json:"link_type,omitempty"`
	LinkEntity string    `json:"link_entity,omitempty"`
	TermID     string    `json:"taxonomy_term_id,omitempty"`
	Term       *hsdsTerm `json:"taxonomy_term,omitempty"`
}

type hsdsTerm struct {
	ID          string `json:"id"`
	Code        string `json:"code"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Taxonomy    string `json:"taxonomy,omitempty"`
	TaxonomyID  string `json:"taxonomy_id,omitempty"`
	Language    string `json:"language,omitempty"`
	URI         string `json:"term_uri,omitempty"`
}

// Values of HSDS fields that we write and recognize.
const (
	linkPrefix     = "pari:"
	identifierPari = "Pari"
	identifierIPA  = "IPA"
	linkEntrance   = "address_purpose"
	phoneWhatsApp  = "whatsapp"
	country        = "IT"
	timeZone       = "Europe/Rome"
)

// hsdsSpace is the namespace of our UUIDs.
var hsdsSpace = uuid.NewSHA1(uuid.NameSpaceURL, []byte("pari:directory"))

// hsdsID returns the UUID (version 5) of a list of words: always the same one.
func hsdsID(words ...string) string {
	return uuid.NewSHA1(hsdsSpace, fmt.Appendf(nil, "%q", words)).String()
}

// idGenerator generates identifiers for parts of a document from their content rather than their position, so that they
// stay the same when other parts are added or removed. Parts with the same content are numbered.
type idGenerator map[string]int

func (m idGenerator) id(words ...string) string {
	key := fmt.Sprintf("%q", words)
	m[key]++
	if n := m[key]; n > 1 {
		return hsdsID(append(words, "#", fmt.Sprint(n))...)
	}
	return hsdsID(words...)
}
