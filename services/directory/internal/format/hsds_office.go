package format

import (
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

var (
	numberPattern   = regexp.MustCompile(`^\+?[0-9]+( [0-9]+)*$`)
	languagePattern = regexp.MustCompile(`^[A-Z]{2}$`)
	postcodePattern = regexp.MustCompile(`^[0-9]{5}$`)
	notInSlug       = regexp.MustCompile(`[^a-z0-9]+`)
	notInNumber     = regexp.MustCompile(`[^+0-9]+`)
)

// hsdsOfficeReader converts a group to an office. A native document, written by EncodeHSDS, is converted as it is. Of a
// foreign one, only what an entry may hold is taken.
type hsdsOfficeReader struct {
	*hsdsReader
	group  *hsdsGroup
	office *directoryv1.Office
	native bool
}

func (r *hsdsReader) office(g *hsdsGroup) *directoryv1.Office {
	org := g.organization
	o := &hsdsOfficeReader{
		hsdsReader: r, group: g, native: org.Pari != nil,
		office: &directoryv1.Office{Name: org.Name, Description: org.Description},
	}
	path := g.path
	o.identity(path)
	o.codes(path+".attributes", org.Attributes, map[string]func(string){
		listKind:       func(code string) { o.office.Kind = code },
		listState:      func(code string) { o.office.State = code },
		listAccessRule: func(code string) { o.office.AccessRule = code },
		listFee:        func(code string) { o.office.Fee = code },
		listRecipient:  func(code string) { o.office.Recipients = append(o.office.Recipients, code) },
		listGround:     func(code string) { o.office.Grounds = append(o.office.Grounds, code) },
		listTerritory:  func(code string) { o.office.Territories = append(o.office.Territories, code) },
	})
	o.phones(path+".phones", org.Phones)
	o.contacts(path+".contacts", org.Contacts)
	o.email(path+".email", org.Email)
	o.locations(path)
	o.services()
	switch {
	case org.Logo == "":
	case o.native || isHTTPS(org.Logo):
		o.office.LogoUrl = org.Logo
	default:
		o.omit(path+".logo", reasonNotHttps)
	}
	if o.native {
		o.extension(path+".x_pari", org.Pari)
	} else {
		o.link(path+".website", org.Website)
	}
	return o.office
}

// identity sets the identifier of the office: the native one, or one derived from the foreign one.
func (o *hsdsOfficeReader) identity(path string) {
	for _, i := range withPaths(path+".organization_identifiers", o.group.organization.Identifiers) {
		switch {
		case i.value.Type == identifierPari && o.native:
			o.office.OfficeId = i.value.Identifier
		case i.value.Type == identifierIPA:
			o.office.IpaCode = i.value.Identifier
		default:
			o.omit(i.path, reasonOtherIdentifier)
		}
	}
	if o.native {
		return
	}
	id := o.group.organization.ID
	slug := strings.Trim(notInSlug.ReplaceAllString(strings.ToLower(id), "-"), "-")
	o.office.OfficeId = "hsds-" + slug[:min(len(slug), 75)]
	o.office.Source = "HSDS, organization " + id
	if o.group.organization.ParentID != "" {
		o.omit(path+".parent_organization_id", reasonParentOrganization)
	}
}

func (o *hsdsOfficeReader) extension(path string, p *hsdsOffice) {
	to := o.office
	to.Region, to.Node, to.Body, to.NetworkRoles = p.Region, p.Node, p.Body, p.NetworkRoles
	to.ValidFrom, to.ValidTo, to.Source, to.VerifiedOn = p.ValidFrom, p.ValidTo, p.Source, p.VerifiedOn
	to.SourceUrl, to.PublishedOn, to.ChangedOn = p.SourceURL, p.PublishedOn, p.ChangedOn
	if p.Visibility != "" { // an unknown value counts as hidden
		to.Visibility = directoryv1.Visibility_VISIBILITY_HIDDEN
	}
	var opening directoryv1.Office
	if len(p.Opening) > 0 {
		if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(p.Opening, &opening); err != nil {
			o.omit(path+".opening", reasonBadOpening)
		} else {
			to.Exceptions, to.Holidays = opening.GetExceptions(), opening.GetHolidays()
		}
	}
	for _, l := range p.Links {
		to.Links = append(to.Links, &directoryv1.Link{Title: l.Title, Url: l.URL})
	}
}

// codes passes each code to the setter of its list, and omits attributes of other taxonomies.
func (o *hsdsOfficeReader) codes(path string, attributes []hsdsAttribute, lists map[string]func(string)) {
	for _, a := range withPaths(path, attributes) {
		list, native := strings.CutPrefix(a.value.LinkType, linkPrefix)
		take, known := lists[list]
		if !native || !known || a.value.Term == nil {
			o.omit(a.path, reasonOtherTaxonomy)
			continue
		}
		take(a.value.Term.Code)
	}
}

func (o *hsdsOfficeReader) phones(path string, phones []hsdsPhone) {
	for _, p := range withPaths(path, phones) {
		phone := &directoryv1.Phone{
			Number: p.value.Number, Label: p.value.Description,
			Whatsapp: strings.EqualFold(p.value.Type, phoneWhatsApp),
		}
		if !o.native {
			phone.Number = strings.TrimSpace(notInNumber.ReplaceAllString(p.value.Number, " "))
			if !numberPattern.MatchString(phone.Number) {
				o.omit(p.path, reasonBadNumber)
				continue
			}
			switch strings.ToLower(p.value.Type) {
			case "", "voice", "cell", phoneWhatsApp:
			default:
				o.omit(p.path, reasonNoTelephone)
				continue
			}
			sameNumber := func(other *directoryv1.Phone) bool { return other.GetNumber() == phone.GetNumber() }
			if slices.ContainsFunc(o.office.GetPhones(), sameNumber) {
				continue
			}
		}
		phone.Hours = o.hours(p.path+".schedules", p.value.Schedules)
		o.office.Phones = append(o.office.Phones, phone)
	}
}

func (o *hsdsOfficeReader) contacts(path string, contacts []hsdsContact) {
	for _, c := range withPaths(path, contacts) {
		if o.native {
			email := &directoryv1.Email{Address: c.value.Email, Purpose: c.value.Department}
			o.office.Emails = append(o.office.Emails, email)
			continue
		}
		o.phones(c.path+".phones", c.value.Phones)
		if c.value.Email != "" {
			o.emailFor(c.path+".email", c.value.Email, c.value.Department)
		}
	}
}

// email adds an address that a foreign document has outside the contacts.
func (o *hsdsOfficeReader) email(path, address string) {
	if address != "" && !o.native {
		o.emailFor(path, address, "")
	}
}

// emailFor adds an address unless it is invalid or already there.
func (o *hsdsOfficeReader) emailFor(path, address, purpose string) {
	if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address {
		o.omit(path, reasonBadEmail)
		return
	}
	sameAddress := func(other *directoryv1.Email) bool { return other.GetAddress() == address }
	if slices.ContainsFunc(o.office.GetEmails(), sameAddress) {
		return
	}
	o.office.Emails = append(o.office.Emails, &directoryv1.Email{Address: address, Purpose: purpose})
}

func (o *hsdsOfficeReader) link(path, address string) {
	if address == "" {
		return
	}
	if !isHTTPS(address) {
		o.omit(path, reasonNotHttps)
		return
	}
	o.office.Links = append(o.office.Links, &directoryv1.Link{Title: o.office.GetName(), Url: address})
}

func isHTTPS(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && u.Host != ""
}
