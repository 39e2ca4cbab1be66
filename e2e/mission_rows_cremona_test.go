package e2e_test

import (
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
)

// cremonaDesk returns the rows of source document 0.
func cremonaDesk() []missionRow {
	return []missionRow{
		{
			number: 1, title: "office page, printable and PDF",
			facts: []fact{{desk, "name", "Sportello Antidiscriminazioni"}},
			check: checkPrintedPage,
		},
		{
			number: 2, title: "contacts, the e-mail not given",
			facts: []fact{
				{desk, "addresses.postcode", "26100"}, {desk, "addresses.municipality", "019036"},
				{desk, "phones.number", "0372 407364"},
			},
			check: checkNoEmail,
		},
		{
			number: 3, title: "weekly hours",
			check: checkHours("cremona-sportello", "", "2 09:00-13:00", "3 09:00-17:00", "4 09:00-13:00"),
		},
		{number: 4, title: "appointment advised", facts: []fact{{desk, "access_rule", "APPOINTMENT_ADVISED"}}},
		{
			number: 5, title: "first-level service open to citizens",
			facts: []fact{{desk, "description", "primo livello"}, {desk, "kind", "ANTENNA"}},
		},
		{
			number: 6, title: "every factor",
			check: checkFinds("cremona-sportello", &directoryv1.FindOfficesRequest{
				Territory: "019036", Ground: "GENDER_IDENTITY",
			}),
		},
		{
			number: 7, title: "information",
			facts: []fact{{desk, "services.type", "AWARENESS"}, {desk, "services.type", "ORIENTATION"}},
		},
		{
			number: 8, title: "orientation to services and tools",
			facts: []fact{{desk, "services.name", "Orientamento ai servizi e agli strumenti di tutela"}},
		},
		{
			number: 9, title: "reports of victims or witnesses, also anonymous",
			facts: []fact{{desk, "services.type", "REPORT_COLLECTION"}},
			check: checkAccepts("cremona", func(c *intakev1.ReportContent) {
				c.Anonymous, c.Contact, c.Consents, c.ReporterRole = true, nil, nil, "WITNESS"
			}),
		},
		{
			number: 10, title: "confidential interview",
			facts:   []fact{{desk, "services.type", "INTERVIEW"}},
			pending: "pari.intake.v1.IntakeService.RequestInterview",
		},
		{
			number: 11, title: "examine reports, activate tools",
			facts: []fact{{desk, "description", "attiva gli strumenti"}},
			check: checkMethod("pari.casemanagement.v1.CaseManagementService.RecordAction"),
		},
		{
			number: 12, title: "confidentiality",
			check:   checkMethod("pari.intake.v1.IntakeService.SubmitReport"),
			pending: "pari.intake.v1.IntakeService.GetPrivacyNotice",
		},
		{
			number: 13, title: "advice for local bodies",
			facts: []fact{{desk, "services.type", "ADVICE_TO_BODIES"}, {desk, "recipients", "BODY_OPERATORS"}},
		},
		{
			number: 14, title: "territorial antenna of the regional network",
			facts: []fact{
				{"node/cremona", "supervised_by", "centro-lombardia"}, {desk, "network_roles", "Antenna territoriale"},
			},
		},
		{
			number: 15, title: "lead of the Rete Antidiscriminazioni di Cremona",
			facts: []fact{
				{"network/rete-antidiscriminazioni-cremona", "lead", desk},
				{"network/rete-antidiscriminazioni-cremona", "members.role", "capofila"},
			},
		},
		{
			number: 16, title: "founded by resolution within the Centro Locale di Parità",
			facts: []fact{
				{"act/cremona-delibera-sportello", "kind", "ACT_KIND_RESOLUTION"},
				{"act/cremona-delibera-sportello", "about", centre}, {"act/cremona-delibera-sportello", "about", desk},
			},
		},
		{
			number: 17, title: "reception, orientation, advice, collection",
			facts: []fact{
				{desk, "services.type", "RECEPTION"}, {desk, "services.type", "ORIENTATION"},
				{desk, "services.type", "COUNSELLING"}, {desk, "services.type", "REPORT_COLLECTION"},
			},
		},
		{
			number: 18, title: "information and awareness for all",
			facts: []fact{{desk, "services.type", "AWARENESS"}, {desk, "recipients", "ALL_CITIZENS"}},
		},
		{
			number: 19, title: "training of employees and operators",
			facts: []fact{
				{"course/formazione-cremona", "participants", "MUNICIPAL_STAFF"},
				{"course/formazione-cremona", "participants", "BODY_OPERATORS"},
			},
		},
		{
			number: 20, title: "recipients",
			facts: []fact{{desk, "recipients", "ALL_CITIZENS"}, {desk, "recipients", "BODY_OPERATORS"}},
		},
		{
			number: 21, title: "direct, free, no charge",
			facts: []fact{{desk, "fee", "FREE"}, {desk, "services.access_modes", "DIRECT_FREE"}},
		},
		{number: 22, title: "services managed by the office", check: checkServicesWithoutPages},
	}
}

// cremonaProject returns the rows of source document 3.
func cremonaProject() []missionRow {
	return []missionRow{
		{
			number: 51, title: "content record",
			facts: []fact{
				{voice, "provenance.published_on", "2018-02-14"}, {voice, "provenance.changed_on", "2020-11-25"},
				{anticorr, "published_on", "2018-02-14"}, {anticorr, "changed_on", "2020-11-25"},
				{voice, "links.url", "https://www.comune.cremona.it/node/421018"},
				{voice, "links.url", "https://www.comune.cremona.it/node/420931"},
			},
		},
		{
			number: 52, title: "ISO 9001 of the Polizia Locale",
			facts: []fact{
				{"act/cremona-iso-9001-polizia-locale", "kind", "ACT_KIND_CERTIFICATION"},
				{"act/cremona-iso-9001-polizia-locale", "links.url", "https://www.comune.cremona.it/node/478384"},
			},
		},
		{
			number: 53, title: "agreement under art. 20 L.R. 17/2015",
			facts: []fact{
				{"act/accordo-lombardia-vittime-mafia", "legal_basis", "art. 20 L.R. Lombardia 17/2015"},
				{"act/accordo-lombardia-vittime-mafia", "parties", "body/regione-lombardia"},
				{voice, "acts", "act/accordo-lombardia-vittime-mafia"},
			},
		},
		{
			number: 54, title: "(a) training in modules by type of participant",
			facts: []fact{
				{"course/reati-spia", "modules.code", "reati-spia"},
				{"course/reati-spia", "modules.participants", "LOCAL_POLICE"},
				{"course/reati-spia", "participants", "UNIONS"}, {"course/reati-spia", "participants", "TRADE_ASSOC"},
				{"course/reati-spia", "participants", "FFOO"},
			},
		},
		{
			number: 55, title: "(a) legal protection tools, indicator crimes",
			facts: []fact{
				{"course/reati-spia", "kinds", "REATI_SPIA"},
				{"course/reati-spia", "modules.title", "Strumenti di tutela"}, {voice, "actions.letter", "a"},
			},
		},
		{
			number: 56, title: "(b) material assistance",
			facts: []fact{{voice, "actions.services", "MATERIAL_HELP"}, {voice, "actions.letter", "b"}},
		},
		{
			number: 57, title: "(c) psychological assistance under supervision",
			facts: []fact{
				{voice, "actions.services", "PSYCHOLOGICAL"},
				{voice, "actions.description", "supervisione di esperti di criminologia e vittimologia"},
			},
		},
		{
			number: 58, title: "(d) campaigns per target",
			facts: []fact{
				{"initiative/voce-campagne", "types", "CAMPAIGN"},
				{voice, "actions.entries", "initiative/voce-campagne"},
			},
		},
		{
			number: 59, title: "(e) theatre, study days, working groups, films, testimonies",
			facts: []fact{
				{"initiative/voce-eventi-culturali", "types", "THEATRE"},
				{"initiative/voce-eventi-culturali", "types", "STUDY_DAY"},
				{"initiative/voce-eventi-culturali", "types", "WORKING_GROUP"},
				{"initiative/voce-eventi-culturali", "types", "FILM"},
				{"initiative/voce-eventi-culturali", "types", "TESTIMONY"},
			},
		},
		{
			number: 60, title: "reference office 1",
			facts: []fact{
				{voice, "reference_offices", anticorr}, {anticorr, "addresses.street", "Piazza del Comune, 8"},
				{anticorr, "addresses.street", "Piazza Stradivari, 7"}, {anticorr, "phones.number", "0372 407066"},
				{anticorr, "emails.address", "ufficio.anticorruzione@comune.cremona.it"},
			},
		},
		{
			number: 61, title: "reference office 2",
			facts: []fact{
				{voice, "reference_offices", centre}, {centre, "addresses.street", "Corso Vittorio Emanuele II, 42"},
				{centre, "phones.number", "0372 407006"}, {centre, "phones.number", "0372 407222"},
				{centre, "emails.address", "pariopportunita@comune.cremona.it"},
			},
		},
	}
}
