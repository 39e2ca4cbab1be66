package opening

// ProblemCode identifies what is wrong with a schedule.
type ProblemCode string

// The problem codes.
const (
	TooMany           ProblemCode = "TOO_MANY"
	Empty             ProblemCode = "EMPTY"
	UnknownValue      ProblemCode = "UNKNOWN_VALUE"
	BadPlace          ProblemCode = "BAD_PLACE"
	BadWeekday        ProblemCode = "BAD_WEEKDAY"
	BadTime           ProblemCode = "BAD_TIME"
	BadDate           ProblemCode = "BAD_DATE"
	BadRRule          ProblemCode = "BAD_RRULE"
	RangeReversed     ProblemCode = "RANGE_REVERSED"
	ClosesBeforeOpens ProblemCode = "CLOSES_BEFORE_OPENS"
	ClosedWithHours   ProblemCode = "CLOSED_WITH_HOURS"
	Overlap           ProblemCode = "OVERLAP"
	HourSkipped       ProblemCode = "HOUR_SKIPPED_BY_CLOCK_CHANGE"
)

// Problem is one problem of a schedule.
type Problem struct {
	// Path is the path of the field: hours[2].closes.
	Path string
	// Code tells what is wrong with the field.
	Code ProblemCode
}

// Error returns the path, and a text that says what is wrong and how to correct it.
func (p Problem) Error() string { return p.Path + ": " + problemTexts[p.Code] }

var problemTexts = map[ProblemCode]string{
	TooMany:       "this list has too many entries: write fewer",
	Empty:         "this is not given: say the day, and either closed or the hours",
	UnknownValue:  "this is none of CLOSED, OPEN, NOT_GIVEN: write one of them, or nothing",
	BadPlace:      "this is no municipality: write its six-digit ISTAT code",
	BadWeekday:    "there is no such weekday: write 1 for Monday to 7 for Sunday",
	BadTime:       "there is no such time: write 00:00 to 24:00",
	BadDate:       "there is no such day: write one such as 2026-11-24",
	BadRRule:      "this rule cannot be read, or gives no day: write one such as FREQ=MONTHLY;BYDAY=1MO",
	RangeReversed: "it ends before it begins: exchange the two days",
	ClosesBeforeOpens: "it does not close after it opens: correct the time, or write what follows midnight " +
		"on the next day",
	ClosedWithHours: "it is closed and has hours: leave out one of them",
	Overlap:         "it overlaps with one before it: write each opening, and each exception of a day, once",
	HourSkipped:     "no clock shows this time on that day, for the clocks go forward: write a time that is shown",
}
