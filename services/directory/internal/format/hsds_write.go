package format

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// EncodeHSDS encodes offices as a page of organizations of the Human Services Data Specification 3. ParseHSDS returns
// the same offices: it reads x_pari, identifiers, attributes, locations, phones, contacts and names. Everything else
// (status, fees, service areas, labels) is for other readers and not read back.
func EncodeHSDS(offices []*directoryv1.Office, terms *Terms) ([]byte, error) {
	page := hsdsPage{
		TotalItems: len(offices), TotalPages: 1, PageNumber: 1, Size: len(offices), FirstPage: true, LastPage: true,
		Empty: len(offices) == 0, Contents: make([]hsdsOrganization, len(offices)),
	}
	for i, o := range offices {
		organizationID := hsdsID("office", o.GetOfficeId())
		w := &hsdsWriter{terms: terms, office: o, organizationID: organizationID, ids: idGenerator{}}
		organization, err := w.write()
		if err != nil {
			return nil, fmt.Errorf("office %s: %w", o.GetOfficeId(), err)
		}
		page.Contents[i] = organization
	}
	return encode(page)
}

// hsdsWriter encodes one office.
type hsdsWriter struct {
	terms          *Terms
	office         *directoryv1.Office
	organizationID string
	ids            idGenerator
}

// id returns the identifier of a part of the office.
func (w *hsdsWriter) id(words ...string) string {
	return w.ids.id(append([]string{w.organizationID}, words...)...)
}

func (w *hsdsWriter) write() (hsdsOrganization, error) {
	o := w.office
	out := hsdsOrganization{
		ID: w.organizationID, Name: o.GetName(), Description: o.GetDescription(),
		Identifiers: []hsdsIdentifier{w.newIdentifier(identifierPari, o.GetOfficeId())},
		Pari: &hsdsOffice{
			Region: o.GetRegion(), Node: o.GetNode(), Body: o.GetBody(), NetworkRoles: o.GetNetworkRoles(),
			ValidFrom: o.GetValidFrom(), ValidTo: o.GetValidTo(), Source: o.GetSource(), VerifiedOn: o.GetVerifiedOn(),
			SourceURL: o.GetSourceUrl(), PublishedOn: o.GetPublishedOn(), ChangedOn: o.GetChangedOn(),
		},
		Logo: o.GetLogoUrl(),
	}
	if o.GetVisibility() != 0 {
		out.Pari.Visibility = o.GetVisibility().String() // a hidden office must stay hidden when it is read back
	}
	if len(o.GetExceptions()) > 0 || o.GetHolidays() != 0 {
		opening, err := protojson.Marshal(&directoryv1.Office{Exceptions: o.GetExceptions(), Holidays: o.GetHolidays()})
		if err != nil {
			return out, err
		}
		out.Pari.Opening = opening
	}
	if o.GetBody() != "" {
		out.ParentID = hsdsID("body", o.GetBody())
	}
	if o.GetIpaCode() != "" {
		out.Identifiers = append(out.Identifiers, w.newIdentifier(identifierIPA, o.GetIpaCode()))
	}
	for i, l := range o.GetLinks() {
		if i == 0 {
			out.Website = l.GetUrl()
		}
		out.Pari.Links = append(out.Pari.Links, hsdsLink{Title: l.GetTitle(), URL: l.GetUrl()})
	}
	for i, e := range o.GetEmails() {
		if i == 0 {
			out.Email = e.GetAddress()
		}
		out.Contacts = append(out.Contacts, hsdsContact{
			ID: w.id("contact", e.GetAddress(), e.GetPurpose()), OrganizationID: w.organizationID,
			Department: e.GetPurpose(), Email: e.GetAddress(),
		})
	}
	for _, coded := range []struct {
		list  string
		codes []string
	}{
		{listKind, optional(o.GetKind())}, {listState, optional(o.GetState())},
		{listAccessRule, optional(o.GetAccessRule())}, {listFee, optional(o.GetFee())},
		{listRecipient, o.GetRecipients()}, {listGround, o.GetGrounds()}, {listTerritory, o.GetTerritories()},
	} {
		attributes := w.attributes("organization", w.organizationID, coded.list, coded.codes)
		out.Attributes = append(out.Attributes, attributes...)
	}
	if err := w.places(&out); err != nil {
		return hsdsOrganization{}, err
	}
	for _, s := range o.GetServices() {
		out.Services = append(out.Services, w.service(s, out.Locations[0].ID))
	}
	return out, nil
}

func (w *hsdsWriter) newIdentifier(kind, value string) hsdsIdentifier {
	return hsdsIdentifier{ID: w.id("identifier", kind), OrganizationID: w.organizationID, Type: kind, Identifier: value}
}

// places adds the location and the telephones.
func (w *hsdsWriter) places(out *hsdsOrganization) error {
	location := hsdsLocation{
		ID: w.id("location"), Type: w.locationType(), OrganizationID: w.organizationID, Name: w.office.GetName(),
	}
	for _, a := range w.office.GetAddresses() {
		location.Addresses = append(location.Addresses, w.address(a))
	}
	for _, code := range w.office.GetAccessibility() {
		id := w.id("accessibility", code)
		location.Accessibility = append(location.Accessibility, hsdsAccessibility{
			ID: id, Description: w.terms.Label("it", listAccessibility, code),
			Attributes: w.attributes("accessibility", id, listAccessibility, []string{code}),
		})
	}
	for _, code := range w.office.GetLanguages() {
		location.Languages = append(location.Languages, hsdsLanguage{
			ID: w.id("language", code), LocationID: location.ID,
			Name: w.terms.Label("en", listLanguage, code), Code: languageTag(code),
		})
	}
	var err error
	if location.Schedules, err = w.schedules("location", w.office.GetHours()); err != nil {
		return err
	}
	out.Locations = []hsdsLocation{location}
	for _, p := range w.office.GetPhones() {
		id := w.id("phone", p.GetNumber(), p.GetLabel())
		phone := hsdsPhone{ID: id, Number: p.GetNumber(), Description: p.GetLabel()}
		if p.GetWhatsapp() {
			phone.Type = phoneWhatsApp
		}
		if phone.Schedules, err = w.schedules(phone.ID, p.GetHours()); err != nil {
			return err
		}
		out.Phones = append(out.Phones, phone)
	}
	return nil
}

// locationType returns "virtual" without addresses, "postal" with postal addresses only, else "physical".
func (w *hsdsWriter) locationType() string {
	kind := "virtual"
	for _, a := range w.office.GetAddresses() {
		if kind = addressType(a); kind == "physical" {
			break
		}
	}
	return kind
}

func addressType(a *directoryv1.Address) string {
	if a.GetPurpose() == directoryv1.AddressPurpose_ADDRESS_PURPOSE_POST {
		return "postal"
	}
	return "physical"
}

func (w *hsdsWriter) address(a *directoryv1.Address) hsdsAddress {
	city, province := w.terms.municipality(a.GetMunicipality())
	id := w.id("address", purposeCode(a), a.GetStreet(), a.GetPostcode(), a.GetMunicipality(), a.GetNote())
	out := hsdsAddress{
		ID: id, Address1: a.GetStreet(), Address2: a.GetNote(), City: city, Province: province,
		PostalCode: a.GetPostcode(), Country: country, Type: addressType(a),
		Attributes: w.attributes("address", id, listTerritory, optional(a.GetMunicipality())),
	}
	if code := purposeCode(a); code != "" {
		name := strings.ToLower(strings.ReplaceAll(code, "_", " "))
		out.Attributes = append(out.Attributes, hsdsAttribute{
			ID: w.id(id, linkEntrance), LinkID: id, LinkType: linkPrefix + linkEntrance, LinkEntity: "address",
			Term: &hsdsTerm{ID: hsdsID("term", linkEntrance, code), Code: code, Name: name},
		})
	}
	return out
}

func (w *hsdsWriter) schedules(of string, hours []*directoryv1.Hours) ([]hsdsSchedule, error) {
	var out []hsdsSchedule
	for _, h := range hours {
		day, err := dayOf(icalDays, h)
		if err != nil {
			return nil, err
		}
		out = append(out, hsdsSchedule{
			ID:   w.id("schedule", of, day, h.GetOpens(), h.GetCloses(), h.GetValidFrom(), h.GetValidTo()),
			Freq: "WEEKLY", ByDay: day, OpensAt: h.GetOpens(), ClosesAt: h.GetCloses(), Notes: timeZone,
			hsdsBounds: hsdsBounds{ValidFrom: h.GetValidFrom(), ValidTo: h.GetValidTo()},
		})
	}
	return out, nil
}

// hsdsStatus returns the HSDS status of an office; an office in an unknown state is inactive.
func hsdsStatus(state string) string {
	switch state {
	case "ACTIVE":
		return "active"
	case "SUSPENDED":
		return "temporarily closed"
	case "CLOSED":
		return "defunct"
	}
	return "inactive"
}

func (w *hsdsWriter) service(s *directoryv1.Service, location string) hsdsService {
	o := w.office
	id := w.id("service", s.GetType(), s.GetName())
	out := hsdsService{
		ID: id, OrganizationID: w.organizationID, Name: s.GetName(), URL: s.GetUrl(), Status: hsdsStatus(o.GetState()),
		Application: w.label(listAccessRule, o.GetAccessRule()), Fees: w.label(listFee, o.GetFee()),
		Eligibility: strings.Join(w.terms.Labels("it", listRecipient, o.GetRecipients()), ", "),
		AssuredDate: o.GetVerifiedOn(),
		At:          []hsdsServiceAtLocation{{ID: w.id("at", id), ServiceID: id, LocationID: location}},
		Attributes: append(w.attributes("service", id, listServiceType, optional(s.GetType())),
			w.attributes("service", id, listAccessMode, s.GetAccessModes())...),
	}
	if s.GetName() == "" {
		out.Name, out.Pari = w.label(listServiceType, s.GetType()), &hsdsServiceExtension{Unnamed: true}
	}
	for _, code := range o.GetTerritories() {
		out.Areas = append(out.Areas, hsdsArea{
			ID: w.id("area", id, code), Name: w.label(listTerritory, code), URI: w.terms.IRI(listTerritory, code),
		})
	}
	return out
}

func (w *hsdsWriter) label(list, code string) string { return w.terms.Label("it", list, code) }

// attributes returns the codes of a list as attributes of an entity. The name of a term is its Italian label, and its
// description the English one.
func (w *hsdsWriter) attributes(entity, id, list string, codes []string) []hsdsAttribute {
	var out []hsdsAttribute
	for _, code := range codes {
		term := hsdsID("term", list, code)
		out = append(out, hsdsAttribute{
			ID: w.id("attribute", id, list, code), LinkID: id, LinkType: linkPrefix + list, LinkEntity: entity,
			TermID: term,
			Term: &hsdsTerm{
				ID: term, Code: code, Language: "it", URI: w.terms.IRI(list, code),
				Name: w.terms.Label("it", list, code), Description: w.terms.Label("en", list, code),
				Taxonomy: w.terms.IRI(list), TaxonomyID: hsdsID("list", list),
			},
		})
	}
	return out
}

// optional returns a list of one code, or an empty one if the code is empty.
func optional(code string) []string {
	if code == "" {
		return nil
	}
	return []string{code}
}
