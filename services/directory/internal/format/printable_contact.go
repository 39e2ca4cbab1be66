package format

import (
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// phones writes the telephones: the number under its label, and when it is answered.
func (s *sheet) phones() {
	for _, p := range s.office.GetPhones() {
		whatsapp := ""
		if p.GetWhatsapp() {
			whatsapp = "WhatsApp"
		}
		line := noted(p.GetNumber(), filled(", ", p.GetLabel(), whatsapp))
		s.text("p", line, s.own()...)
		if len(p.GetHours()) > 0 {
			s.table(filled(": ", s.words.answered, filled(", ", p.GetNumber(), p.GetLabel())), p.GetHours())
		}
	}
}

func (s *sheet) address(a *directoryv1.Address) string {
	purpose := ""
	switch a.GetPurpose() {
	case directoryv1.AddressPurpose_ADDRESS_PURPOSE_POST:
		purpose = s.words.postal
	case directoryv1.AddressPurpose_ADDRESS_PURPOSE_ACCESSIBLE_ENTRANCE:
		purpose = s.words.accessibleEntrance
	default: // the plain entrance needs no word
	}
	place := filled(" ", a.GetPostcode(), s.label(listTerritory, a.GetMunicipality()))
	return noted(filled(", ", a.GetStreet(), place), filled("; ", purpose, a.GetNote()))
}

// services writes each service with its type, how to reach it, and its page.
func (s *sheet) services() {
	s.element("ul", nil, func() {
		for _, service := range s.office.GetServices() {
			s.element("li", nil, func() {
				kind := s.label(listServiceType, service.GetType())
				if service.GetName() != "" {
					s.text("strong", service.GetName(), s.own()...)
					s.text("span", noted("", kind))
				} else {
					s.text("strong", kind)
				}
				modes := filled(", ", s.terms.Labels(s.lang, listAccessMode, service.GetAccessModes())...)
				if modes != "" {
					s.text("span", "– "+s.words.reach+": "+modes)
				}
				s.link(service.GetUrl(), service.GetUrl())
			})
		}
	})
}

func (s *sheet) links() {
	s.element("ul", nil, func() {
		for _, l := range s.office.GetLinks() {
			s.element("li", s.own(), func() { s.link(l.GetTitle(), l.GetUrl()) })
		}
	})
}

// link writes a page to go to. An address that is not https, which no checked entry has, is written as a text.
func (s *sheet) link(title, address string) {
	if !secure(address) {
		s.text("span", filled(" ", title, map[bool]string{true: address}[title != address]))
		return
	}
	if title == "" {
		title = address
	}
	s.text("a", title, attribute{"href", address}, attribute{"rel", "noreferrer"})
}
