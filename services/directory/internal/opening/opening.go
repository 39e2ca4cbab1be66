// Package opening computes opening hours in Europe/Rome: whether a counter or a telephone is open at a moment, when it
// opens next, and when it has room for an appointment. It has no clock and no storage and starts no goroutines. The
// same schedule always gives the same answers.
//
// The first of these that applies determines a day:
//
//	dated exception > holiday > repeating exception > weekly hours in force > not known
//
// Open means that a clock in Rome shows a time from the opening, included, to the closing, excluded. When the clocks go
// back, the repeated hour counts twice. When they go forward, the skipped hour does not occur. Openings that touch or
// overlap are merged.
//
// # Holidays
//
// Missing information is not the same as no opening. On a holiday an office counts as closed unless its schedule says
// otherwise, and the state names the holiday, so that a caller can advise to phone first. A schedule with CLOSED, or
// without a rule but with a place, is closed because of the holiday. A schedule with NOT_GIVEN, or with neither, is
// closed because it is not known whether it opens, which is a different reason. OPEN keeps the usual hours. A dated
// exception is about that very day and overrides the holiday; a repeating one is not and does not.
//
// # Limits
//
// The supported years are 1970 to 2399; holidays are known from 1990 on. The search for the next opening or closing
// covers HorizonDays. A repeating exception applies for RuleYears from its first day.
package opening

// Limits of a schedule, which bound the cost of compiling it.
const (
	MaxHours      = 200
	MaxExceptions = 500
	MaxRules      = 20
	// RuleYears is the number of years from its first day for which a repeating exception applies.
	RuleYears = 30
	// HorizonDays is the number of days for which the next opening or closing is searched.
	HorizonDays = 800
)

// Schedule holds the opening hours of one counter or telephone. An empty field means that the source did not give it.
type Schedule struct {
	Hours      []Hours     `yaml:"hours" json:"hours,omitempty"`
	Exceptions []Exception `yaml:"exceptions" json:"exceptions,omitempty"`
	Holidays   HolidayRule `yaml:"holidays" json:"holidays,omitempty"`
	// Place is the ISTAT code of the municipality, whose patron day is a holiday too.
	Place string `yaml:"place" json:"place,omitempty"`
}

// Hours is one weekly opening: open from Opens, closed at Closes. Weekday is 1 for Monday to 7 for Sunday. Two openings
// on a weekday are split hours; openings with different validity are seasons.
type Hours struct {
	Weekday int       `yaml:"weekday" json:"weekday"`
	Opens   TimeOfDay `yaml:"opens" json:"opens"`
	Closes  TimeOfDay `yaml:"closes" json:"closes"`
	// ValidFrom and ValidTo are the first and the last day of its validity; an empty end is open.
	ValidFrom string `yaml:"valid_from,omitempty" json:"valid_from,omitempty"`
	ValidTo   string `yaml:"valid_to,omitempty" json:"valid_to,omitempty"`
}

// Exception replaces the weekly hours for the whole of each of its days: it is closed, or has other hours. Without
// RRule its days are From to To, or From alone if To is empty. With RRule they are the days of the rule from From,
// where the rule starts, to To, which may be empty.
type Exception struct {
	From string `yaml:"from" json:"from"`
	To   string `yaml:"to,omitempty" json:"to,omitempty"`
	// RRule is a recurrence rule of RFC 5545, such as FREQ=MONTHLY;BYDAY=1MO for the first Monday of each month.
	RRule  string      `yaml:"rrule,omitempty" json:"rrule,omitempty"`
	Closed bool        `yaml:"closed,omitempty" json:"closed,omitempty"`
	Hours  []TimeRange `yaml:"hours,omitempty" json:"hours,omitempty"`
	// Reason is the reason in the words of the source.
	Reason string `yaml:"reason,omitempty" json:"reason,omitempty"`
}

// TimeRange is one opening on one day.
type TimeRange struct {
	Opens  TimeOfDay `yaml:"opens" json:"opens"`
	Closes TimeOfDay `yaml:"closes" json:"closes"`
}

// HolidayRule determines what a schedule does on holidays.
type HolidayRule string

// The holiday rules. An empty rule means HolidaysClosed if the schedule gives its place, else HolidaysNotGiven.
const (
	HolidaysClosed   HolidayRule = "CLOSED"
	HolidaysNotGiven HolidayRule = "NOT_GIVEN"
	HolidaysOpen     HolidayRule = "OPEN"
)
