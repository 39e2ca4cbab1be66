package format

// why says why something was left out: in a word for programs, in Italian and in English.
type why struct{ code, it, en string }

// The reasons for leaving something out of what others wrote.
var (
	whyOtherIdentifier    = why{"OTHER_IDENTIFIER", "il repertorio conosce gli enti solo dal codice IPA", "the directory knows bodies by their IPA code alone"}
	whyParentOrganization = why{"PARENT_ORGANIZATION", "una sede indica il proprio ente per nome", "an office names the body that runs it by its name"}
	whyBadOpening         = why{"BAD_OPENING", "non corrisponde a quanto il contratto prevede per gli orari", "it is not what the contract says of opening"}
	whyOtherTaxonomy      = why{"OTHER_TAXONOMY", "la sua tassonomia non è tra le nostre", "its taxonomy is not one of ours"}
	whyBadNumber          = why{"BAD_NUMBER", "il numero non è fatto di cifre", "its number is not of digits"}
	whyNoTelephone        = why{"NO_TELEPHONE", "non è un telefono con cui si parla", "it is no telephone that people talk into"}
	whyBadEmail           = why{"BAD_EMAIL", "non è un indirizzo e-mail", "it is no e-mail address"}
	whyNotHttps           = why{"NOT_HTTPS", "una pagina è https", "a page is https"}
	whyTextForCode        = why{"TEXT_FOR_CODE", "l'accessibilità è un codice di un nostro elenco, non un testo", "accessibility is a code of a list of ours, not a text"}
	whySecondCounter      = why{"SECOND_COUNTER", "una sede ha gli orari di un solo sportello, e ne ha già", "an office has the hours of one counter, and has got some"}
	whyNotInItaly         = why{"NOT_IN_ITALY", "non è in Italia", "it is not in Italy"}
	whyVirtualAddress     = why{"VIRTUAL_ADDRESS", "nessuno può andarci o scriverci", "nobody can go or write there"}
	whyBadPostcode        = why{"BAD_POSTCODE", "non ha cinque cifre", "it is not of five digits"}
	whyPlaceByName        = why{"PLACE_BY_NAME", "un comune è un codice ISTAT, e qui i nomi non si risolvono", "a municipality is an ISTAT code, and names are not resolved here"}
	whyTerritoryByName    = why{"PLACE_BY_NAME", "un territorio è un codice ISTAT, e qui i nomi non si risolvono", "a territory is an ISTAT code, and names are not resolved here"}
	whyNestedServices     = why{"NESTED_SERVICES", "si leggono i servizi del documento, non quelli dentro uno di essi", "the services of the document are read, not those within one of them"}
	whyCodeForText        = why{"TEXT_FOR_CODE", "il repertorio ha un codice per questo, non un testo", "the directory has a code for it, not a text"}
	whyServiceDescription = why{"SERVICE_DESCRIPTION", "un servizio ha un nome e nessuna descrizione", "a service has a name and no description"}
	whyImpossibleDate     = why{"IMPOSSIBLE_DATE", "non è un giorno", "it is no day"}
	whyNotEveryWeek       = why{"NOT_EVERY_WEEK", "non vale per ogni settimana", "it does not hold for every week"}
	whyBadTimes           = why{"BAD_TIMES", "i suoi orari non sono orari locali di un giorno", "its times are no local times of one day"}
	whyBadWeekday         = why{"BAD_WEEKDAY", "i suoi giorni non sono giorni della settimana", "its days are no days of the week"}
	whyPerson             = why{"PERSON", "il repertorio non pubblica nomi di persone", "the directory does not publish names of people"}
	whyTask               = why{"PERSON", "il repertorio non pubblica cosa fanno singole persone", "the directory does not publish what single people do"}
	whyMap                = why{"NO_FIELD", "un indirizzo non ha un punto sulla mappa", "an address has no place on a map"}
	whyHistory            = why{"NO_FIELD", "il repertorio tiene la propria storia", "the directory keeps its own history"}
	whyFunding            = why{"NO_FIELD", "una sede non dice chi la paga", "an office does not say who pays for it"}
	whyCost               = why{"TEXT_FOR_CODE", "il costo di una sede è un codice", "the cost of an office is a code"}
	whyLanguages          = why{"NO_FIELD", "le lingue sono quelle di una sede intera", "languages are those of a location: an office has them as a whole"}
	whyLanguageCode       = why{"TEXT_FOR_CODE", "una lingua è un codice ISO 639-1", "a language is a code of ISO 639-1"}
	whyExtension          = why{"NO_FIELD", "un telefono non ha interno", "a telephone has no extension"}
	whyURI                = why{"NO_FIELD", "una sede si indica con il suo identificativo", "an office is named by its identifier"}
	whyNoField            = why{"NO_FIELD", "una sede non ha un campo per questo", "an office has no field for it"}
)
