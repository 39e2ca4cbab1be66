// Package qualification computes how many operators of each office are qualified in each kind of training on a day, and
// when the next qualifications expire. Its input holds numbers and no persons, so a person who attended twice counts
// twice. The package is pure: no clock, no input or output.
package qualification

import (
	"cmp"
	"slices"
	"strings"
	"time"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// Status is the state of an office in one kind of training.
type Status struct {
	// Office is the identifier of the office.
	Office string
	Kind   string
	// Qualified is the number of valid qualifications, Expired that of expired ones.
	Qualified, Expired int64
	// Editions are the editions with valid qualifications, the next to expire first.
	Editions []Edition
}

// Edition is an edition of a course that qualifies operators of an office.
type Edition struct {
	Course, Code string
	Persons      int64
	// From is the last day of the edition, To the last day of the qualification; zero if it never expires.
	From, To time.Time
}

// NextExpiry returns the day on which the next qualifications expire and their number, or the zero day if none does.
func (s Status) NextExpiry() (day time.Time, persons int64) {
	for _, e := range s.Editions {
		switch {
		case e.To.IsZero():
		case day.IsZero() || e.To.Equal(day):
			day, persons = e.To, persons+e.Persons
		}
	}
	return day, persons
}

// ListStatus returns the status of offices on a day, sorted by office and kind. Only offices in the attendance of a
// finished edition have one.
func ListStatus(day time.Time, courses []*directoryv1.Course) []Status {
	type key struct{ office, kind string }
	byKey := map[key]*Status{}
	for _, c := range courses {
		for _, edition := range c.GetEditions() {
			from, err := time.Parse(time.DateOnly, edition.GetTo())
			if err != nil || from.After(day) { // not finished yet
				continue
			}
			to := expiryDay(from, int(c.GetValidMonths()))
			for office, persons := range personsByOffice(c, edition) {
				for _, kind := range sortedUnique(c.GetKinds()) {
					k := key{office, kind}
					if byKey[k] == nil {
						byKey[k] = &Status{Office: office, Kind: kind}
					}
					if !to.IsZero() && to.Before(day) {
						byKey[k].Expired += persons
						continue
					}
					byKey[k].Qualified += persons
					byKey[k].Editions = append(byKey[k].Editions, Edition{
						Course: c.GetCourseId(), Code: edition.GetCode(), Persons: persons, From: from, To: to,
					})
				}
			}
		}
	}
	statuses := make([]Status, 0, len(byKey))
	for _, s := range byKey {
		slices.SortFunc(s.Editions, compareExpiry)
		statuses = append(statuses, *s)
	}
	slices.SortFunc(statuses, func(a, b Status) int {
		return cmp.Or(cmp.Compare(a.Office, b.Office), cmp.Compare(a.Kind, b.Kind))
	})
	return statuses
}

// compareExpiry orders editions by expiry; those that never expire come last.
func compareExpiry(a, b Edition) int {
	if a.To.IsZero() != b.To.IsZero() {
		if a.To.IsZero() {
			return 1
		}
		return -1
	}
	return cmp.Or(a.To.Compare(b.To), cmp.Compare(a.Course, b.Course), cmp.Compare(a.Code, b.Code))
}

// lastYear is the last year that a day of the contract can have.
const lastYear = 9999

// expiryDay returns the last day of a qualification, computed like terms of months in Italian law: the same day of the
// month, or the last day of a shorter month. It returns zero if the qualification never expires.
func expiryDay(from time.Time, months int) time.Time {
	if months == 0 {
		return time.Time{}
	}
	first := time.Date(from.Year(), from.Month()+time.Month(months), 1, 0, 0, 0, 0, time.UTC)
	if first.Year() > lastYear {
		return time.Time{}
	}
	return first.AddDate(0, 0, min(from.Day(), first.AddDate(0, 1, -1).Day())-1)
}

// personsByOffice returns the number of persons of each office who attended an edition. If only modules were counted,
// it is the largest number that can have attended all modules for their type of participant.
func personsByOffice(c *directoryv1.Course, edition *directoryv1.Edition) map[string]int64 {
	type group struct{ office, participant string }
	counted := map[group]map[string]int64{} // by module, "" for the whole course
	for _, a := range edition.GetAttendance() {
		if a.GetOffice() == "" {
			continue
		}
		g := group{strings.TrimPrefix(a.GetOffice(), "office/"), a.GetParticipant()}
		if counted[g] == nil {
			counted[g] = map[string]int64{}
		}
		counted[g][a.GetModule()] += int64(a.GetPersons())
	}
	persons := map[string]int64{}
	for g, byModule := range counted {
		if n := byModule[""] + completedModules(c, g.participant, byModule); n > 0 {
			persons[g.office] += n
		}
	}
	return persons
}

// completedModules returns how many persons can have attended every module for a type of participant: the attendance of
// the least attended one.
func completedModules(c *directoryv1.Course, participant string, byModule map[string]int64) int64 {
	var least int64
	modules := slices.DeleteFunc(slices.Clone(c.GetModules()), func(m *directoryv1.Module) bool {
		return len(m.GetParticipants()) > 0 && !slices.Contains(m.GetParticipants(), participant)
	})
	for i, m := range modules {
		if n := byModule[m.GetCode()]; i == 0 || n < least {
			least = n
		}
	}
	return least
}

func sortedUnique(kinds []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(kinds)))
}
