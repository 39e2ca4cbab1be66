package e2e_test

// milanoHouse returns the rows of source document 4.
func milanoHouse() []missionRow {
	morning := []string{}
	for _, day := range []string{"1", "2", "3", "4", "5"} {
		morning = append(morning, day+" 08:30-12:30", day+" 13:30-15:30")
	}
	return []missionRow{
		{
			number: 62, title: "Casa dei Diritti",
			facts: []fact{
				{house, "kind", "RIGHTS_HOUSE"}, {house, "services.name", "Sportelli informativi e di orientamento"},
			},
		},
		{
			number: 63, title: "exhibitions, conferences, meetings",
			facts: []fact{
				{"initiative/milano-mostre-convegni-incontri", "types", "EXHIBITION"},
				{"initiative/milano-mostre-convegni-incontri", "types", "CONFERENCE"},
				{"initiative/milano-mostre-convegni-incontri", "types", "PUBLIC_MEETING"},
			},
		},
		{
			number: 64, title: "against prejudice",
			facts: []fact{{"initiative/milano-mostre-convegni-incontri", "description", "contrastare i pregiudizi"}},
		},
		{
			number: 65, title: "against gender violence, discrimination, trafficking",
			facts: []fact{{house, "services.type", "GENDER_VIOLENCE"}, {house, "services.type", "TRAFFICKING"}},
		},
		{
			number: 66, title: "room F. Bomprezzi, theme check",
			facts: []fact{
				{"room/sala-bomprezzi", "office", house},
				{"room/sala-bomprezzi", "themes", "diritti civili, sociali e umani"},
			},
			pending: "pari.intake.v1.IntakeService.RequestRoom",
		},
		{
			number: 67, title: "discussion groups, 18-35, free",
			facts: []fact{
				{groups, "types", "DISCUSSION_GROUP"}, {groups, "age_from", "18"}, {groups, "age_to", "35"},
				{groups, "fee", "FREE"}, {groups, "recipients", "YOUTH_LGBTQIA"},
			},
		},
		{
			number: 68, title: "themes and aims",
			facts: []fact{
				{groups, "themes", "La prima volta"}, {groups, "themes", "Coming out"}, {groups, "themes", "Lavoro"},
				{groups, "themes", "Casa"}, {groups, "description", "il dialogo con i Servizi"},
			},
		},
		{number: 69, title: "eight Mondays from 8 April 2024", check: checkEightMondays},
		{
			number: 70, title: "enrolment",
			facts: []fact{
				{groups, "enrolment_emails.address", "rainbow.desk@cooplotta.org"},
				{groups, "enrolment_emails.address", "antidiscriminazioni@comune.milano.it"},
				{groups, "enrolment_phones.number", "3667541034"}, {groups, "enrolment_phones.whatsapp", "true"},
			},
			pending: "pari.intake.v1.IntakeService.Enrol",
		},
		{
			number: 71, title: "two entrances",
			facts: []fact{
				{house, "addresses.street", "via De Amicis, 10"}, {house, "addresses.street", "via Dei Fabbri, 9"},
				{house, "addresses.purpose", "ADDRESS_PURPOSE_ACCESSIBLE_ENTRANCE"},
			},
		},
		{
			number: 72, title: "telephone hours and e-mail",
			facts: []fact{{house, "emails.address", "pss.casadeidiritti@comune.milano.it"}},
			check: checkHours("milano-casa-dei-diritti", "02 884 41641", morning...),
		},
		{
			number: 73, title: "events calendar page",
			facts: []fact{{house, "links.title", "Calendario eventi"}},
			check: checkCalendar,
		},
		{number: 74, title: "gender violence by mail, desk, telephone", check: checkMailDeskPhone("GENDER_VIOLENCE")},
		{number: 75, title: "trafficking by mail, desk, telephone", check: checkMailDeskPhone("TRAFFICKING")},
	}
}
