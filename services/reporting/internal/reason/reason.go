// Package reason registers the error reasons that only reporting returns, with their texts in English and Italian.
package reason

import (
	"google.golang.org/grpc/codes"

	"github.com/retepari/pari/pkg/fault"
)

// Reasons of reporting, in addition to those of package fault. Reasons are added, never renamed.
const (
	UnknownTable fault.Reason = "UNKNOWN_TABLE"
	OutOfPeriod  fault.Reason = "OUT_OF_PERIOD"
	WrongRegion  fault.Reason = "WRONG_REGION"
)

func init() {
	fault.Register("reporting",
		fault.Entry{Reason: UnknownTable, Code: codes.NotFound,
			English:    "there is no such table",
			Italian:    "questa tavola non esiste",
			FixEnglish: "ListTables gives the catalogue",
			FixItalian: "ListTables riporta il catalogo",
		},
		fault.Entry{Reason: OutOfPeriod, Code: codes.InvalidArgument,
			English:    "the tables do not have this year; possible years",
			Italian:    "le tavole non hanno questo anno; anni possibili",
			FixEnglish: "ask for a year up to the present one",
			FixItalian: "chiedi un anno fino a quello in corso",
		},
		fault.Entry{Reason: WrongRegion, Code: codes.PermissionDenied,
			English:    "you have no part in this region",
			Italian:    "non hai accesso a questa regione",
			FixEnglish: "ask for a region that you were granted",
			FixItalian: "chiedi una regione che ti è stata assegnata",
		},
	)
}
