package e2e_test

import (
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
)

// cuneoDepartment returns the rows of source document 1.
func cuneoDepartment() []missionRow {
	return []missionRow{
		{
			number: 23, title: "department since 2002",
			facts: []fact{{dept, "description", "nato nel 2002"}, {dept, "body", "Città di Cuneo"}},
		},
		{
			number: 24, title: "awareness campaigns",
			facts: []fact{
				{"initiative/sensibilizzazione-cuneo", "types", "CAMPAIGN"},
				{"initiative/sensibilizzazione-cuneo", "organisers", dept},
			},
		},
		{
			number: 25, title: "provincial node since January 2021, one of eight",
			facts: []fact{
				{"node/cuneo", "stages.from", "2021-01"},
				{"node/cuneo", "stages.note", "uno degli otto Nodi piemontesi"},
				{"node/cuneo", "hosts.body", "body/comune-di-cuneo"},
			},
		},
		{
			number: 26, title: "gender mainstreaming",
			facts: []fact{
				{"programme/obiettivi-di-genere-cuneo", "kind", "PROGRAMME_KIND_POLICY"},
				{"programme/obiettivi-di-genere-cuneo", "description", "riequilibrare le disparità"},
			},
		},
		{
			number: 27, title: "services for women suffering violence",
			check: checkFinds("cuneo-nodo", &directoryv1.FindOfficesRequest{
				Territory: "004078", Service: "GENDER_VIOLENCE",
			}),
		},
		{
			number: 28, title: "Rete antiviolenza Cuneo",
			facts: []fact{
				{"network/rete-antiviolenza-cuneo", "lead", dept},
				{"network/rete-antiviolenza-cuneo", "members.role", "coordinamento"},
			},
		},
		{
			number: 29, title: "awareness on violence",
			facts: []fact{{dept, "services.name", "Sensibilizzazione sul tema della violenza"}},
		},
		{
			number: 30, title: "school actions",
			facts: []fact{
				{"initiative/scuole-stereotipi-cuneo", "types", "SCHOOL_LAB"},
				{"initiative/scuole-stereotipi-cuneo", "recipients", "CHILDREN_SCHOOLS"},
			},
		},
		{
			number: 31, title: "festival 8 marzo è tutto l'anno",
			facts: []fact{
				{"initiative/otto-marzo-tutto-l-anno", "types", "FESTIVAL"},
				{"initiative/otto-marzo-tutto-l-anno", "anniversaries", "D0308"},
				{"initiative/otto-marzo-tutto-l-anno", "anniversaries", "D1125"},
			},
		},
		{
			number: 32, title: "courses for women, self-defence too",
			facts: []fact{
				{"initiative/corsi-per-le-donne", "types", "SELF_DEFENCE"},
				{"initiative/corsi-per-le-donne", "recipients", "WOMEN"},
			},
		},
		{
			number: 33, title: "Laboratorio Donna",
			facts: []fact{
				{"network/laboratorio-donna", "lead", dept},
				{"network/laboratorio-donna", "purpose", "partecipazione sui temi delle pari opportunità"},
			},
		},
		{
			number: 34, title: "node: reception to case management",
			facts: []fact{{dept, "services.type", "RECEPTION"}, {dept, "services.type", "CASE_MANAGEMENT"}},
			check: checkMethod("pari.casemanagement.v1.CaseManagementService.OpenCase"),
		},
		{
			number: 35, title: "node: territorial network",
			facts: []fact{
				{"network/rete-territoriale-cuneo", "lead", dept}, {"network/rete-territoriale-cuneo", "node", "cuneo"},
			},
		},
		{
			number: 36, title: "node: information",
			facts: []fact{{dept, "services.name", "Informazione, comunicazione e sensibilizzazione"}},
		},
		{
			number: 37, title: "node: monitoring and data",
			facts: []fact{{dept, "services.type", "MONITORING"}},
			check: checkMethod("pari.reporting.v1.ReportingService.GetTable"),
		},
		{
			number: 38, title: "supervision by the Centro regionale",
			facts: []fact{
				{"node/cuneo", "supervised_by", "centro-piemonte"},
				{"node/centro-piemonte", "level", "NODE_LEVEL_REGIONAL_CENTRE"},
			},
		},
		{
			number: 39, title: "Piano di Azioni Positive",
			facts: []fact{
				{"programme/piano-azioni-positive-cuneo", "kind", "PROGRAMME_KIND_PLAN"},
				{"programme/piano-azioni-positive-cuneo", "partners", dept},
				{"programme/piano-azioni-positive-cuneo", "recipients", "EMPLOYEES"},
			},
		},
	}
}

// piemonteProject returns the rows of source document 2.
func piemonteProject() []missionRow {
	return []missionRow{
		{
			number: 40, title: "UNAR, FAMI 2021-27, 600,000 € in two years",
			facts: []fact{
				{fami, "budget.total_cents", "60000000"}, {fami, "budget.months", "24"},
				{fami, "budget.fund", "FAMI 2021-2027"}, {"act/piemonte-adesione-unar-fami", "parties", "body/unar"},
			},
		},
		{
			number: 41, title: "stronger territorial networks",
			facts: []fact{
				{fami, "actions.title", "Rafforzare le reti territoriali"},
				{fami, "actions.services", "NETWORK_COORDINATION"},
			},
		},
		{
			number: 42, title: "working table",
			facts: []fact{
				{"initiative/tavolo-piemonte", "types", "TABLE_MEETING"},
				{"initiative/tavolo-piemonte", "programme", fami},
			},
		},
		{
			number: 43, title: "training of desk operators",
			facts: []fact{
				{"course/operatori-piemonte", "participants", "DESK_OPERATORS"},
				{"course/operatori-piemonte", "programme", fami},
			},
		},
		{
			number: 44, title: "stronger regional centre",
			facts: []fact{{fami, "actions.title", "Potenziare il Centro antidiscriminazione regionale"}},
		},
		{
			number: 45, title: "information campaign",
			facts: []fact{
				{"initiative/campagna-rete-piemonte", "types", "CAMPAIGN"},
				{"initiative/campagna-rete-piemonte", "programme", fami},
			},
		},
		{
			number: 46, title: "empowerment of third-country nationals",
			facts: []fact{
				{"initiative/empowerment-paesi-terzi", "recipients", "TCN"}, {fami, "actions.services", "EMPOWERMENT"},
			},
		},
		{number: 47, title: "legal advice for victims", facts: []fact{{fami, "actions.services", "LEGAL_ADVICE"}}},
		{
			number: 48, title: "regional web platform",
			facts: []fact{
				{"network/rete-regionale-piemonte", "links.url", "https://piemontecontrolediscriminazioni.it"},
			},
			check: checkAccepts("cuneo", func(c *intakev1.ReportContent) { c.IncidentPlace = "004078" }),
		},
		{
			number: 49, title: "stronger desks and online services",
			facts: []fact{{fami, "actions.title", "servizi online"}, {"office/cuneo-sportello-meet", "kind", "DESK"}},
		},
		{
			number: 50, title: "the newspaper's own functions",
			outOfScope: "search, comments, newsletter and digital edition are the newspaper's",
		},
	}
}
