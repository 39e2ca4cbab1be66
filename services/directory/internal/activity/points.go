package activity

import (
	"fmt"
	"slices"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// pointKinds are the kinds of office that people can turn to.
var pointKinds = []string{"NODE", "ANTENNA", "DESK", "INFO_POINT", "LISTENING_POINT", "EQUALITY_CENTRE", "RIGHTS_HOUSE"}

// isPoint reports whether an office is one of the network's points.
func isPoint(o *directoryv1.Office) bool {
	return slices.Contains(pointKinds, o.GetKind())
}

// addOffice counts a point in each year at whose end it was active, and in the current year if it is active today.
// Without a first day it counts from the day on which the directory first had it, so that the figures of past years
// never change. A closed point counts up to the last day of its entry, and not at all without that day. A suspended
// point does not count until it is active again, because the start of the suspension is not known.
func (f figures) addOffice(o *directoryv1.Office, from, today string) {
	closed := o.GetState() == "CLOSED" && o.GetValidTo() != ""
	if !isPoint(o) || from == "" || from > today || o.GetState() != "ACTIVE" && !closed {
		return
	}
	for year := max(yearOf(from), firstYear); year <= yearOf(today); year++ {
		day := min(fmt.Sprintf("%04d-12-31", year), today)
		if o.GetValidTo() == "" || day <= o.GetValidTo() {
			f[figureKey{ActivePoints, year, o.GetNode()}] = 1
		}
	}
}

// addInitiative counts the sessions that have taken place.
func (f figures) addInitiative(i *directoryv1.Initiative, today string) {
	for _, s := range i.GetSessions() {
		if !s.GetCancelled() && s.GetDate() <= today {
			f[figureKey{SessionsHeld, yearOf(s.GetDate()), i.GetNode()}]++
		}
	}
}
