package format

import (
	"time"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// services takes the services, and from those of others what they say of the office: telephones, hours, days.
func (o *hsdsOfficeReader) services() {
	statuses := map[string]bool{}
	for _, s := range o.group.services {
		service := &directoryv1.Service{Name: s.it.Name, Url: s.it.URL}
		o.codes(s.path+".attributes", s.it.Attributes, map[string]func(string){
			listServiceType: func(code string) { service.Type = code },
			listAccessMode:  func(code string) { service.AccessModes = append(service.AccessModes, code) },
		})
		if s.it.Pari != nil && s.it.Pari.Unnamed {
			service.Name = ""
		}
		if !o.ours {
			statuses[s.it.Status] = true
			o.foreign(s, service)
		}
		o.office.Services = append(o.office.Services, service)
	}
	if !o.ours && o.office.GetState() == "" {
		o.office.State = stateOf(statuses)
	}
}

// foreign takes what a service of others says of the office, and says what it leaves out.
func (o *hsdsOfficeReader) foreign(s placed[hsdsService], service *directoryv1.Service) {
	if service.GetUrl() != "" && !secure(service.GetUrl()) {
		o.leave(s.path+".url", whyNotHttps)
		service.Url = ""
	}
	o.phones(s.path+".phones", s.it.Phones)
	o.contacts(s.path+".contacts", s.it.Contacts)
	o.email(s.path+".email", s.it.Email)
	o.counter(s.path+".schedules", s.it.Schedules)
	for _, at := range each(s.path+".service_at_locations", s.it.At) {
		o.phones(at.path+".phones", at.it.Phones)
		o.contacts(at.path+".contacts", at.it.Contacts)
		o.counter(at.path+".schedules", at.it.Schedules)
	}
	o.verified(s)
	for _, text := range []struct{ name, value string }{
		{"application_process", s.it.Application}, {"fees_description", s.it.Fees}, {"eligibility_description", s.it.Eligibility},
	} {
		if text.value != "" {
			o.leave(s.path+"."+text.name, whyCodeForText)
		}
	}
	if s.it.Description != "" && s.it.Description != o.office.GetDescription() {
		o.leave(s.path+".description", whyServiceDescription)
	}
	for _, a := range each(s.path+".service_areas", s.it.Areas) {
		o.leave(a.path, whyTerritoryByName)
	}
}

// verified keeps the oldest day on which a service was checked: the whole entry was not checked later.
func (o *hsdsOfficeReader) verified(s placed[hsdsService]) {
	day := s.it.AssuredDate
	if day == "" {
		return
	}
	if _, err := time.Parse(time.DateOnly, day); err != nil {
		o.leave(s.path+".assured_date", whyImpossibleDate)
		return
	}
	if o.office.GetVerifiedOn() == "" || day < o.office.GetVerifiedOn() {
		o.office.VerifiedOn = day
	}
}

// stateOf is the state of an office that gives services of these states; nothing where that is not plain.
func stateOf(statuses map[string]bool) string {
	switch {
	case statuses["active"]:
		return "ACTIVE"
	case len(statuses) != 1:
		return ""
	case statuses["temporarily closed"]:
		return "SUSPENDED"
	case statuses["defunct"]:
		return "CLOSED"
	}
	return ""
}
