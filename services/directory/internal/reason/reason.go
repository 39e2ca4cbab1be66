// Package reason registers the error reasons of the directory, with their texts in English and Italian.
package reason

import (
	"google.golang.org/grpc/codes"

	"github.com/retepari/pari/pkg/fault"
)

// Reasons of the directory, in addition to those of package fault. A reason is never renamed or removed.
const (
	UnknownEntry       fault.Reason = "UNKNOWN_ENTRY"
	HiddenSaysWhere    fault.Reason = "HIDDEN_SAYS_WHERE"
	HiddenID           fault.Reason = "HIDDEN_ID"
	HiddenAlone        fault.Reason = "HIDDEN_ALONE"
	RangeReversed      fault.Reason = "RANGE_REVERSED"
	RangeTooLong       fault.Reason = "RANGE_TOO_LONG"
	ClosesBeforeOpens  fault.Reason = "CLOSES_BEFORE_OPENS"
	Overlap            fault.Reason = "OVERLAP"
	Cycle              fault.Reason = "CYCLE"
	TwoActiveNodes     fault.Reason = "TWO_ACTIVE_NODES"
	OutsideSeries      fault.Reason = "OUTSIDE_SERIES"
	NotListed          fault.Reason = "NOT_LISTED"
	HourSkipped        fault.Reason = "HOUR_SKIPPED_BY_CLOCK_CHANGE"
	SumTooLarge        fault.Reason = "SUM_TOO_LARGE"
	UnreadableDocument fault.Reason = "UNREADABLE_DOCUMENT"
	SecondPersonNeeded fault.Reason = "SECOND_PERSON_NEEDED"
	PastDate           fault.Reason = "PAST_DATE"
	AtTheCentreOnly    fault.Reason = "AT_THE_CENTRE_ONLY"
)

func init() {
	fault.Register("directory",
		fault.Entry{Reason: UnknownEntry, Code: codes.InvalidArgument,
			English:    "this entry is not in the directory, or its kind is not allowed here",
			Italian:    "questa voce non è nel repertorio, o il suo tipo qui non è ammesso",
			FixEnglish: "name an entry that exists, such as office/cremona-sportello",
			FixItalian: "indica una voce esistente, per esempio office/cremona-sportello",
		},
		fault.Entry{Reason: HiddenSaysWhere, Code: codes.InvalidArgument,
			English: "a hidden office does not say where it is: no street, postcode or note of an address, no link, " +
				"no page of a service",
			Italian: "un ufficio riservato non dice dov'è: niente via, CAP o nota dell'indirizzo, niente link, " +
				"niente pagina di un servizio",
			FixEnglish: "leave the field empty; give a telephone or an e-mail address instead",
			FixItalian: "lascia vuoto il campo; indica invece un telefono o un indirizzo e-mail",
		},
		fault.Entry{Reason: HiddenID, Code: codes.InvalidArgument,
			English: "the identifier of a hidden office is riservato- and at least 16 hexadecimal digits, and no " +
				"other office has such an identifier; a hidden office cannot become public, or a public one hidden",
			Italian: "un ufficio riservato si chiama riservato- e almeno 16 cifre da 0 a f, e nessun altro si chiama " +
				"così; nessuno passa dall'uno all'altro",
			FixEnglish: "give a hidden office a new random identifier, and any other office a different one",
			FixItalian: "dai all'ufficio riservato un identificativo nuovo estratto a sorte, " +
				"a ogni altro un altro nome",
		},
		fault.Entry{Reason: HiddenAlone, Code: codes.InvalidArgument,
			English: "a proposal must hold only hidden offices of one node, or none: its reason, state and day would " +
				"reveal them to others",
			Italian: "una proposta contiene soltanto uffici riservati di un solo nodo, oppure nessuno: motivo, stato " +
				"e giorno li rivelerebbero ad altri",
			FixEnglish: "propose the hidden offices of each node separately",
			FixItalian: "proponi a parte gli uffici riservati di ciascun nodo",
		},
		fault.Entry{Reason: RangeReversed, Code: codes.InvalidArgument,
			English:    "it ends before it begins",
			Italian:    "finisce prima di cominciare",
			FixEnglish: "give an end that is later than the beginning",
			FixItalian: "indica una fine successiva all'inizio",
		},
		fault.Entry{Reason: RangeTooLong, Code: codes.InvalidArgument,
			English:    "this time range is too long",
			Italian:    "questo intervallo è troppo lungo",
			FixEnglish: "request a shorter one, several times if needed",
			FixItalian: "chiedine uno più breve, anche in più volte",
		},
		fault.Entry{Reason: ClosesBeforeOpens, Code: codes.InvalidArgument,
			English:    "it closes before it opens",
			Italian:    "chiude prima di aprire",
			FixEnglish: "give a closing time after the opening time; up to 24:00",
			FixItalian: "indica una chiusura dopo l'apertura, al più 24:00",
		},
		fault.Entry{Reason: Overlap, Code: codes.InvalidArgument,
			English:    "this overlaps with another of the same list",
			Italian:    "si sovrappone a un altro elemento dello stesso elenco",
			FixEnglish: "end one where the other begins",
			FixItalian: "fai finire l'uno dove comincia l'altro",
		},
		fault.Entry{Reason: Cycle, Code: codes.InvalidArgument,
			English:    "the references form a cycle",
			Italian:    "seguendo questo riferimento si torna al punto di partenza",
			FixEnglish: "remove one of the references of the cycle",
			FixItalian: "togli uno dei riferimenti del giro",
		},
		fault.Entry{Reason: TwoActiveNodes, Code: codes.InvalidArgument,
			English:    "another active node serves this territory at the same time",
			Italian:    "un altro nodo attivo serve questo territorio nello stesso periodo",
			FixEnglish: "end the other node's service first",
			FixItalian: "chiudi prima il servizio dell'altro nodo",
		},
		fault.Entry{Reason: OutsideSeries, Code: codes.InvalidArgument,
			English:    "this session lies outside the validity of its initiative, or before the one above it",
			Italian:    "questo incontro è fuori dalla validità dell'iniziativa, o precede quello sopra",
			FixEnglish: "correct the day, or the validity; write sessions in order",
			FixItalian: "correggi la data o la validità; indica gli incontri in ordine",
		},
		fault.Entry{Reason: NotListed, Code: codes.InvalidArgument,
			English:    "this is not among those that the entry itself lists",
			Italian:    "non è tra quelli che la voce stessa elenca",
			FixEnglish: "use one of the entry's own codes, or add it there",
			FixItalian: "usane uno della voce, oppure aggiungilo lì",
		},
		fault.Entry{Reason: HourSkipped, Code: codes.InvalidArgument,
			English:    "this time does not exist on this day: the clocks are put forward",
			Italian:    "quest'ora in questo giorno non esiste: entra in vigore l'ora legale",
			FixEnglish: "give a time before 02:00 or from 03:00 on",
			FixItalian: "indica un'ora prima delle 02:00 o dalle 03:00 in poi",
		},
		fault.Entry{Reason: SumTooLarge, Code: codes.InvalidArgument,
			English:    "the parts are more than the whole",
			Italian:    "le parti superano il totale",
			FixEnglish: "correct a part or the total",
			FixItalian: "correggi una parte o il totale",
		},
		fault.Entry{Reason: UnreadableDocument, Code: codes.InvalidArgument,
			English:    "this cannot be read as a document of this format",
			Italian:    "non si legge come documento di questo formato",
			FixEnglish: "check format and place; HSDS is JSON with contents, YAML has the fields of the contract",
			FixItalian: "controlla formato e punto; HSDS è JSON con contents, YAML ha i campi del contratto",
		},
		fault.Entry{Reason: SecondPersonNeeded, Code: codes.FailedPrecondition,
			English:    "who proposed a change cannot decide on it",
			Italian:    "chi ha proposto una modifica non può deciderla",
			FixEnglish: "let another publisher decide",
			FixItalian: "lascia decidere un altro responsabile della pubblicazione",
		},
		fault.Entry{Reason: PastDate, Code: codes.InvalidArgument,
			English:    "this day is over",
			Italian:    "questa data è passata",
			FixEnglish: "give today or a later day, or leave it out",
			FixItalian: "indica oggi o un giorno successivo, oppure omettila",
		},
		fault.Entry{Reason: AtTheCentreOnly, Code: codes.FailedPrecondition,
			English:    "a node keeps a copy of the directory, without history and proposals",
			Italian:    "un nodo tiene una copia del repertorio, senza storico né proposte",
			FixEnglish: "call the directory of the centre",
			FixItalian: "chiama il repertorio del centro",
		},
	)
}
