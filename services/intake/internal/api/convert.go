package api

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/pkg/identity"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	"github.com/retepari/pari/services/intake/internal/report"
)

func actorFromCaller(c identity.Principal) report.Actor {
	return report.Actor{Person: c.Person, Tenant: c.Tenant(), System: c.Program.Name}
}

func contentFromProto(c *intakev1.ReportContent) (report.CodedContent, report.PersonalContent) {
	coded := report.CodedContent{
		Channel: c.GetChannel(), ReporterRole: c.GetReporterRole(), Anonymous: c.GetAnonymous(),
		Grounds: c.GetGrounds(), Wish: c.GetWish(), IncidentPlace: c.GetIncidentPlace(),
		Language: c.GetLanguage(), Urgent: c.GetUrgent(), NoticeVersion: c.GetNoticeVersion(),
	}
	for _, consent := range c.GetConsents() {
		coded.Consents = append(coded.Consents,
			report.Consent{Code: consent.GetCode(), Status: consent.GetStatus()})
	}
	personal := report.PersonalContent{Narrative: c.GetNarrative()}
	if contact := c.GetContact(); contact != nil {
		personal.Contact = &report.Contact{
			Name: contact.GetName(), Phone: contact.GetPhone(), Email: contact.GetEmail(),
			SafeContact: contact.GetSafeContact(),
		}
	}
	if d := c.GetIncidentDate(); d != nil {
		personal.IncidentDate = &report.PartialDate{Year: d.GetYear(), Month: d.GetMonth(), Day: d.GetDay()}
	}
	return coded, personal
}

func contactToProto(c *report.Contact) *intakev1.Contact {
	return &intakev1.Contact{Name: c.Name, Phone: c.Phone, Email: c.Email, SafeContact: c.SafeContact}
}

func dateToProto(d *report.PartialDate) *recordv1.PartialDate {
	return &recordv1.PartialDate{Year: d.Year, Month: d.Month, Day: d.Day}
}

// reportToProto returns the basic view, which has no personal content.
func reportToProto(r *report.Report) *intakev1.Report {
	c := r.CodedContent
	out := &intakev1.Report{
		ReportId: r.ID, Number: r.Number, Region: r.Tenant.Region, Node: r.Tenant.Node,
		ReceivedAt: timestamppb.New(r.ReceivedAt),
		State:      stateToProto(r.State), Version: r.Version, CaseId: r.CaseID, CaseNumber: r.CaseNumber,
		Content: &intakev1.ReportContent{
			Channel: c.Channel, ReporterRole: c.ReporterRole, Anonymous: c.Anonymous, Grounds: c.Grounds, Wish: c.Wish,
			IncidentPlace: c.IncidentPlace, Language: c.Language, Urgent: c.Urgent, NoticeVersion: c.NoticeVersion,
		},
	}
	for _, consent := range c.Consents {
		out.Content.Consents = append(out.Content.Consents,
			&intakev1.Consent{Code: consent.Code, Status: consent.Status})
	}
	return out
}

func historyToProto(history []report.HistoryEntry) []*recordv1.HistoryEntry {
	var out []*recordv1.HistoryEntry
	for _, h := range history {
		out = append(out, &recordv1.HistoryEntry{
			Version: h.Version, At: timestamppb.New(h.At), What: h.What,
			FromState: string(h.From), ToState: string(h.To),
			By: actorToProto(h.By),
		})
	}
	return out
}

func stateToProto(s report.State) intakev1.ReportState {
	switch s {
	case report.Received:
		return intakev1.ReportState_REPORT_STATE_RECEIVED
	case report.HandingOver:
		return intakev1.ReportState_REPORT_STATE_HANDING_OVER
	case report.TakenInCharge:
		return intakev1.ReportState_REPORT_STATE_TAKEN_IN_CHARGE
	}
	return intakev1.ReportState_REPORT_STATE_UNSPECIFIED
}

// stateFromProto converts a filter; "" stands for every state.
func stateFromProto(s intakev1.ReportState) report.State {
	switch s {
	case intakev1.ReportState_REPORT_STATE_RECEIVED:
		return report.Received
	case intakev1.ReportState_REPORT_STATE_HANDING_OVER:
		return report.HandingOver
	case intakev1.ReportState_REPORT_STATE_TAKEN_IN_CHARGE:
		return report.TakenInCharge
	case intakev1.ReportState_REPORT_STATE_UNSPECIFIED:
	}
	return ""
}

func actorToProto(a report.Actor) *recordv1.Actor {
	return &recordv1.Actor{Person: a.Person, Region: a.Tenant.Region, Node: a.Tenant.Node, System: a.System}
}
