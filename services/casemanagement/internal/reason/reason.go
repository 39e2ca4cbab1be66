// Package reason registers the error reasons that only case management uses, with their texts in English and Italian.
package reason

import (
	"google.golang.org/grpc/codes"

	"github.com/retepari/pari/pkg/fault"
)

// Reasons of case management, besides those of package fault. Reasons are published: they may be added, never renamed.
const (
	MainGroundNotListed fault.Reason = "MAIN_GROUND_NOT_LISTED"
	NotAssessed         fault.Reason = "NOT_ASSESSED"
)

func init() {
	fault.Register("casemanagement",
		fault.Entry{Reason: MainGroundNotListed, Code: codes.InvalidArgument,
			English:    "the main ground is not among the grounds",
			Italian:    "il fattore principale non è tra i fattori",
			FixEnglish: "add it to grounds, or choose one of them",
			FixItalian: "aggiungilo a grounds, oppure scegline uno tra quelli",
		},
		fault.Entry{Reason: NotAssessed, Code: codes.FailedPrecondition,
			English:    "the case has no assessment yet",
			Italian:    "il caso non ha ancora una valutazione",
			FixEnglish: "assess it first",
			FixItalian: "valutalo prima",
		},
	)
}
