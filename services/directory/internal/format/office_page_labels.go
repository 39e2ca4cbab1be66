package format

// pageLabels holds the fixed texts of a page in one language.
type pageLabels struct {
	Days                                                                    [7]string
	Kind, State, Body, How, Address, Phones, Emails, Hours, Access, Fee     string
	Recipients, Services, Grounds, Accessibility, Languages, Territories    string
	Roles, Links, Validity, From, To, Source, Verified, Published, Changed  string
	Hidden, Exceptions, Closed, Day, Opens, Closes, Postal, Answered, Reach string
	AccessibleEntrance                                                      string
}

var pageLabelsByLang = map[string]pageLabels{
	"it": {
		Days: daysIT, Kind: "Tipo", State: "Stato", Body: "Ente", How: "Come si accede", Address: "Indirizzi",
		Phones: "Telefoni", Emails: "Posta elettronica", Hours: "Orari di apertura", Access: "Accesso", Fee: "Costo",
		Recipients: "A chi si rivolge", Services: "Servizi", Grounds: "Fattori di discriminazione trattati",
		Accessibility: "Accessibilità", Languages: "Lingue", Territories: "Territorio", Roles: "Nelle reti",
		Links: "Pagine", Validity: "Validità", From: "dal", To: "fino al", Source: "Fonte",
		Verified: "Verificato il", Published: "Pubblicato il", Changed: "Aggiornato il",
		Hidden:     "Riservato: non mostrare e non consegnare questa pagina a chi non ne ha bisogno.",
		Exceptions: "Giorni con altri orari", Closed: "chiuso", Day: "Giorno", Opens: "Apre", Closes: "Chiude",
		Postal: "per posta", AccessibleEntrance: "ingresso accessibile",
		Answered: "Orari di risposta", Reach: "come si raggiunge",
	},
	"en": {
		Days: schemaDays, Kind: "Kind", State: "State", Body: "Body", How: "How to get in", Address: "Addresses",
		Phones: "Telephones", Emails: "E-mail", Hours: "Opening hours", Access: "Access", Fee: "Cost",
		Recipients: "Whom it is for", Services: "Services", Grounds: "Grounds of discrimination dealt with",
		Accessibility: "Accessibility", Languages: "Languages", Territories: "Territory", Roles: "In networks",
		Links: "Pages", Validity: "Validity", From: "from", To: "until", Source: "Source",
		Verified: "Verified on", Published: "Published on", Changed: "Changed on",
		Hidden:     "Hidden: do not show or give this page to anybody who does not need it.",
		Exceptions: "Days with other hours", Closed: "closed", Day: "Day", Opens: "Opens", Closes: "Closes",
		Postal: "by post", AccessibleEntrance: "accessible entrance",
		Answered: "Answered", Reach: "how to reach it",
	},
}
