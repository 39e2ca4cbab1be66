package format

import (
	"fmt"
	"slices"
	"strings"
	"time"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// locations takes the addresses, accessibility and languages of all locations, and the hours of the first location with
// any: an office has one counter.
func (o *hsdsOfficeReader) locations(path string) {
	seen := map[string]bool{}
	take := func(l located[hsdsLocation]) {
		if l.value.ID == "" || !seen[l.value.ID] {
			seen[l.value.ID] = true
			o.location(l)
		}
	}
	for _, l := range withPaths(path+".locations", o.group.organization.Locations) {
		take(l)
	}
	for _, s := range o.group.services {
		for _, at := range withPaths(s.path+".service_at_locations", s.value.At) {
			if at.value.Location != nil {
				take(located[hsdsLocation]{at.path + ".location", *at.value.Location})
			}
		}
	}
}

func (o *hsdsOfficeReader) location(l located[hsdsLocation]) {
	for _, a := range withPaths(l.path+".addresses", l.value.Addresses) {
		o.address(a)
	}
	for _, a := range withPaths(l.path+".accessibility", l.value.Accessibility) {
		if len(a.value.Attributes) == 0 {
			o.omit(a.path, reasonTextForCode)
		}
		o.codes(a.path+".attributes", a.value.Attributes, map[string]func(string){
			listAccessibility: func(code string) { o.office.Accessibility = append(o.office.Accessibility, code) },
		})
	}
	o.languages(l.path+".languages", l.value.Languages)
	o.takeCounterHours(l.path+".schedules", l.value.Schedules)
	o.phones(l.path+".phones", l.value.Phones)
	o.contacts(l.path+".contacts", l.value.Contacts)
}

// languages takes those that our list may hold, each once.
func (o *hsdsOfficeReader) languages(path string, languages []hsdsLanguage) {
	for _, l := range withPaths(path, languages) {
		code := languageCode(l.value.Code)
		switch {
		case o.native:
		case code != signLIS && !languagePattern.MatchString(code):
			o.omit(l.path, reasonLanguageCode)
			continue
		case slices.Contains(o.office.GetLanguages(), code):
			continue
		}
		o.office.Languages = append(o.office.Languages, code)
	}
}

// takeCounterHours takes schedules as the hours of the counter, unless it has some already.
func (o *hsdsOfficeReader) takeCounterHours(path string, schedules []hsdsSchedule) {
	switch {
	case len(schedules) == 0:
	case len(o.office.GetHours()) > 0:
		o.omit(path, reasonSecondCounter)
	default:
		o.office.Hours = o.hours(path, schedules)
	}
}

func (o *hsdsOfficeReader) address(a located[hsdsAddress]) {
	out := &directoryv1.Address{Street: a.value.Address1, Note: a.value.Address2, Postcode: a.value.PostalCode}
	if a.value.Type == "postal" {
		out.Purpose = directoryv1.AddressPurpose_ADDRESS_PURPOSE_POST
	}
	o.codes(a.path+".attributes", a.value.Attributes, map[string]func(string){
		listTerritory: func(code string) { out.Municipality = code },
		linkEntrance: func(code string) {
			out.Purpose = directoryv1.AddressPurpose(directoryv1.AddressPurpose_value["ADDRESS_PURPOSE_"+code])
		},
	})
	if !o.native {
		if a.value.Country != country {
			o.omit(a.path, reasonNotInItaly)
			return
		}
		if a.value.Type == "virtual" {
			o.omit(a.path, reasonVirtualAddress)
			return
		}
		if out.Postcode != "" && !postcodePattern.MatchString(out.Postcode) {
			o.omit(a.path+".postal_code", reasonBadPostcode)
			out.Postcode = ""
		}
		if out.Municipality == "" && a.value.City != "" {
			o.omit(a.path+".city", reasonPlaceByName)
		}
	}
	o.office.Addresses = append(o.office.Addresses, out)
}

// hours converts weekly schedules in local time. Any other schedule is omitted as a whole, because a part of it would
// be wrong.
func (o *hsdsOfficeReader) hours(path string, schedules []hsdsSchedule) []*directoryv1.Hours {
	var out []*directoryv1.Hours
	for _, s := range withPaths(path, schedules) {
		hours, wrong := parseWeekly(s.value)
		if wrong != (omissionReason{}) {
			o.omit(s.path, wrong)
			continue
		}
		out = append(out, hours...)
	}
	return out
}

func parseWeekly(s hsdsSchedule) ([]*directoryv1.Hours, omissionReason) {
	if s.Interval == 1 {
		s.Interval = 0
	}
	from, to := s.ValidFrom, s.ValidTo
	s.ValidFrom, s.ValidTo = "", ""
	if s.Freq != "WEEKLY" || s.hsdsBounds != (hsdsBounds{}) {
		return nil, reasonNotEveryWeek
	}
	opens, closes := parseClock(s.OpensAt), parseClock(s.ClosesAt)
	if opens == "" || opens >= closes { // no time is before closes if that is ""
		return nil, reasonBadTimes
	}
	var out []*directoryv1.Hours
	for name := range strings.SplitSeq(s.ByDay, ",") {
		day := 0
		for i, known := range icalDays {
			if name == known {
				day = i + 1
			}
		}
		if day == 0 {
			return nil, reasonBadWeekday
		}
		out = append(out, &directoryv1.Hours{
			Weekday: int32(day), Opens: opens, Closes: closes, ValidFrom: from, ValidTo: to,
		})
	}
	return out, omissionReason{}
}

// parseClock returns a local time in full minutes such as 09:00, or "" for anything else.
func parseClock(text string) string {
	if text == "24:00" || text == "24:00:00" {
		return "24:00"
	}
	for _, layout := range []string{"15:04", time.TimeOnly} {
		if at, err := time.Parse(layout, text); err == nil && at.Second() == 0 && len(text) == len(layout) {
			return fmt.Sprintf("%02d:%02d", at.Hour(), at.Minute())
		}
	}
	return ""
}
