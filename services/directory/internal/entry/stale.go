package entry

import (
	"time"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// DefaultStaleMonths is after how many months an entry should be looked at again, unless somebody says otherwise.
const DefaultStaleMonths = 12

// StaleCutoff is the day some months before a moment, or the last of its month where that is shorter: what was last checked
// before it is stale.
func StaleCutoff(now time.Time, months int) string {
	first := time.Date(now.Year(), now.Month()-time.Month(months), 1, 0, 0, 0, 0, time.UTC)
	return first.AddDate(0, 0, min(now.Day(), first.AddDate(0, 1, -1).Day())-1).Format(time.DateOnly)
}

// IsStale tells whether an entry should be looked at again: it was last checked before a day, or never, and still holds today.
// What has ended does not change any more.
func IsStale(e *directoryv1.Entry, before, today string) bool {
	to := ValidTo(e)
	return VerifiedOn(e) < before && (to == "" || to >= today)
}

// VerifiedOn is the day on which an entry was last checked; "" for never.
func VerifiedOn(e *directoryv1.Entry) string { return provenanceOf(e).GetVerifiedOn() }

// ValidFrom and ValidTo are the days between which an entry holds; "" where there is no end, or none is known.
func ValidFrom(e *directoryv1.Entry) string { return provenanceOf(e).GetValidFrom() }

// ValidTo is the other end of ValidFrom.
func ValidTo(e *directoryv1.Entry) string { return provenanceOf(e).GetValidTo() }

// Source is where an entry comes from.
func Source(e *directoryv1.Entry) string { return provenanceOf(e).GetSource() }

// provenanceOf is what an entry says of its validity and its source: in a message of its own, or an office in its own fields.
func provenanceOf(e *directoryv1.Entry) interface {
	GetValidFrom() string
	GetValidTo() string
	GetVerifiedOn() string
	GetSource() string
} {
	if o := e.GetOffice(); o != nil {
		return o
	}
	content, _ := Content(e).(interface {
		GetProvenance() *directoryv1.Provenance
	})
	if content == nil {
		return &directoryv1.Provenance{}
	}
	return content.GetProvenance()
}
