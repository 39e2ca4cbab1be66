package fault

import (
	"cmp"
	"maps"
	"slices"

	"google.golang.org/grpc/codes"
)

// Entry is what the registry knows about a reason.
type Entry struct {
	Reason  Reason
	Code    codes.Code
	English string
	Italian string
	// What the caller should do.
	FixEnglish string
	FixItalian string
	// Service that registered the reason; "" for those that every service shares.
	Service string
}

var registry = map[Reason]Entry{}

func init() { Register("", entries...) }

// Register adds the reasons of a service. Call it from init: the registry is not guarded. It panics when an entry is
// incomplete or its reason is registered already.
func Register(service string, entries ...Entry) {
	for _, e := range entries {
		_, known := registry[e.Reason]
		hasTexts := e.English != "" && e.Italian != "" && e.FixEnglish != "" && e.FixItalian != ""
		if known || e.Reason == "" || e.Code == codes.OK || !hasTexts {
			panic("fault: reason " + string(e.Reason) + " is incomplete or registered already")
		}
		e.Service = service
		registry[e.Reason] = e
	}
}

// Lookup returns the entry of a reason; ok is false when it is not registered.
func Lookup(reason Reason) (entry Entry, ok bool) {
	entry, ok = registry[reason]
	return entry, ok
}

// Reasons lists every registered entry by service and reason, the shared ones first.
func Reasons() []Entry {
	return slices.SortedFunc(maps.Values(registry), func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Reason, b.Reason))
	})
}

// entries are the reasons that every service shares.
var entries = []Entry{
	{Reason: InvalidRequest, Code: codes.InvalidArgument,
		English:    "the request has errors",
		Italian:    "la richiesta contiene errori",
		FixEnglish: "correct every field listed and send it again; a refusal does not use up a request_id",
		FixItalian: "correggi tutti i campi elencati e invia di nuovo; un rifiuto non consuma il request_id",
	},
	{Reason: Required, Code: codes.InvalidArgument,
		English:    "this field must not be empty",
		Italian:    "questo campo è obbligatorio",
		FixEnglish: "give it a value",
		FixItalian: "indica un valore",
	},
	{Reason: TooLong, Code: codes.InvalidArgument,
		English:    "this text is too long",
		Italian:    "questo testo è troppo lungo",
		FixEnglish: "shorten it",
		FixItalian: "accorcialo",
	},
	{Reason: TooShort, Code: codes.InvalidArgument,
		English:    "this text is too short",
		Italian:    "questo testo è troppo corto",
		FixEnglish: "complete it",
		FixItalian: "completalo",
	},
	{Reason: TooMany, Code: codes.InvalidArgument,
		English:    "this list has more entries than it may",
		Italian:    "questo elenco ha più voci del massimo",
		FixEnglish: "send fewer",
		FixItalian: "inviane meno",
	},
	{Reason: TooFew, Code: codes.InvalidArgument,
		English:    "this list has fewer entries than it must",
		Italian:    "questo elenco ha meno voci del minimo",
		FixEnglish: "add what is missing",
		FixItalian: "aggiungi quanto manca",
	},
	{Reason: NotUnique, Code: codes.InvalidArgument,
		English:    "an entry occurs twice in this list",
		Italian:    "una voce compare due volte in questo elenco",
		FixEnglish: "send each entry once",
		FixItalian: "invia ogni voce una sola volta",
	},
	{Reason: OutOfRange, Code: codes.InvalidArgument,
		English:    "this number or moment is out of range",
		Italian:    "questo numero o momento è fuori dai limiti",
		FixEnglish: "use one within the limits that the contract gives",
		FixItalian: "usane uno entro i limiti indicati nel contratto",
	},
	{Reason: BadFormat, Code: codes.InvalidArgument,
		English:    "this text does not have the right form",
		Italian:    "questo testo non ha la forma giusta",
		FixEnglish: "write it as the contract says",
		FixItalian: "scrivilo come indicato nel contratto",
	},
	{Reason: BadUUID, Code: codes.InvalidArgument,
		English:    "this is not a UUID, or it is all zeros",
		Italian:    "questo non è un UUID, o è composto di soli zeri",
		FixEnglish: "send a UUID such as 0b9f7c1e-6f0a-4c7e-9a49-2f6d1b1a5c11",
		FixItalian: "invia un UUID, ad esempio 0b9f7c1e-6f0a-4c7e-9a49-2f6d1b1a5c11",
	},
	{Reason: BadEmail, Code: codes.InvalidArgument,
		English:    "this is not an e-mail address",
		Italian:    "questo non è un indirizzo e-mail",
		FixEnglish: "correct the address or leave it empty",
		FixItalian: "correggi l'indirizzo o lascialo vuoto",
	},
	{Reason: UnknownValue, Code: codes.InvalidArgument,
		English:    "this value is not one of those allowed",
		Italian:    "questo valore non è tra quelli ammessi",
		FixEnglish: "use a value that the contract lists",
		FixItalian: "usa un valore elencato nel contratto",
	},
	{Reason: UnknownCode, Code: codes.InvalidArgument,
		English:    "this code is not in its list",
		Italian:    "questo codice non è nel suo elenco",
		FixEnglish: "use a code that ListVocabularies gives for this list; codes are written in capitals",
		FixItalian: "usa un codice che ListVocabularies riporta per questo elenco; i codici si scrivono in maiuscolo",
	},
	{Reason: ExpiredCode, Code: codes.InvalidArgument,
		English:    "this code is not valid today",
		Italian:    "questo codice oggi non è valido",
		FixEnglish: "use a code that is valid today: ListVocabularies gives the first and the last day of each",
		FixItalian: "usa un codice valido oggi: ListVocabularies riporta il primo e l'ultimo giorno di ciascuno",
	},
	{Reason: ImpossibleDate, Code: codes.InvalidArgument,
		English:    "this day does not exist in the calendar",
		Italian:    "questo giorno non esiste nel calendario",
		FixEnglish: "correct the day, or send year and month only",
		FixItalian: "correggi il giorno, oppure invia solo anno e mese",
	},
	{Reason: FutureDate, Code: codes.InvalidArgument,
		English:    "this date is in the future",
		Italian:    "questa data è nel futuro",
		FixEnglish: "send a date up to today (Europe/Rome)",
		FixItalian: "invia una data fino a oggi (Europe/Rome)",
	},
	{Reason: IncompleteDate, Code: codes.InvalidArgument,
		English:    "a day needs its month",
		Italian:    "un giorno richiede il suo mese",
		FixEnglish: "send the month too, or the year only",
		FixItalian: "invia anche il mese, oppure solo l'anno",
	},
	{Reason: BadPageToken, Code: codes.InvalidArgument,
		English:    "this page token does not belong to this list",
		Italian:    "questo token di pagina non appartiene a questo elenco",
		FixEnglish: "start again without a token, and keep the filter while paging",
		FixItalian: "ricomincia senza token e mantieni lo stesso filtro",
	},
	{Reason: MessageTooLarge, Code: codes.ResourceExhausted,
		English:    "the request is larger than the service accepts",
		Italian:    "la richiesta è più grande di quanto il servizio accetta",
		FixEnglish: "shorten its texts, or split it",
		FixItalian: "accorcia i testi, o dividila",
	},
	{Reason: MalformedRequest, Code: codes.InvalidArgument,
		English:    "the request is not a message of the contract",
		Italian:    "la richiesta non è un messaggio del contratto",
		FixEnglish: "encode it as the contract says, with texts in UTF-8",
		FixItalian: "codificala come indicato nel contratto, con i testi in UTF-8",
	},
	{Reason: RequestIDReused, Code: codes.AlreadyExists,
		English:    "this request id was used for another request",
		Italian:    "questo request_id è già stato usato per un'altra richiesta",
		FixEnglish: "use a new UUID for a new request; repeat a request unchanged",
		FixItalian: "usa un nuovo UUID per una nuova richiesta; ripeti una richiesta senza cambiarla",
	},
	{Reason: WrongVersion, Code: codes.Aborted,
		English:    "the record has changed since you read it",
		Italian:    "il dato è cambiato da quando lo hai letto",
		FixEnglish: "read it again, decide again, and send the version that you read",
		FixItalian: "rileggilo, decidi di nuovo e invia la versione letta",
	},
	{Reason: ForbiddenMove, Code: codes.FailedPrecondition,
		English:    "this step is not possible in the current state",
		Italian:    "questo passaggio non è possibile dallo stato attuale",
		FixEnglish: "read the current state and choose a step that it allows",
		FixItalian: "leggi lo stato attuale e scegli un passaggio che esso consente",
	},
	{Reason: NotFound, Code: codes.NotFound,
		English:    "there is no such record here",
		Italian:    "qui non esiste questo dato",
		FixEnglish: "check the identifier and the node that you call",
		FixItalian: "controlla l'identificativo e il nodo chiamato",
	},
	{Reason: NoCertificate, Code: codes.Unauthenticated,
		English:    "the connection has no client certificate",
		Italian:    "la connessione non ha un certificato client",
		FixEnglish: "connect with the certificate that the network issued to your system",
		FixItalian: "connettiti con il certificato rilasciato dalla rete al tuo sistema",
	},
	{Reason: BadCertificate, Code: codes.Unauthenticated,
		English:    "the client certificate is not valid",
		Italian:    "il certificato client non è valido",
		FixEnglish: "check its dates and its authority, and renew it",
		FixItalian: "controlla le date e l'autorità che lo ha emesso, e rinnovalo",
	},
	{Reason: NoToken, Code: codes.Unauthenticated,
		English:    "this call needs a person, and no access token came with it",
		Italian:    "questa chiamata richiede una persona e non è arrivato alcun token di accesso",
		FixEnglish: "sign in and send the token as 'authorization: Bearer ...'",
		FixItalian: "accedi e invia il token come 'authorization: Bearer ...'",
	},
	{Reason: BadToken, Code: codes.Unauthenticated,
		English:    "the access token is not valid",
		Italian:    "il token di accesso non è valido",
		FixEnglish: "sign in again",
		FixItalian: "accedi di nuovo",
	},
	{Reason: BadReceipt, Code: codes.Unauthenticated,
		English:    "no report has this receipt code",
		Italian:    "nessuna segnalazione ha questo codice di ricevuta",
		FixEnglish: "read the words of the receipt again, all and in order, and send the code alone, without a token",
		FixItalian: "rileggi le parole della ricevuta, tutte e nel loro ordine, e manda il codice da solo, senza token",
	},
	{Reason: ExpiredToken, Code: codes.Unauthenticated,
		English:    "the access token has expired",
		Italian:    "il token di accesso è scaduto",
		FixEnglish: "sign in again",
		FixItalian: "accedi di nuovo",
	},
	{Reason: WrongNode, Code: codes.PermissionDenied,
		English:    "you act for another node",
		Italian:    "agisci per un altro nodo",
		FixEnglish: "call the node that your certificate and your roles belong to",
		FixItalian: "chiama il nodo a cui appartengono il tuo certificato e i tuoi ruoli",
	},
	{Reason: NotAllowed, Code: codes.PermissionDenied,
		English:    "this call is not for you",
		Italian:    "questa chiamata non ti è consentita",
		FixEnglish: "docs/access.md lists who may call; ask the coordinator for the role",
		FixItalian: "docs/access.md elenca chi può chiamare; chiedi il ruolo al coordinatore",
	},
	{Reason: ViewNotAllowed, Code: codes.PermissionDenied,
		English:    "a system may not read the content of reports and cases",
		Italian:    "un sistema non può leggere il contenuto di segnalazioni e casi",
		FixEnglish: "ask for the basic view, or sign in as a person",
		FixItalian: "chiedi la vista di base, oppure accedi come persona",
	},
	{Reason: MethodUnknown, Code: codes.Unimplemented,
		English:    "there is no such method",
		Italian:    "questo metodo non esiste",
		FixEnglish: "check the path against the contract; it begins with one slash",
		FixItalian: "controlla il percorso rispetto al contratto; inizia con una sola barra",
	},
	{Reason: DeadlineTooShort, Code: codes.DeadlineExceeded,
		English:    "less than 100 ms were left",
		Italian:    "restavano meno di 100 ms",
		FixEnglish: "give the call more time",
		FixItalian: "concedi più tempo alla chiamata",
	},
	{Reason: TooManyRequests, Code: codes.ResourceExhausted,
		English:    "you call too often",
		Italian:    "chiami troppo spesso",
		FixEnglish: "wait a second and go on more slowly",
		FixItalian: "attendi un secondo e procedi più lentamente",
	},
	{Reason: Unavailable, Code: codes.Unavailable,
		English:    "this cannot be done right now",
		Italian:    "ora non è possibile",
		FixEnglish: "try again with the same request_id: nothing is done twice",
		FixItalian: "riprova con lo stesso request_id: nulla viene fatto due volte",
	},
	{Reason: Internal, Code: codes.Internal,
		English:    "something went wrong on our side",
		Italian:    "si è verificato un errore interno",
		FixEnglish: "tell the operators the trace id",
		FixItalian: "comunica il trace id ai gestori",
	},
}
