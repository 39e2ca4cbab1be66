// Package qualification counts who is trained: of each office, in each kind of training, how many are qualified on a day, and
// when the next ones have to be trained again. It knows counts alone, so somebody who attended twice counts twice.
package qualification

import (
	"cmp"
	"slices"
	"strings"
	"time"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// Status is how an office stands in one kind of training.
type Status struct {
	// Office is its identifier.
	Office string
	Kind   string
	// Qualified are those who are, Expired those who were.
	Qualified, Expired int64
	// Editions are those that qualify now, first the ones that end next.
	Editions []Edition
}

// Edition is one from which operators of an office are qualified.
type Edition struct {
	Course, Code string
	Persons      int64
	// From is its last day, To the last day of the qualification; zero for good.
	From, To time.Time
}

// NextExpiry is when the next qualifications end, and how many do on that day; zero when none ends.
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

// ListStatus returns how offices stand on a day, by office and kind. An office stands where a course that is over has counted it.
func ListStatus(day time.Time, courses []*directoryv1.Course) []Status {
	type key struct{ office, kind string }
	all := map[key]*Status{}
	for _, c := range courses {
		for _, held := range c.GetEditions() {
			from, err := time.Parse(time.DateOnly, held.GetTo())
			if err != nil || from.After(day) { // it is still to come
				continue
			}
			to := expiryDay(from, int(c.GetValidMonths()))
			for office, persons := range personsByOffice(c, held) {
				for _, kind := range sortedUnique(c.GetKinds()) {
					k := key{office, kind}
					if all[k] == nil {
						all[k] = &Status{Office: office, Kind: kind}
					}
					if !to.IsZero() && to.Before(day) {
						all[k].Expired += persons
						continue
					}
					all[k].Qualified += persons
					all[k].Editions = append(all[k].Editions, Edition{Course: c.GetCourseId(), Code: held.GetCode(), Persons: persons, From: from, To: to})
				}
			}
		}
	}
	standings := make([]Status, 0, len(all))
	for _, s := range all {
		slices.SortFunc(s.Editions, compareExpiry)
		standings = append(standings, *s)
	}
	slices.SortFunc(standings, func(a, b Status) int { return cmp.Or(cmp.Compare(a.Office, b.Office), cmp.Compare(a.Kind, b.Kind)) })
	return standings
}

func compareExpiry(a, b Edition) int {
	if a.To.IsZero() != b.To.IsZero() {
		if a.To.IsZero() {
			return 1
		}
		return -1
	}
	return cmp.Or(a.To.Compare(b.To), cmp.Compare(a.Course, b.Course), cmp.Compare(a.Code, b.Code))
}

// lastYear is the last one that a day of the contract can have.
const lastYear = 9999

// expiryDay is the last day of a qualification that began on a day, as terms of months end in Italian law: on the same day of the
// month, or on the last day of one that is shorter. None, for one that is for good.
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

// personsByOffice are the persons of each office who personsByOffice an edition. Where only modules were counted, they are as many as may
// have personsByOffice all that are for their type of participant.
func personsByOffice(c *directoryv1.Course, held *directoryv1.Edition) map[string]int64 {
	type group struct{ office, participant string }
	counted := map[group]map[string]int64{} // by module, "" for the whole course
	for _, a := range held.GetAttendance() {
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

// completedModules is how many may have attended every module for a type of participant: not more than the emptiest one had.
func completedModules(c *directoryv1.Course, participant string, byModule map[string]int64) int64 {
	var least int64
	for i, m := range slices.DeleteFunc(slices.Clone(c.GetModules()), func(m *directoryv1.Module) bool {
		return len(m.GetParticipants()) > 0 && !slices.Contains(m.GetParticipants(), participant)
	}) {
		if n := byModule[m.GetCode()]; i == 0 || n < least {
			least = n
		}
	}
	return least
}

func sortedUnique(kinds []string) []string { return slices.Compact(slices.Sorted(slices.Values(kinds))) }
