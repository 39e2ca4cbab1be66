// Package reason registers the error reasons that only intake uses, with their texts in English and Italian.
package reason

import (
	"google.golang.org/grpc/codes"

	"github.com/retepari/pari/pkg/fault"
)

// Reasons of intake, besides those of package fault. Reasons are published: they may be added, never renamed.
const (
	AnonymousWithName fault.Reason = "ANONYMOUS_WITH_NAME"
	DuplicateConsent  fault.Reason = "DUPLICATE_CONSENT"
	RequestIDExpired  fault.Reason = "REQUEST_ID_EXPIRED"
)

func init() {
	fault.Register("intake",
		fault.Entry{Reason: AnonymousWithName, Code: codes.InvalidArgument,
			English:    "an anonymous report holds a name",
			Italian:    "una segnalazione anonima contiene un nome",
			FixEnglish: "leave contact.name empty, or set anonymous to false",
			FixItalian: "lascia vuoto contact.name, oppure imposta anonymous a false",
		},
		fault.Entry{Reason: DuplicateConsent, Code: codes.InvalidArgument,
			English:    "this consent is given twice",
			Italian:    "questo consenso è indicato due volte",
			FixEnglish: "send each consent once",
			FixItalian: "invia ogni consenso una sola volta",
		},
		fault.Entry{Reason: RequestIDExpired, Code: codes.FailedPrecondition,
			English:    "this request was first sent so long ago that its answer is forgotten",
			Italian:    "il primo invio di questa richiesta è troppo lontano: la risposta non è più nota",
			FixEnglish: "ask the desk whether it has the report; if not, submit it with a new request id",
			FixItalian: "chiedi allo sportello se ha la segnalazione; se non l'ha, inviala con un nuovo request id",
		},
	)
}
