package format

import (
	"fmt"
	"slices"
	"strings"
	"time"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// locations takes the addresses, the accessibility and the languages of all locations, and the hours of the first that has any: an office has
// one counter.
func (o *hsdsOfficeReader) locations(path string) {
	seen := map[string]bool{}
	take := func(l placed[hsdsLocation]) {
		if l.it.ID == "" || !seen[l.it.ID] {
			seen[l.it.ID] = true
			o.location(l)
		}
	}
	for _, l := range each(path+".locations", o.group.organization.Locations) {
		take(l)
	}
	for _, s := range o.group.services {
		for _, at := range each(s.path+".service_at_locations", s.it.At) {
			if at.it.Location != nil {
				take(placed[hsdsLocation]{at.path + ".location", *at.it.Location})
			}
		}
	}
}

func (o *hsdsOfficeReader) location(l placed[hsdsLocation]) {
	for _, a := range each(l.path+".addresses", l.it.Addresses) {
		o.address(a)
	}
	for _, a := range each(l.path+".accessibility", l.it.Accessibility) {
		if len(a.it.Attributes) == 0 {
			o.leave(a.path, whyTextForCode)
		}
		o.codes(a.path+".attributes", a.it.Attributes, map[string]func(string){
			listAccessibility: func(code string) { o.office.Accessibility = append(o.office.Accessibility, code) },
		})
	}
	o.languages(l.path+".languages", l.it.Languages)
	o.counter(l.path+".schedules", l.it.Schedules)
	o.phones(l.path+".phones", l.it.Phones)
	o.contacts(l.path+".contacts", l.it.Contacts)
}

// languages takes those that a list of ours may hold, each once.
func (o *hsdsOfficeReader) languages(path string, languages []hsdsLanguage) {
	for _, l := range each(path, languages) {
		code := languageCode(l.it.Code)
		switch {
		case o.ours:
		case code != signLIS && !languagePattern.MatchString(code):
			o.leave(l.path, whyLanguageCode)
			continue
		case slices.Contains(o.office.GetLanguages(), code):
			continue
		}
		o.office.Languages = append(o.office.Languages, code)
	}
}

// counter takes hours as those of the counter, if it has none yet.
func (o *hsdsOfficeReader) counter(path string, schedules []hsdsSchedule) {
	switch {
	case len(schedules) == 0:
	case len(o.office.GetHours()) > 0:
		o.leave(path, whySecondCounter)
	default:
		o.office.Hours = o.hours(path, schedules)
	}
}

func (o *hsdsOfficeReader) address(a placed[hsdsAddress]) {
	out := &directoryv1.Address{Street: a.it.Address1, Note: a.it.Address2, Postcode: a.it.PostalCode}
	if a.it.Type == "postal" {
		out.Purpose = directoryv1.AddressPurpose_ADDRESS_PURPOSE_POST
	}
	o.codes(a.path+".attributes", a.it.Attributes, map[string]func(string){
		listTerritory: func(code string) { out.Municipality = code },
		linkEntrance: func(code string) {
			out.Purpose = directoryv1.AddressPurpose(directoryv1.AddressPurpose_value["ADDRESS_PURPOSE_"+code])
		},
	})
	if !o.ours {
		if a.it.Country != country {
			o.leave(a.path, whyNotInItaly)
			return
		}
		if a.it.Type == "virtual" {
			o.leave(a.path, whyVirtualAddress)
			return
		}
		if out.Postcode != "" && !postcodePattern.MatchString(out.Postcode) {
			o.leave(a.path+".postal_code", whyBadPostcode)
			out.Postcode = ""
		}
		if out.Municipality == "" && a.it.City != "" {
			o.leave(a.path+".city", whyPlaceByName)
		}
	}
	o.office.Addresses = append(o.office.Addresses, out)
}

// hours takes schedules that say the same for every week, in local time. One that says more is left out whole: half of it
// would be false.
func (o *hsdsOfficeReader) hours(path string, schedules []hsdsSchedule) []*directoryv1.Hours {
	var out []*directoryv1.Hours
	for _, s := range each(path, schedules) {
		hours, wrong := weekly(s.it)
		if wrong != (why{}) {
			o.leave(s.path, wrong)
			continue
		}
		out = append(out, hours...)
	}
	return out
}

func weekly(s hsdsSchedule) ([]*directoryv1.Hours, why) {
	if s.Interval == 1 {
		s.Interval = 0
	}
	from, to := s.ValidFrom, s.ValidTo
	s.ValidFrom, s.ValidTo = "", ""
	if s.Freq != "WEEKLY" || s.hsdsBounds != (hsdsBounds{}) {
		return nil, whyNotEveryWeek
	}
	opens, closes := clock(s.OpensAt), clock(s.ClosesAt)
	if opens == "" || closes == "" || opens >= closes {
		return nil, whyBadTimes
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
			return nil, whyBadWeekday
		}
		out = append(out, &directoryv1.Hours{Weekday: int32(day), Opens: opens, Closes: closes, ValidFrom: from, ValidTo: to})
	}
	return out, why{}
}

// clock returns a local time of full minutes as 09:00, or nothing.
func clock(text string) string {
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
