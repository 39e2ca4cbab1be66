package e2e_test

import (
	"strings"
	"testing"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
)

const (
	desk     = "office/cremona-sportello"
	dept     = "office/cuneo-nodo"
	house    = "office/milano-casa-dei-diritti"
	anticorr = "office/cremona-ufficio-anticorruzione"
	centre   = "office/cremona-centro-locale-parita"
	voice    = "programme/la-voce-che-rompe-il-silenzio"
	fami     = "programme/fami-piemonte-2021-2027"
	groups   = "initiative/gruppi-di-confronto-2024"
)

// missionRows is the mission table, as somebody with the five documents before them would check it. It is written apart from
// the data of the directory: an error in one of them shows.
func missionRows() []row {
	return append(append(append(cremonaDesk(), cuneoDepartment()...), piemonteProject()...), append(cremonaProject(), milanoHouse()...)...)
}

// cremonaDesk is seed 0.
func cremonaDesk() []row {
	return []row{
		{number: 1, what: "office page, printable and PDF", facts: []fact{{desk, "name", "Sportello Antidiscriminazioni"}}, do: printed},
		{number: 2, what: "contacts, the e-mail not given", facts: []fact{{desk, "addresses.postcode", "26100"}, {desk, "addresses.municipality", "019036"}, {desk, "phones.number", "0372 407364"}}, do: noEmail},
		{number: 3, what: "weekly hours", do: hours("cremona-sportello", "", "2 09:00-13:00", "3 09:00-17:00", "4 09:00-13:00")},
		{number: 4, what: "appointment advised", facts: []fact{{desk, "access_rule", "APPOINTMENT_ADVISED"}}},
		{number: 5, what: "first-level service open to citizens", facts: []fact{{desk, "description", "primo livello"}, {desk, "kind", "ANTENNA"}}},
		{number: 6, what: "every factor", do: finds("cremona-sportello", &directoryv1.FindOfficesRequest{Territory: "019036", Ground: "GENDER_IDENTITY"})},
		{number: 7, what: "information", facts: []fact{{desk, "services.type", "AWARENESS"}, {desk, "services.type", "ORIENTATION"}}},
		{number: 8, what: "orientation to services and tools", facts: []fact{{desk, "services.name", "Orientamento ai servizi e agli strumenti di tutela"}}},
		{number: 9, what: "reports of victims or witnesses, also anonymous", facts: []fact{{desk, "services.type", "REPORT_COLLECTION"}}, do: takes("cremona", func(c *intakev1.ReportContent) {
			c.Anonymous, c.Contact, c.Consents, c.ReporterRole = true, nil, nil, "WITNESS"
		})},
		{number: 10, what: "confidential interview", facts: []fact{{desk, "services.type", "INTERVIEW"}}, pending: "pari.intake.v1.IntakeService.RequestInterview"},
		{number: 11, what: "examine reports, activate tools", facts: []fact{{desk, "description", "attiva gli strumenti"}}, do: hasMethod("pari.casemanagement.v1.CaseManagementService.RecordAction")},
		{number: 12, what: "confidentiality", do: hasMethod("pari.intake.v1.IntakeService.SubmitReport"), pending: "pari.intake.v1.IntakeService.GetPrivacyNotice"},
		{number: 13, what: "advice for local bodies", facts: []fact{{desk, "services.type", "ADVICE_TO_BODIES"}, {desk, "recipients", "BODY_OPERATORS"}}},
		{number: 14, what: "territorial antenna of the regional network", facts: []fact{{"node/cremona", "supervised_by", "centro-lombardia"}, {desk, "network_roles", "Antenna territoriale"}}},
		{number: 15, what: "lead of the Rete Antidiscriminazioni di Cremona", facts: []fact{{"network/rete-antidiscriminazioni-cremona", "lead", desk}, {"network/rete-antidiscriminazioni-cremona", "members.role", "capofila"}}},
		{number: 16, what: "founded by resolution within the Centro Locale di Parità", facts: []fact{{"act/cremona-delibera-sportello", "kind", "ACT_KIND_RESOLUTION"}, {"act/cremona-delibera-sportello", "about", centre}, {"act/cremona-delibera-sportello", "about", desk}}},
		{number: 17, what: "reception, orientation, advice, collection", facts: []fact{{desk, "services.type", "RECEPTION"}, {desk, "services.type", "ORIENTATION"}, {desk, "services.type", "COUNSELLING"}, {desk, "services.type", "REPORT_COLLECTION"}}},
		{number: 18, what: "information and awareness for all", facts: []fact{{desk, "services.type", "AWARENESS"}, {desk, "recipients", "ALL_CITIZENS"}}},
		{number: 19, what: "training of employees and operators", facts: []fact{{"course/formazione-cremona", "participants", "MUNICIPAL_STAFF"}, {"course/formazione-cremona", "participants", "BODY_OPERATORS"}}},
		{number: 20, what: "recipients", facts: []fact{{desk, "recipients", "ALL_CITIZENS"}, {desk, "recipients", "BODY_OPERATORS"}}},
		{number: 21, what: "direct, free, no charge", facts: []fact{{desk, "fee", "FREE"}, {desk, "services.access_modes", "DIRECT_FREE"}}},
		{number: 22, what: "services managed by the office", do: servicesWithoutPages},
	}
}

// cuneoDepartment is seed 1.
func cuneoDepartment() []row {
	return []row{
		{number: 23, what: "department since 2002", facts: []fact{{dept, "description", "nato nel 2002"}, {dept, "body", "Città di Cuneo"}}},
		{number: 24, what: "awareness campaigns", facts: []fact{{"initiative/sensibilizzazione-cuneo", "types", "CAMPAIGN"}, {"initiative/sensibilizzazione-cuneo", "organisers", dept}}},
		{number: 25, what: "provincial node since January 2021, one of eight", facts: []fact{{"node/cuneo", "stages.from", "2021-01"}, {"node/cuneo", "stages.note", "uno degli otto Nodi piemontesi"}, {"node/cuneo", "hosts.body", "body/comune-di-cuneo"}}},
		{number: 26, what: "gender mainstreaming", facts: []fact{{"programme/obiettivi-di-genere-cuneo", "kind", "PROGRAMME_KIND_POLICY"}, {"programme/obiettivi-di-genere-cuneo", "description", "riequilibrare le disparità"}}},
		{number: 27, what: "services for women suffering violence", do: finds("cuneo-nodo", &directoryv1.FindOfficesRequest{Territory: "004078", Service: "GENDER_VIOLENCE"})},
		{number: 28, what: "Rete antiviolenza Cuneo", facts: []fact{{"network/rete-antiviolenza-cuneo", "lead", dept}, {"network/rete-antiviolenza-cuneo", "members.role", "coordinamento"}}},
		{number: 29, what: "awareness on violence", facts: []fact{{dept, "services.name", "Sensibilizzazione sul tema della violenza"}}},
		{number: 30, what: "school actions", facts: []fact{{"initiative/scuole-stereotipi-cuneo", "types", "SCHOOL_LAB"}, {"initiative/scuole-stereotipi-cuneo", "recipients", "CHILDREN_SCHOOLS"}}},
		{number: 31, what: "festival 8 marzo è tutto l'anno", facts: []fact{{"initiative/otto-marzo-tutto-l-anno", "types", "FESTIVAL"}, {"initiative/otto-marzo-tutto-l-anno", "anniversaries", "D0308"}, {"initiative/otto-marzo-tutto-l-anno", "anniversaries", "D1125"}}},
		{number: 32, what: "courses for women, self-defence too", facts: []fact{{"initiative/corsi-per-le-donne", "types", "SELF_DEFENCE"}, {"initiative/corsi-per-le-donne", "recipients", "WOMEN"}}},
		{number: 33, what: "Laboratorio Donna", facts: []fact{{"network/laboratorio-donna", "lead", dept}, {"network/laboratorio-donna", "purpose", "partecipazione sui temi delle pari opportunità"}}},
		{number: 34, what: "node: reception to case management", facts: []fact{{dept, "services.type", "RECEPTION"}, {dept, "services.type", "CASE_MANAGEMENT"}}, do: hasMethod("pari.casemanagement.v1.CaseManagementService.OpenCase")},
		{number: 35, what: "node: territorial network", facts: []fact{{"network/rete-territoriale-cuneo", "lead", dept}, {"network/rete-territoriale-cuneo", "node", "cuneo"}}},
		{number: 36, what: "node: information", facts: []fact{{dept, "services.name", "Informazione, comunicazione e sensibilizzazione"}}},
		{number: 37, what: "node: monitoring and data", facts: []fact{{dept, "services.type", "MONITORING"}}, do: hasMethod("pari.reporting.v1.ReportingService.GetTable")},
		{number: 38, what: "supervision by the Centro regionale", facts: []fact{{"node/cuneo", "supervised_by", "centro-piemonte"}, {"node/centro-piemonte", "level", "NODE_LEVEL_REGIONAL_CENTRE"}}},
		{number: 39, what: "Piano di Azioni Positive", facts: []fact{{"programme/piano-azioni-positive-cuneo", "kind", "PROGRAMME_KIND_PLAN"}, {"programme/piano-azioni-positive-cuneo", "partners", dept}, {"programme/piano-azioni-positive-cuneo", "recipients", "EMPLOYEES"}}},
	}
}

// piemonteProject is seed 2.
func piemonteProject() []row {
	return []row{
		{number: 40, what: "UNAR, FAMI 2021-27, 600,000 € in two years", facts: []fact{{fami, "budget.total_cents", "60000000"}, {fami, "budget.months", "24"}, {fami, "budget.fund", "FAMI 2021-2027"}, {"act/piemonte-adesione-unar-fami", "parties", "body/unar"}}},
		{number: 41, what: "stronger territorial networks", facts: []fact{{fami, "actions.title", "Rafforzare le reti territoriali"}, {fami, "actions.services", "NETWORK_COORDINATION"}}},
		{number: 42, what: "working table", facts: []fact{{"initiative/tavolo-piemonte", "types", "TABLE_MEETING"}, {"initiative/tavolo-piemonte", "programme", fami}}},
		{number: 43, what: "training of desk operators", facts: []fact{{"course/operatori-piemonte", "participants", "DESK_OPERATORS"}, {"course/operatori-piemonte", "programme", fami}}},
		{number: 44, what: "stronger regional centre", facts: []fact{{fami, "actions.title", "Potenziare il Centro antidiscriminazione regionale"}}},
		{number: 45, what: "information campaign", facts: []fact{{"initiative/campagna-rete-piemonte", "types", "CAMPAIGN"}, {"initiative/campagna-rete-piemonte", "programme", fami}}},
		{number: 46, what: "empowerment of third-country nationals", facts: []fact{{"initiative/empowerment-paesi-terzi", "recipients", "TCN"}, {fami, "actions.services", "EMPOWERMENT"}}},
		{number: 47, what: "legal advice for victims", facts: []fact{{fami, "actions.services", "LEGAL_ADVICE"}}},
		{number: 48, what: "regional web platform", facts: []fact{{"network/rete-regionale-piemonte", "links.url", "https://piemontecontrolediscriminazioni.it"}}, do: takes("cuneo", func(c *intakev1.ReportContent) { c.IncidentPlace = "004078" })},
		{number: 49, what: "stronger desks and online services", facts: []fact{{fami, "actions.title", "servizi online"}, {"office/cuneo-sportello-meet", "kind", "DESK"}}},
		{number: 50, what: "the newspaper's own functions", outside: "search, comments, newsletter and digital edition are the newspaper's"},
	}
}

// cremonaProject is seed 3.
func cremonaProject() []row {
	return []row{
		{number: 51, what: "content record", facts: []fact{{voice, "provenance.published_on", "2018-02-14"}, {voice, "provenance.changed_on", "2020-11-25"}, {anticorr, "published_on", "2018-02-14"}, {anticorr, "changed_on", "2020-11-25"}, {voice, "links.url", "https://www.comune.cremona.it/node/421018"}, {voice, "links.url", "https://www.comune.cremona.it/node/420931"}}},
		{number: 52, what: "ISO 9001 of the Polizia Locale", facts: []fact{{"act/cremona-iso-9001-polizia-locale", "kind", "ACT_KIND_CERTIFICATION"}, {"act/cremona-iso-9001-polizia-locale", "links.url", "https://www.comune.cremona.it/node/478384"}}},
		{number: 53, what: "agreement under art. 20 L.R. 17/2015", facts: []fact{{"act/accordo-lombardia-vittime-mafia", "legal_basis", "art. 20 L.R. Lombardia 17/2015"}, {"act/accordo-lombardia-vittime-mafia", "parties", "body/regione-lombardia"}, {voice, "acts", "act/accordo-lombardia-vittime-mafia"}}},
		{number: 54, what: "(a) training in modules by type of participant", facts: []fact{{"course/reati-spia", "modules.code", "reati-spia"}, {"course/reati-spia", "modules.participants", "LOCAL_POLICE"}, {"course/reati-spia", "participants", "UNIONS"}, {"course/reati-spia", "participants", "TRADE_ASSOC"}, {"course/reati-spia", "participants", "FFOO"}}},
		{number: 55, what: "(a) legal protection tools, indicator crimes", facts: []fact{{"course/reati-spia", "kinds", "REATI_SPIA"}, {"course/reati-spia", "modules.title", "Strumenti di tutela"}, {voice, "actions.letter", "a"}}},
		{number: 56, what: "(b) material assistance", facts: []fact{{voice, "actions.services", "MATERIAL_HELP"}, {voice, "actions.letter", "b"}}},
		{number: 57, what: "(c) psychological assistance under supervision", facts: []fact{{voice, "actions.services", "PSYCHOLOGICAL"}, {voice, "actions.description", "supervisione di esperti di criminologia e vittimologia"}}},
		{number: 58, what: "(d) campaigns per target", facts: []fact{{"initiative/voce-campagne", "types", "CAMPAIGN"}, {voice, "actions.entries", "initiative/voce-campagne"}}},
		{number: 59, what: "(e) theatre, study days, working groups, films, testimonies", facts: []fact{{"initiative/voce-eventi-culturali", "types", "THEATRE"}, {"initiative/voce-eventi-culturali", "types", "STUDY_DAY"}, {"initiative/voce-eventi-culturali", "types", "WORKING_GROUP"}, {"initiative/voce-eventi-culturali", "types", "FILM"}, {"initiative/voce-eventi-culturali", "types", "TESTIMONY"}}},
		{number: 60, what: "reference office 1", facts: []fact{{voice, "reference_offices", anticorr}, {anticorr, "addresses.street", "Piazza del Comune, 8"}, {anticorr, "addresses.street", "Piazza Stradivari, 7"}, {anticorr, "phones.number", "0372 407066"}, {anticorr, "emails.address", "ufficio.anticorruzione@comune.cremona.it"}}},
		{number: 61, what: "reference office 2", facts: []fact{{voice, "reference_offices", centre}, {centre, "addresses.street", "Corso Vittorio Emanuele II, 42"}, {centre, "phones.number", "0372 407006"}, {centre, "phones.number", "0372 407222"}, {centre, "emails.address", "pariopportunita@comune.cremona.it"}}},
	}
}

// milanoHouse is seed 4.
func milanoHouse() []row {
	morning := []string{}
	for _, day := range []string{"1", "2", "3", "4", "5"} {
		morning = append(morning, day+" 08:30-12:30", day+" 13:30-15:30")
	}
	return []row{
		{number: 62, what: "Casa dei Diritti", facts: []fact{{house, "kind", "RIGHTS_HOUSE"}, {house, "services.name", "Sportelli informativi e di orientamento"}}},
		{number: 63, what: "exhibitions, conferences, meetings", facts: []fact{{"initiative/milano-mostre-convegni-incontri", "types", "EXHIBITION"}, {"initiative/milano-mostre-convegni-incontri", "types", "CONFERENCE"}, {"initiative/milano-mostre-convegni-incontri", "types", "PUBLIC_MEETING"}}},
		{number: 64, what: "against prejudice", facts: []fact{{"initiative/milano-mostre-convegni-incontri", "description", "contrastare i pregiudizi"}}},
		{number: 65, what: "against gender violence, discrimination, trafficking", facts: []fact{{house, "services.type", "GENDER_VIOLENCE"}, {house, "services.type", "TRAFFICKING"}}},
		{number: 66, what: "room F. Bomprezzi, theme check", facts: []fact{{"room/sala-bomprezzi", "office", house}, {"room/sala-bomprezzi", "themes", "diritti civili, sociali e umani"}}, pending: "pari.intake.v1.IntakeService.RequestRoom"},
		{number: 67, what: "discussion groups, 18-35, free", facts: []fact{{groups, "types", "DISCUSSION_GROUP"}, {groups, "age_from", "18"}, {groups, "age_to", "35"}, {groups, "fee", "FREE"}, {groups, "recipients", "YOUTH_LGBTQIA"}}},
		{number: 68, what: "themes and aims", facts: []fact{{groups, "themes", "La prima volta"}, {groups, "themes", "Coming out"}, {groups, "themes", "Lavoro"}, {groups, "themes", "Casa"}, {groups, "description", "il dialogo con i Servizi"}}},
		{number: 69, what: "eight Mondays from 8 April 2024", do: eightMondays},
		{number: 70, what: "enrolment", facts: []fact{{groups, "enrolment_emails.address", "rainbow.desk@cooplotta.org"}, {groups, "enrolment_emails.address", "antidiscriminazioni@comune.milano.it"}, {groups, "enrolment_phones.number", "3667541034"}, {groups, "enrolment_phones.whatsapp", "true"}}, pending: "pari.intake.v1.IntakeService.Enrol"},
		{number: 71, what: "two entrances", facts: []fact{{house, "addresses.street", "via De Amicis, 10"}, {house, "addresses.street", "via Dei Fabbri, 9"}, {house, "addresses.purpose", "ADDRESS_PURPOSE_ACCESSIBLE_ENTRANCE"}}},
		{number: 72, what: "telephone hours and e-mail", facts: []fact{{house, "emails.address", "pss.casadeidiritti@comune.milano.it"}}, do: hours("milano-casa-dei-diritti", "02 884 41641", morning...)},
		{number: 73, what: "events calendar page", facts: []fact{{house, "links.title", "Calendario eventi"}}, do: calendar},
		{number: 74, what: "gender violence by mail, desk, telephone", do: byMailDeskPhone("GENDER_VIOLENCE")},
		{number: 75, what: "trafficking by mail, desk, telephone", do: byMailDeskPhone("TRAFFICKING")},
	}
}

// printed: the page holds what the document prints, and a rule for paper, from which a browser makes the PDF.
func printed(t *testing.T, w *mission) {
	t.Helper()
	got, err := w.directory.PrintOffice(soon(t), &directoryv1.PrintOfficeRequest{OfficeId: "cremona-sportello"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<h1", "Sportello Antidiscriminazioni", "0372 407364", "09:00", "17:00", "@media print"} {
		if !strings.Contains(string(got.GetContent()), want) {
			t.Errorf("the page does not hold %q", want)
		}
	}
	sheets, err := w.directory.PrintOffice(soon(t), &directoryv1.PrintOfficeRequest{OfficeId: "cremona-sportello", Format: directoryv1.PrintFormat_PRINT_FORMAT_PDF})
	if err != nil || sheets.GetMediaType() != "application/pdf" || !strings.HasPrefix(string(sheets.GetContent()), "%PDF-") {
		t.Errorf("as PDF: %s, %v", sheets.GetMediaType(), err)
	}
}

func noEmail(t *testing.T, w *mission) {
	t.Helper()
	got, err := w.directory.GetOffice(soon(t), &directoryv1.GetOfficeRequest{OfficeId: "cremona-sportello"})
	if err != nil || len(got.GetOffice().GetEmails()) != 0 {
		t.Errorf("e-mails %v, %v", got.GetOffice().GetEmails(), err)
	}
}

// servicesWithoutPages: the list is blank in the document; what the text says that the desk does is there, without pages.
func servicesWithoutPages(t *testing.T, w *mission) {
	t.Helper()
	got, err := w.directory.GetOffice(soon(t), &directoryv1.GetOfficeRequest{OfficeId: "cremona-sportello"})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range got.GetOffice().GetServices() {
		if s.GetUrl() != "" {
			t.Errorf("service %s has a page, which the document does not give", s.GetType())
		}
	}
}

func eightMondays(t *testing.T, w *mission) {
	t.Helper()
	got, err := w.directory.GetEntry(soon(t), &directoryv1.GetEntryRequest{Kind: "initiative", Id: "gruppi-di-confronto-2024"})
	if err != nil {
		t.Fatal(err)
	}
	sessions := got.GetEntry().GetInitiative().GetSessions()
	if len(sessions) != 8 || sessions[0].GetDate() != "2024-04-08" || sessions[7].GetDate() != "2024-05-27" {
		t.Errorf("sessions are %v", sessions)
	}
	for _, s := range sessions {
		if s.GetOpens() != "14:30" || s.GetCloses() != "17:00" || s.GetTheme() != "" {
			t.Errorf("session %v", s)
		}
	}
}

func calendar(t *testing.T, w *mission) {
	t.Helper()
	got, err := w.directory.GetInitiativeCalendar(soon(t), &directoryv1.GetInitiativeCalendarRequest{Node: "milano"})
	if err != nil || strings.Count(got.GetContent(), "BEGIN:VEVENT") != 8 || !strings.Contains(got.GetContent(), "DTSTART:20240408T123000Z") {
		t.Errorf("the calendar of Milano: %v\n%s", err, got.GetContent())
	}
}

func byMailDeskPhone(service string) func(*testing.T, *mission) {
	return func(t *testing.T, w *mission) {
		t.Helper()
		for _, mode := range []string{"MAIL", "DESK", "PHONE"} {
			finds("milano-casa-dei-diritti", &directoryv1.FindOfficesRequest{Territory: "015146", Service: service, AccessMode: mode})(t, w)
		}
	}
}
