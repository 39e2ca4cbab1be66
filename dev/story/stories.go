package story

import (
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
)

// Story is an invented incident: what is reported, and what the node does with it.
type Story struct {
	Number      int
	Title, Node string
	Report      *intakev1.ReportContent
	// Copies is how many persons submit the same report; 0 means one.
	Copies     int
	Assessment *casemanagementv1.Assessment
	Actions    []*casemanagementv1.RecordActionRequest
	// Close is nil when the case stays open.
	Close *casemanagementv1.CloseCaseRequest
}

// actions is short for a list of recorded actions.
type actions = []*casemanagementv1.RecordActionRequest

func action(code, result string, minutes int32) *casemanagementv1.RecordActionRequest {
	return &casemanagementv1.RecordActionRequest{Code: code, Result: result, Minutes: minutes}
}

func referral(code, target string) *casemanagementv1.RecordActionRequest {
	return &casemanagementv1.RecordActionRequest{Code: code, Result: "DONE", ReferralTarget: target, Minutes: 30}
}

func closing(outcome string, secondary ...string) *casemanagementv1.CloseCaseRequest {
	return &casemanagementv1.CloseCaseRequest{Outcome: outcome, SecondaryOutcomes: secondary, PersonInformed: true}
}

func consents(codes ...string) []*intakev1.Consent {
	var all []*intakev1.Consent
	for _, c := range codes {
		all = append(all, &intakev1.Consent{Code: c, Status: "GIVEN"})
	}
	return all
}

const noticeVersion = "2026-01"

// All returns the acceptance stories. They leave out what the services do not support yet: the dialogue through the
// receipt code, the transfer of cases, and the joining of reports.
func All() []Story {
	return []Story{
		{
			Number: 1, Title: "Turban at the bar", Node: "cremona",
			Report: &intakev1.ReportContent{
				Channel: "WEB_FORM", ReporterRole: "WITNESS", Anonymous: true,
				Grounds: []string{"RELIGION_OTHER", "ETHNIC_ORIGIN"}, Wish: "REGISTER_ONLY",
				IncidentPlace: "019035",
				Narrative: "Al bar non hanno servito due braccianti con il turbante; " +
					"sono entrati altri clienti e sono stati serviti.",
				Language: "it", NoticeVersion: noticeVersion,
			},
			Assessment: &casemanagementv1.Assessment{
				Verdict: "PERTINENT_LEGAL", Grounds: []string{"RELIGION_OTHER", "ETHNIC_ORIGIN"},
				MainGround: "RELIGION_OTHER", Type: "DIRECT", Flags: []string{"MULTIPLE"},
				Field: "PUBLIC_VENUE", AuthorKinds: []string{"BUSINESS"}, EventPlace: "019035", Residence: "ND",
				Sensitivity: "S3",
			},
			Actions: actions{action("LETTER", "DONE", 60), action("MONITOR", "DONE", 15)},
			Close:   closing("REMOVED_SPONTANEOUS"),
		},
		{
			Number: 2, Title: "Not to foreigners", Node: "cuneo",
			Report: &intakev1.ReportContent{
				Channel: "INFO_POINT", ReporterRole: "VICTIM", Grounds: []string{"NATIONALITY", "SKIN_COLOUR"},
				Wish: "HELP", IncidentPlace: "004203",
				Narrative: "L'agenzia ha detto che il proprietario non affitta a stranieri.", Language: "fr",
				NoticeVersion: noticeVersion,
				Contact: &intakev1.Contact{
					Name: "Moussa Esempio", Phone: "0175 000000", SafeContact: "solo dopo le 18",
				},
				Consents: consents("C_CONTACT", "C_WORK", "C_PARTNER"),
			},
			Assessment: &casemanagementv1.Assessment{
				Verdict: "PERTINENT_LEGAL", Grounds: []string{"NATIONALITY", "SKIN_COLOUR"},
				MainGround: "NATIONALITY", Type: "DIRECT", Field: "HOUSING_RENT",
				AuthorKinds: []string{"ESTATE_AGENCY"}, EventPlace: "004203", Residence: "004203",
				Sensitivity: "S3",
			},
			Actions: actions{
				action("LANGUAGE_MEDIATION", "DONE", 45), action("CONCILIATION", "DONE", 120),
				action("TRAINING_AUTHOR", "PENDING", 15),
			},
			Close: closing("CONCILIATED"),
		},
		{
			Number: 4, Title: "Summer camp", Node: "cuneo",
			Report: &intakev1.ReportContent{
				Channel: "EMAIL", ReporterRole: "LEGAL_GUARDIAN", Grounds: []string{"DISABILITY"}, Wish: "HELP",
				IncidentPlace: "004130",
				Narrative:     "Il centro estivo non prende mio figlio perché manca il personale.", Language: "it",
				NoticeVersion: noticeVersion,
				Contact:       &intakev1.Contact{Name: "Lucia Esempio", Email: "lucia@example.it"},
				Consents:      consents("C_CONTACT", "C_WORK", "C_AUTHOR"),
			},
			Assessment: &casemanagementv1.Assessment{
				Verdict: "PERTINENT_LEGAL", Grounds: []string{"DISABILITY"}, MainGround: "DISABILITY",
				Type: "DENIAL_ACCOMMODATION", Field: "EDU_CHILDCARE",
				AuthorKinds: []string{"PUBLIC_MUNICIPALITY"}, EventPlace: "004130", Residence: "004130",
				Sensitivity: "S3",
			},
			Actions: actions{
				action("REASONABLE_ACCOMMODATION_REQUEST", "DONE", 60), action("DIFFIDA", "DONE", 90),
				action("MONITOR", "PENDING", 10),
			},
			Close: closing("ACCOMMODATED"),
		},
		{
			Number: 5, Title: "The Comune itself", Node: "cremona",
			Report: &intakev1.ReportContent{
				Channel: "PEC", ReporterRole: "ASSOCIATION", Grounds: []string{"NATIONALITY"}, Wish: "HELP",
				IncidentPlace: "019036",
				Narrative:     "Il regolamento chiede ai genitori non comunitari documenti del paese di origine.",
				Language:      "it", NoticeVersion: noticeVersion,
				Contact:  &intakev1.Contact{Name: "Associazione Esempio", Email: "associazione@example.it"},
				Consents: consents("C_CONTACT", "C_WORK"),
			},
			Assessment: &casemanagementv1.Assessment{
				Verdict: "PERTINENT_LEGAL", Grounds: []string{"NATIONALITY"}, MainGround: "NATIONALITY",
				Type: "INDIRECT", Flags: []string{"COLLECTIVE"},
				Field: "SOCIAL_PROTECTION", AuthorKinds: []string{"PUBLIC_MUNICIPALITY_HOST"}, EventPlace: "019036",
				Residence: "019036", Sensitivity: "S2",
			},
			Actions: actions{action("DIFFIDA", "FAILED", 90), action("COURT_ART28", "DONE", 240)},
			Close:   closing("COURT_WON", "RULE_CHANGED"),
		},
		{
			Number: 6, Title: "Behind the landlord", Node: "milano",
			Report: &intakev1.ReportContent{
				Channel: "DESK", ReporterRole: "VICTIM", Grounds: []string{"SKIN_COLOUR"}, Wish: "TALK",
				IncidentPlace: "015146", Urgent: true,
				Narrative: "Insulti del padrone di casa; nel colloquio emerge altro.", Language: "en",
				NoticeVersion: noticeVersion,
				Contact:       &intakev1.Contact{SafeContact: "non telefonare: passa lei"},
				Consents:      consents("C_WORK"),
			},
			Assessment: &casemanagementv1.Assessment{
				Verdict: "CRIME", Grounds: []string{"SKIN_COLOUR"}, MainGround: "SKIN_COLOUR", Type: "HARASSMENT",
				Field:       "HOUSING_RENT",
				AuthorKinds: []string{"LANDLORD"}, EventPlace: "015146", Residence: "ND", Sensitivity: "S4",
			},
			Actions: actions{referral("REFERRAL", "ANTITRAFFICKING")},
			Close:   closing("REFERRED_ACCEPTED"),
		},
		{
			Number: 8, Title: "Two thousand clicks", Node: "cuneo", Copies: 2140,
			Report: &intakev1.ReportContent{
				Channel: "WEB_FORM", ReporterRole: "WITNESS", Anonymous: true, Grounds: []string{"SKIN_COLOUR"},
				Wish: "REGISTER_ONLY", IncidentPlace: "ONLINE",
				Narrative: "Commenti razzisti sotto la notizia della pagina locale.", Language: "it",
				NoticeVersion: noticeVersion,
			},
			Assessment: &casemanagementv1.Assessment{
				Verdict: "PERTINENT_LEGAL", Grounds: []string{"SKIN_COLOUR"}, MainGround: "SKIN_COLOUR",
				Type: "HATE_SPEECH", Flags: []string{"ONLINE"},
				Field: "MEDIA_ONLINE", AuthorKinds: []string{"PRIVATE_PERSON", "PLATFORM"},
				IncidentMonth: &recordv1.Month{Year: 2026, Month: 1},
				EventPlace:    "ONLINE", Residence: "ND", Sensitivity: "S2",
			},
			Actions: actions{action("CONTENT_REMOVAL", "PARTLY", 120), referral("ESCALATION", "OSCAD")},
			Close:   closing("PARTIAL"),
		},
		{
			Number: 9, Title: "Not discrimination, still a victim", Node: "cremona",
			Report: &intakev1.ReportContent{
				Channel: "APPOINTMENT", ReporterRole: "VICTIM", Grounds: []string{"NATIONAL_ORIGIN"}, Wish: "TALK",
				IncidentPlace: "019036",
				Narrative:     "I fornitori lo evitano; nel colloquio emergono prestiti e minacce.", Language: "it",
				NoticeVersion: noticeVersion,
				Contact:       &intakev1.Contact{Name: "Arben Esempio", SafeContact: "solo di persona"},
				Consents:      consents("C_WORK"),
			},
			Assessment: &casemanagementv1.Assessment{
				Verdict: "CRIME", Grounds: []string{"NATIONAL_ORIGIN"}, MainGround: "NATIONAL_ORIGIN",
				Type: "UNDETERMINED", Field: "SELF_EMPLOYMENT",
				AuthorKinds: []string{"GROUP"}, EventPlace: "019036", Residence: "019036", Sensitivity: "S4",
			},
			Actions: actions{
				action("PSYCHOLOGICAL", "DONE", 60), action("MATERIAL_HELP", "DONE", 30),
				action("SUPPORT_COMPLAINT", "DONE", 90),
			},
			Close: closing("REFERRED_ACCEPTED"),
		},
	}
}
