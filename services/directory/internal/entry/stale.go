package entry

import (
	"time"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// DefaultStaleMonths is the number of months after which an entry should be verified again.
const DefaultStaleMonths = 12

// StaleCutoff returns the day that many months before now: an entry last verified before it is stale. If that month is
// too short to have the day, it returns the last day of the month.
func StaleCutoff(now time.Time, months int) string {
	first := time.Date(now.Year(), now.Month()-time.Month(months), 1, 0, 0, 0, 0, time.UTC)
	return first.AddDate(0, 0, min(now.Day(), first.AddDate(0, 1, -1).Day())-1).Format(time.DateOnly)
}

// IsStale reports whether an entry should be verified again: it is still valid today, and was last verified before the
// cutoff or never. An entry that has ended does not change any more.
func IsStale(e *directoryv1.Entry, cutoff, today string) bool {
	to := ValidTo(e)
	return VerifiedOn(e) < cutoff && (to == "" || to >= today)
}

// VerifiedOn returns the day on which an entry was last verified, or "" if it never was.
func VerifiedOn(e *directoryv1.Entry) string { return provenanceOf(e).GetVerifiedOn() }

// ValidFrom returns the first day on which an entry is valid, or "" if it has none or none is known.
func ValidFrom(e *directoryv1.Entry) string { return provenanceOf(e).GetValidFrom() }

// ValidTo returns the last day on which an entry is valid, or "" if it has none or none is known.
func ValidTo(e *directoryv1.Entry) string { return provenanceOf(e).GetValidTo() }

// Source returns the source of an entry.
func Source(e *directoryv1.Entry) string { return provenanceOf(e).GetSource() }

// provenanceOf returns the part of an entry that holds its validity and source: the provenance message, or the office
// itself.
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
