package format

// omissionReason is why a field was left out: a code for programs, and a text in Italian and in English.
type omissionReason struct{ code, it, en string }

// The reasons for leaving out fields of foreign documents.
var (
	reasonOtherIdentifier = omissionReason{"OTHER_IDENTIFIER",
		"il repertorio conosce gli enti solo dal codice IPA",
		"the directory knows bodies by their IPA code alone"}
	reasonParentOrganization = omissionReason{"PARENT_ORGANIZATION",
		"una sede indica il proprio ente per nome",
		"an office names the body that runs it by its name"}
	reasonBadOpening = omissionReason{"BAD_OPENING",
		"non corrisponde a quanto il contratto prevede per gli orari",
		"it does not match the opening hours of the contract"}
	reasonOtherTaxonomy = omissionReason{"OTHER_TAXONOMY",
		"la sua tassonomia non è tra le nostre",
		"its taxonomy is not one of ours"}
	reasonBadNumber = omissionReason{"BAD_NUMBER",
		"il numero non è fatto di cifre",
		"the number is not made of digits"}
	reasonNoTelephone = omissionReason{"NO_TELEPHONE",
		"non è un telefono con cui si parla",
		"it is no telephone for voice calls"}
	reasonBadEmail = omissionReason{"BAD_EMAIL",
		"non è un indirizzo e-mail",
		"it is no e-mail address"}
	reasonNotHttps = omissionReason{"NOT_HTTPS",
		"una pagina è https",
		"a page must be https"}
	reasonTextForCode = omissionReason{"TEXT_FOR_CODE",
		"l'accessibilità è un codice di un nostro elenco, non un testo",
		"accessibility is a code of a list of ours, not a text"}
	reasonSecondCounter = omissionReason{"SECOND_COUNTER",
		"una sede ha gli orari di un solo sportello, e ne ha già",
		"an office has the hours of one counter, and already has some"}
	reasonNotInItaly = omissionReason{"NOT_IN_ITALY",
		"non è in Italia",
		"it is not in Italy"}
	reasonVirtualAddress = omissionReason{"VIRTUAL_ADDRESS",
		"nessuno può andarci o scriverci",
		"it cannot be visited or written to"}
	reasonBadPostcode = omissionReason{"BAD_POSTCODE",
		"non ha cinque cifre",
		"it does not have five digits"}
	reasonPlaceByName = omissionReason{"PLACE_BY_NAME",
		"un comune è un codice ISTAT, e qui i nomi non si risolvono",
		"a municipality is an ISTAT code, and names are not resolved here"}
	reasonTerritoryByName = omissionReason{"PLACE_BY_NAME",
		"un territorio è un codice ISTAT, e qui i nomi non si risolvono",
		"a territory is an ISTAT code, and names are not resolved here"}
	reasonNestedServices = omissionReason{"NESTED_SERVICES",
		"si leggono i servizi del documento, non quelli dentro uno di essi",
		"the services of the document are read, not those within one of them"}
	reasonCodeForText = omissionReason{"TEXT_FOR_CODE",
		"il repertorio ha un codice per questo, non un testo",
		"the directory has a code for it, not a text"}
	reasonServiceDescription = omissionReason{"SERVICE_DESCRIPTION",
		"un servizio ha un nome e nessuna descrizione",
		"a service has a name and no description"}
	reasonImpossibleDate = omissionReason{"IMPOSSIBLE_DATE",
		"non è un giorno",
		"it is not a date"}
	reasonNotEveryWeek = omissionReason{"NOT_EVERY_WEEK",
		"non vale per ogni settimana",
		"it does not hold for every week"}
	reasonBadTimes = omissionReason{"BAD_TIMES",
		"i suoi orari non sono orari locali di un giorno",
		"its times are no local times of one day"}
	reasonBadWeekday = omissionReason{"BAD_WEEKDAY",
		"i suoi giorni non sono giorni della settimana",
		"its days are no days of the week"}
	reasonPerson = omissionReason{"PERSON",
		"il repertorio non pubblica nomi di persone",
		"the directory does not publish names of people"}
	reasonTask = omissionReason{"PERSON",
		"il repertorio non pubblica cosa fanno singole persone",
		"the directory does not publish the tasks of single people"}
	reasonMap = omissionReason{"NO_FIELD",
		"un indirizzo non ha un punto sulla mappa",
		"an address has no place on a map"}
	reasonHistory = omissionReason{"NO_FIELD",
		"il repertorio tiene la propria storia",
		"the directory keeps its own history"}
	reasonFunding = omissionReason{"NO_FIELD",
		"una sede non dice chi la paga",
		"an office does not say who pays for it"}
	reasonCost = omissionReason{"TEXT_FOR_CODE",
		"il costo di una sede è un codice",
		"the cost of an office is a code"}
	reasonLanguages = omissionReason{"NO_FIELD",
		"le lingue sono quelle di una sede intera",
		"languages are those of a location: an office has them as a whole"}
	reasonLanguageCode = omissionReason{"TEXT_FOR_CODE",
		"una lingua è un codice ISO 639-1",
		"a language is a code of ISO 639-1"}
	reasonExtension = omissionReason{"NO_FIELD",
		"un telefono non ha interno",
		"a telephone has no extension"}
	reasonURI = omissionReason{"NO_FIELD",
		"una sede si indica con il suo identificativo",
		"an office is named by its identifier"}
	reasonNoField = omissionReason{"NO_FIELD",
		"una sede non ha un campo per questo",
		"an office has no field for it"}
)
