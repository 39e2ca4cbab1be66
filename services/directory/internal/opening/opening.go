// Package opening is the opening engine: it reads what a source says about opening, in Europe/Rome, and answers whether a
// counter or a telephone is open at a moment, when it opens next, and when it has room for an appointment. It is pure: no
// clock, no storage; the same schedule gives the same answers for ever.
//
// What is said about a day is decided by the first of these that speaks:
//
//	dated exception > holiday > repeating exception > weekly hours in force > nobody: not known
//
// Open means that a clock on a wall in Rome shows one of the day's times, opening included and closing excluded. On the night
// on which the clocks go back, an hour that is shown twice counts twice; on the night on which they go forward, the hour that
// is left out does not happen. Openings that touch or overlap are one.
//
// # Holidays
//
// Not given is not none. On a holiday an office is taken as closed unless it says otherwise, and the state holds the name of
// the holiday, so that a caller can say: call before. A schedule that says CLOSED, or says nothing but gives its place, is
// closed because of the holiday; one that says NOT_GIVEN, or nothing at all, is taken as closed because nobody knows, which
// is another reason. OPEN keeps the usual hours. A dated exception is about that very day and beats the holiday; a repeating
// one was written without thinking of it and does not.
//
// # Limits
//
// Answers are given for the years 1970 to 2399; holidays are known from 1990 on. What comes next is looked for over HorizonDays
// days. A repeating exception speaks for RuleYears years from its first day.
package opening

// Bounds of what a schedule may hold, so that no schedule costs much.
const (
	MaxHours      = 200
	MaxExceptions = 500
	MaxRules      = 20
	// RuleYears is for how many years from its first day a repeating exception speaks.
	RuleYears = 30
	// HorizonDays is how many days ahead the next opening or closing is looked for.
	HorizonDays = 800
)

// Schedule is what a source says about the opening of one counter or telephone. Empty fields are not given.
type Schedule struct {
	Hours      []Hours     `yaml:"hours" json:"hours,omitempty"`
	Exceptions []Exception `yaml:"exceptions" json:"exceptions,omitempty"`
	Holidays   HolidayRule `yaml:"holidays" json:"holidays,omitempty"`
	// Place is the ISTAT code of the municipality, whose patron day is a holiday too.
	Place string `yaml:"place" json:"place,omitempty"`
}

// Hours is one opening of every week: open from Opens, closed at Closes. Weekday is 1 Monday to 7 Sunday. Two of a day make
// split hours; hours in force over different dates make seasons.
type Hours struct {
	Weekday int       `yaml:"weekday" json:"weekday"`
	Opens   TimeOfDay `yaml:"opens" json:"opens"`
	Closes  TimeOfDay `yaml:"closes" json:"closes"`
	// ValidFrom and ValidTo are the first and the last day on which it is in force; empty is without end.
	ValidFrom string `yaml:"valid_from,omitempty" json:"valid_from,omitempty"`
	ValidTo   string `yaml:"valid_to,omitempty" json:"valid_to,omitempty"`
}

// Exception is what holds instead of the weekly hours, for the whole of each of its days: either it is closed, or it has other
// hours. Without RRule the days are From to To, and To may be left out for a single day. With RRule they are the days of the
// rule between From, from which the rule counts, and To, which may be left out.
type Exception struct {
	From string `yaml:"from" json:"from"`
	To   string `yaml:"to,omitempty" json:"to,omitempty"`
	// RRule is a recurrence of RFC 5545, such as FREQ=MONTHLY;BYDAY=1MO for the first Monday of each month.
	RRule  string      `yaml:"rrule,omitempty" json:"rrule,omitempty"`
	Closed bool        `yaml:"closed,omitempty" json:"closed,omitempty"`
	Hours  []TimeRange `yaml:"hours,omitempty" json:"hours,omitempty"`
	// Reason says why, in the words of the source.
	Reason string `yaml:"reason,omitempty" json:"reason,omitempty"`
}

// TimeRange is one opening of one day.
type TimeRange struct {
	Opens  TimeOfDay `yaml:"opens" json:"opens"`
	Closes TimeOfDay `yaml:"closes" json:"closes"`
}

// HolidayRule says what a schedule does on holidays.
type HolidayRule string

// The rules. An empty rule is HolidaysClosed where the schedule gives its place, else HolidaysNotGiven.
const (
	HolidaysClosed   HolidayRule = "CLOSED"
	HolidaysNotGiven HolidayRule = "NOT_GIVEN"
	HolidaysOpen     HolidayRule = "OPEN"
)
