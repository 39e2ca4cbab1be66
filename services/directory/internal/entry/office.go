package entry

import (
	"fmt"

	"github.com/retepari/pari/pkg/fault"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/office"
	"github.com/retepari/pari/services/directory/internal/opening"
	"github.com/retepari/pari/services/directory/internal/reason"
)

// OfficeFromProto converts an office of the contract to the domain type. It fails if a time of the opening hours is
// invalid.
func OfficeFromProto(o *directoryv1.Office) (office.Office, error) {
	var parser hoursParser
	out := office.Office{
		ID: o.GetOfficeId(), Name: o.GetName(), State: o.GetState(),
		Region: o.GetRegion(), Node: o.GetNode(),
		Hours: parser.hours(o.GetHours()), Exceptions: parser.exceptions(o.GetExceptions()),
		Holidays: holidayRules[o.GetHolidays()],
		Grounds:  o.GetGrounds(), Accessibility: o.GetAccessibility(), Languages: o.GetLanguages(),
		Territories: o.GetTerritories(), ValidFrom: o.GetValidFrom(), ValidTo: o.GetValidTo(),
	}
	for _, a := range o.GetAddresses() {
		out.Addresses = append(out.Addresses, office.Address{
			Purpose: addressPurposes[a.GetPurpose()], Street: a.GetStreet(), Municipality: a.GetMunicipality(),
		})
	}
	for _, p := range o.GetPhones() {
		out.Phones = append(out.Phones, office.Phone{
			Number: p.GetNumber(), WhatsApp: p.GetWhatsapp(), Hours: parser.hours(p.GetHours()),
		})
	}
	for _, e := range o.GetEmails() {
		out.Emails = append(out.Emails, e.GetAddress())
	}
	for _, s := range o.GetServices() {
		out.Services = append(out.Services, office.Service{Type: s.GetType(), AccessModes: s.GetAccessModes()})
	}
	return out, parser.err
}

// openingProblems returns the problems of the opening hours of an office. It returns none when a time does not parse:
// the rules of the contract report that.
func openingProblems(o *directoryv1.Office) (fields []fault.Field) {
	parsed, err := OfficeFromProto(o)
	if err != nil {
		return nil
	}
	add := func(prefix string, s opening.Schedule) {
		for _, p := range opening.Validate(s) {
			reason := fault.Reason(p.Code)
			if mapped, ok := openingReasons[p.Code]; ok {
				reason = mapped
			}
			fields = append(fields, fault.Field{Path: prefix + p.Path, Reason: reason})
		}
	}
	add("", opening.Schedule{Hours: parsed.Hours, Exceptions: parsed.Exceptions, Holidays: parsed.Holidays})
	for i, p := range parsed.Phones {
		prefix := fmt.Sprintf("phones[%d].", i)
		add(prefix, opening.Schedule{Hours: p.Hours})
		if p.Number == "" && len(p.Hours) == 0 {
			fields = append(fields, fault.Field{Path: prefix + "number", Reason: fault.Required})
		}
	}
	return fields
}

// openingReasons maps the problem codes that have another name among the published reasons.
var openingReasons = map[opening.ProblemCode]fault.Reason{
	opening.Empty:           fault.Required,
	opening.BadPlace:        fault.UnknownCode,
	opening.BadWeekday:      fault.OutOfRange,
	opening.BadTime:         fault.BadFormat,
	opening.BadDate:         fault.ImpossibleDate,
	opening.BadRRule:        fault.BadFormat,
	opening.ClosedWithHours: reason.Overlap,
	opening.HourSkipped:     reason.HourSkipped,
}

var addressPurposes = map[directoryv1.AddressPurpose]string{
	directoryv1.AddressPurpose_ADDRESS_PURPOSE_POST:                office.PurposePost,
	directoryv1.AddressPurpose_ADDRESS_PURPOSE_ENTRANCE:            office.PurposeEntrance,
	directoryv1.AddressPurpose_ADDRESS_PURPOSE_ACCESSIBLE_ENTRANCE: office.PurposeAccessibleEntrance,
}

// hoursParser converts opening hours and records the first error.
type hoursParser struct{ err error }

func (p *hoursParser) hours(all []*directoryv1.Hours) (out []opening.Hours) {
	for _, h := range all {
		out = append(out, opening.Hours{
			Weekday: int(h.GetWeekday()), Opens: p.timeOfDay(h.GetOpens()), Closes: p.timeOfDay(h.GetCloses()),
			ValidFrom: h.GetValidFrom(), ValidTo: h.GetValidTo(),
		})
	}
	return out
}

func (p *hoursParser) exceptions(all []*directoryv1.OpeningException) (out []opening.Exception) {
	for _, e := range all {
		converted := opening.Exception{
			From: e.GetFrom(), To: e.GetTo(), RRule: e.GetRrule(), Closed: e.GetClosed(), Reason: e.GetReason(),
		}
		for _, t := range e.GetHours() {
			times := opening.TimeRange{Opens: p.timeOfDay(t.GetOpens()), Closes: p.timeOfDay(t.GetCloses())}
			converted.Hours = append(converted.Hours, times)
		}
		out = append(out, converted)
	}
	return out
}

var holidayRules = map[directoryv1.HolidayRule]opening.HolidayRule{
	directoryv1.HolidayRule_HOLIDAY_RULE_CLOSED:    opening.HolidaysClosed,
	directoryv1.HolidayRule_HOLIDAY_RULE_OPEN:      opening.HolidaysOpen,
	directoryv1.HolidayRule_HOLIDAY_RULE_NOT_GIVEN: opening.HolidaysNotGiven,
}

func (p *hoursParser) timeOfDay(text string) (t opening.TimeOfDay) {
	if err := t.UnmarshalText([]byte(text)); err != nil && p.err == nil {
		p.err = err
	}
	return t
}
