package format

import (
	"time"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// services converts the services. From foreign ones it also takes what concerns the office: telephones, hours, dates.
func (o *hsdsOfficeReader) services() {
	statuses := map[string]bool{} // of the services of a foreign office
	for _, s := range o.group.services {
		service := &directoryv1.Service{Name: s.value.Name, Url: s.value.URL}
		o.codes(s.path+".attributes", s.value.Attributes, map[string]func(string){
			listServiceType: func(code string) { service.Type = code },
			listAccessMode:  func(code string) { service.AccessModes = append(service.AccessModes, code) },
		})
		if s.value.Pari != nil && s.value.Pari.Unnamed {
			service.Name = ""
		}
		if !o.native {
			statuses[s.value.Status] = true
			o.readForeign(s, service)
		}
		o.office.Services = append(o.office.Services, service)
	}
	if o.office.GetState() == "" {
		o.office.State = stateOf(statuses)
	}
}

// readForeign takes what a foreign service holds about the office, and omits the rest.
func (o *hsdsOfficeReader) readForeign(s located[hsdsService], service *directoryv1.Service) {
	if service.GetUrl() != "" && !isHTTPS(service.GetUrl()) {
		o.omit(s.path+".url", reasonNotHttps)
		service.Url = ""
	}
	o.phones(s.path+".phones", s.value.Phones)
	o.contacts(s.path+".contacts", s.value.Contacts)
	o.email(s.path+".email", s.value.Email)
	o.takeCounterHours(s.path+".schedules", s.value.Schedules)
	for _, at := range withPaths(s.path+".service_at_locations", s.value.At) {
		o.phones(at.path+".phones", at.value.Phones)
		o.contacts(at.path+".contacts", at.value.Contacts)
		o.takeCounterHours(at.path+".schedules", at.value.Schedules)
	}
	o.takeVerifiedOn(s)
	for _, text := range []struct{ name, value string }{
		{"application_process", s.value.Application},
		{"fees_description", s.value.Fees},
		{"eligibility_description", s.value.Eligibility},
	} {
		if text.value != "" {
			o.omit(s.path+"."+text.name, reasonCodeForText)
		}
	}
	if s.value.Description != "" && s.value.Description != o.office.GetDescription() {
		o.omit(s.path+".description", reasonServiceDescription)
	}
	for _, a := range withPaths(s.path+".service_areas", s.value.Areas) {
		o.omit(a.path, reasonTerritoryByName)
	}
}

// takeVerifiedOn takes the oldest verification date of the services, as the whole entry was not verified later.
func (o *hsdsOfficeReader) takeVerifiedOn(s located[hsdsService]) {
	day := s.value.AssuredDate
	if day == "" {
		return
	}
	if _, err := time.Parse(time.DateOnly, day); err != nil {
		o.omit(s.path+".assured_date", reasonImpossibleDate)
		return
	}
	if o.office.GetVerifiedOn() == "" || day < o.office.GetVerifiedOn() {
		o.office.VerifiedOn = day
	}
}

// stateOf returns the state of an office from the states of its services, or "" if it is ambiguous.
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
