package activity

import (
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// addCourse adds the finished editions, by the year in which they ended, with the hours of all modules and the persons
// who attended.
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

// isOperator reports whether the persons of a row work at a point of the network: an office sent them, or their type
// tells so. Each row counts once.
func isOperator(a *directoryv1.Attendance) bool {
	return a.GetOffice() != "" || a.GetParticipant() == "DESK_OPERATORS" || a.GetParticipant() == "INFO_POINT_OPERATORS"
}

// countPersons returns a lower bound for the number of persons. Attendance is given by type of participant, for the
// whole course or by module, and by office. A person who attended two modules is in both rows, so the modules of a type
// are not added up: the number for the whole course counts if given, else that of the best attended module.
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
