package activity

import (
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// addCourse counts the editions that are over, in the year in which they ended, with the hours of all modules and the people who
// attended.
func (f figures) addCourse(c *directoryv1.Course, today string) {
	var hours int64
	for _, m := range c.GetModules() {
		hours += int64(m.GetHours())
	}
	for _, e := range c.GetEditions() {
		if e.GetTo() > today {
			continue
		}
		year := yearOf(e.GetTo())
		f[figureKey{EditionsHeld, year, c.GetNode()}]++
		f[figureKey{TrainingHours, year, c.GetNode()}] += hours
		f[figureKey{PersonsTrained, year, c.GetNode()}] += countPersons(e.GetAttendance())
		var operators []*directoryv1.Attendance
		for _, a := range e.GetAttendance() {
			if isOperator(a) {
				operators = append(operators, a)
			}
		}
		f[figureKey{OperatorsTrained, year, c.GetNode()}] += countPersons(operators)
	}
}

// isOperator tells whether those who attended work at a point of the network: an office sent them, or their type says so. One
// row is counted once, whichever of the two is true.
func isOperator(a *directoryv1.Attendance) bool {
	return a.GetOffice() != "" || a.GetParticipant() == "DESK_OPERATORS" || a.GetParticipant() == "INFO_POINT_OPERATORS"
}

// countPersons counts persons. Attendance is given by type of participant, for the whole course or module by module, and by
// office. Whoever countPersons two modules is in both, so the modules of a type are not added up: where the whole course is given
// for a type it counts, else the module with the most persons of that type. That is the least number of persons that the
// source allows.
func countPersons(rows []*directoryv1.Attendance) (persons int64) {
	type part struct{ participant, module string }
	sums := map[part]int64{}
	for _, a := range rows {
		sums[part{a.GetParticipant(), a.GetModule()}] += int64(a.GetPersons())
	}
	most := map[string]int64{}
	for p, n := range sums {
		whole, given := sums[part{p.participant, ""}]
		if given {
			n = whole
		}
		most[p.participant] = max(most[p.participant], n)
	}
	for _, n := range most {
		persons += n
	}
	return persons
}
