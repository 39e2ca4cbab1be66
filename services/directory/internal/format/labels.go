package format

// words are what a page says in one language.
type words struct {
	days                                                                                                                                         [7]string
	kind, state, body, how, address, phones, emails, hours, access, fee, recipients                                                              string
	services, grounds, accessibility, territories, roles, links, validity, from, to                                                              string
	languages, hidden, exceptions, closed, source, verified, published, changed, day, opens, closes, postal, accessibleEntrance, answered, reach string
}

var pageWords = map[string]words{
	"it": {
		days: daysIT, kind: "Tipo", state: "Stato", body: "Ente", how: "Come si accede", address: "Indirizzi", phones: "Telefoni",
		emails: "Posta elettronica", hours: "Orari di apertura", access: "Accesso", fee: "Costo", recipients: "A chi si rivolge",
		services: "Servizi", grounds: "Fattori di discriminazione trattati", accessibility: "Accessibilità", languages: "Lingue", exceptions: "Giorni con altri orari", closed: "chiuso",
		hidden: "Riservato: non mostrare e non consegnare questa pagina a chi non ne ha bisogno.", territories: "Territorio",
		roles: "Nelle reti", links: "Pagine", validity: "Validità", from: "dal", to: "fino al", source: "Fonte", verified: "Verificato il", published: "Pubblicato il", changed: "Aggiornato il",
		day: "Giorno", opens: "Apre", closes: "Chiude", postal: "per posta", accessibleEntrance: "ingresso accessibile",
		answered: "Orari di risposta", reach: "come si raggiunge",
	},
	"en": {
		days: schemaDays, kind: "Kind", state: "State", body: "Body", how: "How to get in", address: "Addresses", phones: "Telephones",
		emails: "E-mail", hours: "Opening hours", access: "Access", fee: "Cost", recipients: "Whom it is for",
		services: "Services", grounds: "Grounds of discrimination dealt with", accessibility: "Accessibility", languages: "Languages", exceptions: "Days with other hours", closed: "closed",
		hidden: "Hidden: do not show or give this page to anybody who does not need it.", territories: "Territory",
		roles: "In networks", links: "Pages", validity: "Validity", from: "from", to: "until", source: "Source", verified: "Verified on", published: "Published on", changed: "Changed on",
		day: "Day", opens: "Opens", closes: "Closes", postal: "by post", accessibleEntrance: "accessible entrance",
		answered: "Answered", reach: "how to reach it",
	},
}
