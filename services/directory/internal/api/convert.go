package api

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
	"github.com/retepari/pari/services/directory/internal/office"
	"github.com/retepari/pari/services/directory/internal/opening"
	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

func officeToProto(o *office.Office) *directoryv1.Office {
	return &directoryv1.Office{
		OfficeId: o.ID, Name: o.Name, Kind: o.Kind, State: o.State, Region: o.Region, Node: o.Node, Body: o.Body, IpaCode: o.IPACode,
		Description: o.Description,
		Addresses:   each(o.Addresses, addressToProto),
		Phones:      each(o.Phones, phoneToProto),
		Emails: each(o.Emails, func(e office.Email) *directoryv1.Email {
			return &directoryv1.Email{Address: e.Address, Purpose: e.Purpose}
		}),
		Hours: each(o.Hours, hoursToProto), AccessRule: o.AccessRule, Fee: o.Fee, Recipients: o.Recipients,
		Services: each(o.Services, func(s office.Service) *directoryv1.Service {
			return &directoryv1.Service{Type: s.Type, Name: s.Name, AccessModes: s.AccessModes, Url: s.URL}
		}),
		Grounds: o.Grounds, Accessibility: o.Accessibility, Territories: o.Territories, NetworkRoles: o.NetworkRoles,
		Links: each(o.Links, func(l office.Link) *directoryv1.Link {
			return &directoryv1.Link{Title: l.Title, Url: l.URL}
		}),
		ValidFrom: o.ValidFrom, ValidTo: o.ValidTo, Source: o.Source, VerifiedOn: o.VerifiedOn,
		Exceptions: each(o.Exceptions, exceptionToProto), Holidays: holidaysToProto(o.Holidays),
	}
}

func addressToProto(a office.Address) *directoryv1.Address {
	return &directoryv1.Address{Purpose: purposeToProto(a.Purpose), Street: a.Street, Postcode: a.Postcode, Municipality: a.Municipality, Note: a.Note}
}

func purposeToProto(purpose string) directoryv1.AddressPurpose {
	switch purpose {
	case office.Post:
		return directoryv1.AddressPurpose_ADDRESS_PURPOSE_POST
	case office.Entrance:
		return directoryv1.AddressPurpose_ADDRESS_PURPOSE_ENTRANCE
	case office.AccessibleEntrance:
		return directoryv1.AddressPurpose_ADDRESS_PURPOSE_ACCESSIBLE_ENTRANCE
	}
	return directoryv1.AddressPurpose_ADDRESS_PURPOSE_UNSPECIFIED
}

func phoneToProto(p office.Phone) *directoryv1.Phone {
	return &directoryv1.Phone{Number: p.Number, Label: p.Label, Whatsapp: p.WhatsApp, Hours: each(p.Hours, hoursToProto)}
}

func hoursToProto(h opening.Hours) *directoryv1.Hours {
	return &directoryv1.Hours{Weekday: int32(h.Weekday), Opens: h.Opens.String(), Closes: h.Closes.String(), ValidFrom: h.ValidFrom, ValidTo: h.ValidTo}
}

func openStateToProto(s opening.State) *directoryv1.OpenState {
	return &directoryv1.OpenState{
		Known: s.Known, Open: s.Open, Until: timeToProto(s.Until), NextOpening: timeToProto(s.Next),
		Reason: reasonToProto(s.Reason), Note: s.Note, HolidayIt: s.Holiday.IT, HolidayEn: s.Holiday.EN,
	}
}

func timeToProto(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func vocabularyToProto(l vocabulary.List) *vocabularyv1.Vocabulary {
	return &vocabularyv1.Vocabulary{
		Name: l.Name, Version: int32(l.Version), TitleIt: l.TitleIT, TitleEn: l.TitleEN,
		Terms: each(l.Terms, func(t vocabulary.Term) *vocabularyv1.Term {
			return &vocabularyv1.Term{Code: t.Code, LabelIt: t.LabelIT, LabelEn: t.LabelEN, Group: t.Group, ValidFrom: t.ValidFrom, ValidTo: t.ValidTo}
		}),
	}
}

func each[From, To any](in []From, convert func(From) *To) []*To {
	out := make([]*To, 0, len(in))
	for _, one := range in {
		out = append(out, convert(one))
	}
	return out
}
