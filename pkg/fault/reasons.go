package fault

import "google.golang.org/grpc/codes"

// Reason says what is wrong in a word that programs understand. Reasons are added, never renamed.
type Reason string

// The reasons. Their texts and what to do about them are in docs/errors.md.
const (
	InvalidRequest      Reason = "INVALID_REQUEST"
	Required            Reason = "REQUIRED"
	TooLong             Reason = "TOO_LONG"
	TooShort            Reason = "TOO_SHORT"
	TooMany             Reason = "TOO_MANY"
	TooFew              Reason = "TOO_FEW"
	NotUnique           Reason = "NOT_UNIQUE"
	OutOfRange          Reason = "OUT_OF_RANGE"
	RangeReversed       Reason = "RANGE_REVERSED"
	RangeTooLong        Reason = "RANGE_TOO_LONG"
	BadFormat           Reason = "BAD_FORMAT"
	BadUUID             Reason = "BAD_UUID"
	BadEmail            Reason = "BAD_EMAIL"
	UnknownValue        Reason = "UNKNOWN_VALUE"
	UnknownCode         Reason = "UNKNOWN_CODE"
	ExpiredCode         Reason = "EXPIRED_CODE"
	ImpossibleDate      Reason = "IMPOSSIBLE_DATE"
	FutureDate          Reason = "FUTURE_DATE"
	IncompleteDate      Reason = "INCOMPLETE_DATE"
	AnonymousWithName   Reason = "ANONYMOUS_WITH_NAME"
	DuplicateConsent    Reason = "DUPLICATE_CONSENT"
	MainGroundNotListed Reason = "MAIN_GROUND_NOT_LISTED"
	UnknownEntry        Reason = "UNKNOWN_ENTRY"
	HiddenSaysWhere     Reason = "HIDDEN_SAYS_WHERE"
	HiddenID            Reason = "HIDDEN_ID"
	HiddenAlone         Reason = "HIDDEN_ALONE"
	ClosesBeforeOpens   Reason = "CLOSES_BEFORE_OPENS"
	Overlap             Reason = "OVERLAP"
	Cycle               Reason = "CYCLE"
	TwoActiveNodes      Reason = "TWO_ACTIVE_NODES"
	OutsideSeries       Reason = "OUTSIDE_SERIES"
	NotListed           Reason = "NOT_LISTED"
	HourSkipped         Reason = "HOUR_SKIPPED_BY_CLOCK_CHANGE"
	SumTooLarge         Reason = "SUM_TOO_LARGE"
	UnreadableDocument  Reason = "UNREADABLE_DOCUMENT"
	SecondPersonNeeded  Reason = "SECOND_PERSON_NEEDED"
	PastDate            Reason = "PAST_DATE"
	BadPageToken        Reason = "BAD_PAGE_TOKEN"
	MessageTooLarge     Reason = "MESSAGE_TOO_LARGE"
	RequestIDReused     Reason = "REQUEST_ID_REUSED"
	WrongVersion        Reason = "WRONG_VERSION"
	ForbiddenMove       Reason = "FORBIDDEN_MOVE"
	NotAssessed         Reason = "NOT_ASSESSED"
	NotFound            Reason = "NOT_FOUND"
	UnknownTable        Reason = "UNKNOWN_TABLE"
	OutOfPeriod         Reason = "OUT_OF_PERIOD"
	NoCertificate       Reason = "NO_CERTIFICATE"
	BadCertificate      Reason = "BAD_CERTIFICATE"
	NoToken             Reason = "NO_TOKEN"
	BadToken            Reason = "BAD_TOKEN"
	ExpiredToken        Reason = "EXPIRED_TOKEN"
	WrongNode           Reason = "WRONG_NODE"
	WrongRegion         Reason = "WRONG_REGION"
	NotAllowed          Reason = "NOT_ALLOWED"
	ViewNotAllowed      Reason = "VIEW_NOT_ALLOWED"
	MethodUnknown       Reason = "METHOD_UNKNOWN"
	AtTheCentreOnly     Reason = "AT_THE_CENTRE_ONLY"
	DeadlineTooShort    Reason = "DEADLINE_TOO_SHORT"
	TooManyRequests     Reason = "TOO_MANY_REQUESTS"
	Unavailable         Reason = "UNAVAILABLE"
	Internal            Reason = "INTERNAL"
)

// Entry is what the registry says about a reason.
type Entry struct {
	Reason  Reason
	Code    codes.Code
	English string
	Italian string
	// What the caller should do.
	FixEnglish string
	FixItalian string
}

// Lookup returns the entry of a reason; ok is false for a word that is none.
func Lookup(reason Reason) (entry Entry, ok bool) {
	entry, ok = registry[reason]
	return entry, ok
}

// Reasons lists every entry in the order of the registry.
func Reasons() []Entry { return append([]Entry(nil), entries...) }

var registry = func() map[Reason]Entry {
	m := make(map[Reason]Entry, len(entries))
	for _, e := range entries {
		m[e.Reason] = e
	}
	return m
}()

var entries = []Entry{
	{InvalidRequest, codes.InvalidArgument,
		"the request has errors",
		"la richiesta contiene errori",
		"correct every field listed and send it again with the same request_id",
		"correggi tutti i campi elencati e invia di nuovo con lo stesso request_id"},
	{Required, codes.InvalidArgument,
		"this field must not be empty",
		"questo campo è obbligatorio",
		"give it a value",
		"indica un valore"},
	{TooLong, codes.InvalidArgument,
		"this text is too long",
		"questo testo è troppo lungo",
		"shorten it",
		"accorcialo"},
	{TooShort, codes.InvalidArgument,
		"this text is too short",
		"questo testo è troppo corto",
		"complete it",
		"completalo"},
	{TooMany, codes.InvalidArgument,
		"this list has too many entries",
		"questo elenco ha troppe voci",
		"send fewer",
		"inviane meno"},
	{TooFew, codes.InvalidArgument,
		"this list has too few entries",
		"questo elenco ha troppe poche voci",
		"add what is missing; NOT_STATED where nobody asked",
		"aggiungi quanto manca; NOT_STATED se non è stato rilevato"},
	{NotUnique, codes.InvalidArgument,
		"an entry stands in this list twice",
		"una voce compare due volte in questo elenco",
		"send each entry once",
		"invia ogni voce una sola volta"},
	{OutOfRange, codes.InvalidArgument,
		"this number or moment is out of range",
		"questo numero o momento è fuori dai limiti",
		"use one within the limits that the contract gives",
		"usane uno entro i limiti indicati nel contratto"},
	{RangeReversed, codes.InvalidArgument,
		"it ends before it begins",
		"finisce prima di cominciare",
		"give an end that is later than the beginning",
		"indica una fine successiva all'inizio"},
	{RangeTooLong, codes.InvalidArgument,
		"this stretch of time is too long",
		"questo intervallo è troppo lungo",
		"ask for a shorter one, several times if need be",
		"chiedine uno più breve, anche in più volte"},
	{BadFormat, codes.InvalidArgument,
		"this text does not have the right form",
		"questo testo non ha la forma giusta",
		"write it as the contract says",
		"scrivilo come indicato nel contratto"},
	{BadUUID, codes.InvalidArgument,
		"this is not a UUID",
		"questo non è un UUID",
		"send a UUID such as 0b9f7c1e-6f0a-4c7e-9a49-2f6d1b1a5c11",
		"invia un UUID, ad esempio 0b9f7c1e-6f0a-4c7e-9a49-2f6d1b1a5c11"},
	{BadEmail, codes.InvalidArgument,
		"this is not an e-mail address",
		"questo non è un indirizzo e-mail",
		"correct the address or leave it empty",
		"correggi l'indirizzo o lascialo vuoto"},
	{UnknownValue, codes.InvalidArgument,
		"this value is not one of those allowed",
		"questo valore non è tra quelli ammessi",
		"use a value that the contract lists",
		"usa un valore elencato nel contratto"},
	{UnknownCode, codes.InvalidArgument,
		"this code is not in its list",
		"questo codice non è nel suo elenco",
		"use a code that ListVocabularies gives for this list; codes are written in capitals",
		"usa un codice che ListVocabularies riporta per questo elenco; i codici si scrivono in maiuscolo"},
	{ExpiredCode, codes.InvalidArgument,
		"this code is not valid today",
		"questo codice oggi non è valido",
		"use the code that took its place: ListVocabularies gives the dates",
		"usa il codice che lo sostituisce: ListVocabularies riporta le date"},
	{ImpossibleDate, codes.InvalidArgument,
		"this day does not exist in the calendar",
		"questo giorno non esiste nel calendario",
		"correct the day, or send year and month only",
		"correggi il giorno, oppure invia solo anno e mese"},
	{FutureDate, codes.InvalidArgument,
		"this date lies in the future",
		"questa data è nel futuro",
		"send a date up to today (Europe/Rome)",
		"invia una data fino a oggi (Europe/Rome)"},
	{IncompleteDate, codes.InvalidArgument,
		"a day needs its month",
		"un giorno richiede il suo mese",
		"send the month too, or the year only",
		"invia anche il mese, oppure solo l'anno"},
	{AnonymousWithName, codes.InvalidArgument,
		"an anonymous report holds a name",
		"una segnalazione anonima contiene un nome",
		"leave contact.name empty, or set anonymous to false",
		"lascia vuoto contact.name, oppure imposta anonymous a false"},
	{DuplicateConsent, codes.InvalidArgument,
		"this consent is given twice",
		"questo consenso è indicato due volte",
		"send each consent once",
		"invia ogni consenso una sola volta"},
	{MainGroundNotListed, codes.InvalidArgument,
		"the main ground is not among the grounds",
		"il fattore principale non è tra i fattori",
		"add it to grounds, or choose one of them",
		"aggiungilo a grounds, oppure scegline uno tra quelli"},
	{UnknownEntry, codes.InvalidArgument,
		"this entry is not in the directory, or is of a kind that cannot stand here",
		"questa voce non è nel repertorio, o il suo tipo qui non è ammesso",
		"name an entry that exists, such as office/cremona-sportello",
		"indica una voce esistente, per esempio office/cremona-sportello"},
	{HiddenSaysWhere, codes.InvalidArgument,
		"a hidden office does not say where it is: no street, postcode or note of an address, no link, no page of a service",
		"un ufficio riservato non dice dov'è: niente via, CAP o nota dell'indirizzo, niente link, niente pagina di un servizio",
		"leave the field empty; give a telephone or an e-mail address instead",
		"lascia vuoto il campo; indica invece un telefono o un indirizzo e-mail"},
	{HiddenID, codes.InvalidArgument,
		"a hidden office is called riservato- and at least 16 digits from 0 to f, and no other office is called so; none changes from one to the other",
		"un ufficio riservato si chiama riservato- e almeno 16 cifre da 0 a f, e nessun altro si chiama così; nessuno passa dall'uno all'altro",
		"give a hidden office a new identifier drawn by lot, any other office another name",
		"dai all'ufficio riservato un identificativo nuovo estratto a sorte, a ogni altro un altro nome"},
	{HiddenAlone, codes.InvalidArgument,
		"a proposal holds hidden offices of one node alone, or none: its reason, state and day would tell others about them",
		"una proposta contiene soltanto uffici riservati di un solo nodo, oppure nessuno: motivo, stato e giorno li rivelerebbero ad altri",
		"propose the hidden offices of each node apart",
		"proponi a parte gli uffici riservati di ciascun nodo"},
	{ClosesBeforeOpens, codes.InvalidArgument,
		"it closes before it opens",
		"chiude prima di aprire",
		"give a closing time after the opening time; up to 24:00",
		"indica una chiusura dopo l'apertura, al più 24:00"},
	{Overlap, codes.InvalidArgument,
		"this overlaps with another of the same list",
		"si sovrappone a un altro elemento dello stesso elenco",
		"end one where the other begins",
		"fai finire l'uno dove comincia l'altro"},
	{Cycle, codes.InvalidArgument,
		"following this leads back to where one began",
		"seguendo questo riferimento si torna al punto di partenza",
		"leave out one of the references of the circle",
		"togli uno dei riferimenti del giro"},
	{TwoActiveNodes, codes.InvalidArgument,
		"another active node serves this territory at the same time",
		"un altro nodo attivo serve questo territorio nello stesso periodo",
		"end the other node's service first",
		"chiudi prima il servizio dell'altro nodo"},
	{OutsideSeries, codes.InvalidArgument,
		"this session lies outside the validity of its initiative, or before the one above it",
		"questo incontro è fuori dalla validità dell'iniziativa, o precede quello sopra",
		"correct the day, or the validity; write sessions in order",
		"correggi la data o la validità; indica gli incontri in ordine"},
	{NotListed, codes.InvalidArgument,
		"this is not among those that the entry itself lists",
		"non è tra quelli che la voce stessa elenca",
		"use one of the entry's own codes, or add it there",
		"usane uno della voce, oppure aggiungilo lì"},
	{HourSkipped, codes.InvalidArgument,
		"this time does not exist on this day: the clocks are put forward",
		"quest'ora in questo giorno non esiste: entra in vigore l'ora legale",
		"give a time before 02:00 or from 03:00 on",
		"indica un'ora prima delle 02:00 o dalle 03:00 in poi"},
	{SumTooLarge, codes.InvalidArgument,
		"the parts are more than the whole",
		"le parti superano il totale",
		"correct a part or the total",
		"correggi una parte o il totale"},
	{UnreadableDocument, codes.InvalidArgument,
		"this cannot be read as a document of this format",
		"non si legge come documento di questo formato",
		"check format and place; HSDS is JSON with contents, YAML has the fields of the contract",
		"controlla formato e punto; HSDS è JSON con contents, YAML ha i campi del contratto"},
	{SecondPersonNeeded, codes.FailedPrecondition,
		"who proposed a change cannot decide on it",
		"chi ha proposto una modifica non può deciderla",
		"let another publisher decide",
		"lascia decidere un altro responsabile della pubblicazione"},
	{PastDate, codes.InvalidArgument,
		"this day is over",
		"questa data è passata",
		"give today or a later day, or leave it out",
		"indica oggi o un giorno successivo, oppure omettila"},
	{BadPageToken, codes.InvalidArgument,
		"this page token does not belong to this list",
		"questo token di pagina non appartiene a questo elenco",
		"start again without a token, and keep the filter while paging",
		"ricomincia senza token e mantieni lo stesso filtro"},
	{MessageTooLarge, codes.ResourceExhausted,
		"the request is larger than the service takes: 64 KiB, the directory 4 MiB",
		"la richiesta supera quello che il servizio accetta: 64 KiB, la directory 4 MiB",
		"shorten its texts, or split it",
		"accorcia i testi, o dividila"},
	{RequestIDReused, codes.AlreadyExists,
		"this request id was used for another request",
		"questo request_id è già stato usato per un'altra richiesta",
		"use a new UUID for a new request; repeat a request unchanged",
		"usa un nuovo UUID per una nuova richiesta; ripeti una richiesta senza cambiarla"},
	{WrongVersion, codes.Aborted,
		"the record has changed since you read it",
		"il dato è cambiato da quando lo hai letto",
		"read it again, decide again, and send the version that you read",
		"rileggilo, decidi di nuovo e invia la versione letta"},
	{ForbiddenMove, codes.FailedPrecondition,
		"this step is not possible from where it stands",
		"questo passaggio non è possibile dallo stato attuale",
		"read its state; docs/case-states.md lists the steps",
		"leggi lo stato; docs/case-states.md elenca i passaggi"},
	{NotAssessed, codes.FailedPrecondition,
		"the case has no assessment yet",
		"il caso non ha ancora una valutazione",
		"assess it first",
		"valutalo prima"},
	{NotFound, codes.NotFound,
		"there is no such record here",
		"qui non esiste questo dato",
		"check the identifier and the node that you call",
		"controlla l'identificativo e il nodo chiamato"},
	{UnknownTable, codes.NotFound,
		"there is no such table",
		"questa tavola non esiste",
		"ListTables gives the catalogue",
		"ListTables riporta il catalogo"},
	{OutOfPeriod, codes.InvalidArgument,
		"the tables do not reach this year",
		"le tavole non comprendono questo anno",
		"ask for a year up to the present one",
		"chiedi un anno fino a quello in corso"},
	{NoCertificate, codes.Unauthenticated,
		"the connection has no client certificate",
		"la connessione non ha un certificato client",
		"connect with the certificate that the network issued to your system",
		"connettiti con il certificato rilasciato dalla rete al tuo sistema"},
	{BadCertificate, codes.Unauthenticated,
		"the client certificate does not hold",
		"il certificato client non è valido",
		"check its dates and its authority, and renew it",
		"controlla le date e l'autorità che lo ha emesso, e rinnovalo"},
	{NoToken, codes.Unauthenticated,
		"this call needs a person, and no access token came with it",
		"questa chiamata richiede una persona e non è arrivato alcun token di accesso",
		"sign in and send the token as 'authorization: Bearer ...'",
		"accedi e invia il token come 'authorization: Bearer ...'"},
	{BadToken, codes.Unauthenticated,
		"the access token does not hold",
		"il token di accesso non è valido",
		"sign in again",
		"accedi di nuovo"},
	{ExpiredToken, codes.Unauthenticated,
		"the access token has expired",
		"il token di accesso è scaduto",
		"sign in again",
		"accedi di nuovo"},
	{WrongNode, codes.PermissionDenied,
		"you act for another node",
		"agisci per un altro nodo",
		"call the node that your certificate and your roles belong to",
		"chiama il nodo a cui appartengono il tuo certificato e i tuoi ruoli"},
	{WrongRegion, codes.PermissionDenied,
		"you have no part in this region",
		"non hai accesso a questa regione",
		"ask for a region that you were granted",
		"chiedi una regione che ti è stata assegnata"},
	{NotAllowed, codes.PermissionDenied,
		"this call is not for you",
		"questa chiamata non ti è consentita",
		"docs/access.md lists who may call; ask the coordinator for the role",
		"docs/access.md elenca chi può chiamare; chiedi il ruolo al coordinatore"},
	{ViewNotAllowed, codes.PermissionDenied,
		"a system may not read what people told",
		"un sistema non può leggere quanto raccontato dalle persone",
		"ask for the basic view, or sign in as a person",
		"chiedi la vista di base, oppure accedi come persona"},
	{AtTheCentreOnly, codes.FailedPrecondition,
		"a node keeps a copy of the directory, without history and proposals",
		"un nodo tiene una copia della directory, senza storico né proposte",
		"call the directory of the centre",
		"chiama la directory del centro"},
	{MethodUnknown, codes.Unimplemented,
		"there is no such method",
		"questo metodo non esiste",
		"check the path against the contract; it begins with one slash",
		"controlla il percorso rispetto al contratto; inizia con una sola barra"},
	{DeadlineTooShort, codes.DeadlineExceeded,
		"less than 100 ms were left",
		"restavano meno di 100 ms",
		"give the call more time",
		"concedi più tempo alla chiamata"},
	{TooManyRequests, codes.ResourceExhausted,
		"you call too often",
		"chiami troppo spesso",
		"wait a second and go on more slowly",
		"attendi un secondo e procedi più lentamente"},
	{Unavailable, codes.Unavailable,
		"this cannot be done right now",
		"ora non è possibile",
		"try again with the same request_id: nothing is done twice",
		"riprova con lo stesso request_id: nulla viene fatto due volte"},
	{Internal, codes.Internal,
		"something went wrong on our side",
		"si è verificato un errore interno",
		"tell the operators the trace id",
		"comunica il trace id ai gestori"},
}
