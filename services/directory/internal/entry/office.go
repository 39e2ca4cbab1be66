package entry

import (
	"fmt"

	"github.com/retepari/pari/pkg/fault"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/office"
	"github.com/retepari/pari/services/directory/internal/opening"
	"github.com/retepari/pari/services/directory/internal/reason"
)

// OfficeFromProto is what finding offices and their opening hours has to know of an entry.
func OfficeFromProto(o *directoryv1.Office) (office.Office, error) {
	var problems hoursParser
	out := office.Office{
		ID: o.GetOfficeId(), Name: o.GetName(), Kind: o.GetKind(), State: o.GetState(), Region: o.GetRegion(), Node: o.GetNode(), Body: o.GetBody(),
		IPACode: o.GetIpaCode(), Description: o.GetDescription(), Hours: problems.hours(o.GetHours()), AccessRule: o.GetAccessRule(), Fee: o.GetFee(),
		Recipients: o.GetRecipients(), Grounds: o.GetGrounds(), Accessibility: o.GetAccessibility(), Languages: o.GetLanguages(), Territories: o.GetTerritories(),
		NetworkRoles: o.GetNetworkRoles(), Exceptions: problems.exceptions(o.GetExceptions()), Holidays: holidayRules[o.GetHolidays()], ValidFrom: o.GetValidFrom(), ValidTo: o.GetValidTo(), Source: o.GetSource(), VerifiedOn: o.GetVerifiedOn(),
	}
	for _, a := range o.GetAddresses() {
		out.Addresses = append(out.Addresses, office.Address{
			Purpose: addressPurposes[a.GetPurpose()], Street: a.GetStreet(), Postcode: a.GetPostcode(), Municipality: a.GetMunicipality(), Note: a.GetNote(),
		})
	}
	for _, p := range o.GetPhones() {
		out.Phones = append(out.Phones, office.Phone{Number: p.GetNumber(), Label: p.GetLabel(), WhatsApp: p.GetWhatsapp(), Hours: problems.hours(p.GetHours())})
	}
	for _, e := range o.GetEmails() {
		out.Emails = append(out.Emails, office.Email{Address: e.GetAddress(), Purpose: e.GetPurpose()})
	}
	for _, s := range o.GetServices() {
		out.Services = append(out.Services, office.Service{Type: s.GetType(), Name: s.GetName(), AccessModes: s.GetAccessModes(), URL: s.GetUrl()})
	}
	for _, l := range o.GetLinks() {
		out.Links = append(out.Links, office.Link{Title: l.GetTitle(), URL: l.GetUrl()})
	}
	return out, problems.err
}

// openingProblems tells what is wrong with the hours of an office. A time that cannot be read is told by the contract's own rules.
func openingProblems(o *directoryv1.Office) (fields []fault.Field) {
	read, err := OfficeFromProto(o)
	if err != nil {
		return nil
	}
	add := func(prefix string, s opening.Schedule) {
		for _, p := range opening.Validate(s) {
			reason := fault.Reason(p.Code)
			if known, ok := openingReasons[p.Code]; ok {
				reason = known
			}
			fields = append(fields, fault.Field{Path: prefix + p.Path, Reason: reason})
		}
	}
	add("", opening.Schedule{Hours: read.Hours, Exceptions: read.Exceptions, Holidays: read.Holidays})
	for i, p := range read.Phones {
		at := fmt.Sprintf("phones[%d].", i)
		add(at, opening.Schedule{Hours: p.Hours})
		if p.Number == "" && len(p.Hours) == 0 {
			fields = append(fields, fault.Field{Path: at + "number", Reason: fault.Required})
		}
	}
	return fields
}

// openingReasons are the reasons of the opening engine that the registry has under another name.
var openingReasons = map[opening.ProblemCode]fault.Reason{
	opening.Empty: fault.Required, opening.BadPlace: fault.UnknownCode, opening.BadWeekday: fault.OutOfRange, opening.BadTime: fault.BadFormat,
	opening.BadDate: fault.ImpossibleDate, opening.BadRRule: fault.BadFormat, opening.ClosedWithHours: reason.Overlap, opening.HourSkipped: reason.HourSkipped,
}

var addressPurposes = map[directoryv1.AddressPurpose]string{
	directoryv1.AddressPurpose_ADDRESS_PURPOSE_POST: office.PurposePost, directoryv1.AddressPurpose_ADDRESS_PURPOSE_ENTRANCE: office.PurposeEntrance,
	directoryv1.AddressPurpose_ADDRESS_PURPOSE_ACCESSIBLE_ENTRANCE: office.PurposeAccessibleEntrance,
}

// hoursParser reads hours, and keeps the first time that is none.
type hoursParser struct{ err error }

func (c *hoursParser) hours(all []*directoryv1.Hours) (out []opening.Hours) {
	for _, h := range all {
		out = append(out, opening.Hours{Weekday: int(h.GetWeekday()), Opens: c.timeOfDay(h.GetOpens()), Closes: c.timeOfDay(h.GetCloses()), ValidFrom: h.GetValidFrom(), ValidTo: h.GetValidTo()})
	}
	return out
}

func (c *hoursParser) exceptions(all []*directoryv1.OpeningException) (out []opening.Exception) {
	for _, e := range all {
		x := opening.Exception{From: e.GetFrom(), To: e.GetTo(), RRule: e.GetRrule(), Closed: e.GetClosed(), Reason: e.GetReason()}
		for _, t := range e.GetHours() {
			x.Hours = append(x.Hours, opening.TimeRange{Opens: c.timeOfDay(t.GetOpens()), Closes: c.timeOfDay(t.GetCloses())})
		}
		out = append(out, x)
	}
	return out
}

var holidayRules = map[directoryv1.HolidayRule]opening.HolidayRule{
	directoryv1.HolidayRule_HOLIDAY_RULE_CLOSED: opening.HolidaysClosed, directoryv1.HolidayRule_HOLIDAY_RULE_OPEN: opening.HolidaysOpen,
	directoryv1.HolidayRule_HOLIDAY_RULE_NOT_GIVEN: opening.HolidaysNotGiven,
}

func (c *hoursParser) timeOfDay(written string) (at opening.TimeOfDay) {
	if err := at.UnmarshalText([]byte(written)); err != nil && c.err == nil {
		c.err = err
	}
	return at
}
