package opening

import "time"

// Holiday is the name of a holiday. The zero value means no holiday.
type Holiday struct {
	IT string `json:"it,omitempty"`
	EN string `json:"en,omitempty"`
}

// firstHolidayYear is the first year whose holidays are known.
const firstHolidayYear = 1990

// fixedHolidays are the holidays on a fixed date, each with its first year.
var fixedHolidays = map[monthDay]struct {
	since int
	name  Holiday
}{
	{time.January, 1}:   {firstHolidayYear, Holiday{"Capodanno", "New Year's Day"}},
	{time.January, 6}:   {firstHolidayYear, Holiday{"Epifania", "Epiphany"}},
	{time.April, 25}:    {firstHolidayYear, Holiday{"Festa della Liberazione", "Liberation Day"}},
	{time.May, 1}:       {firstHolidayYear, Holiday{"Festa del lavoro", "Labour Day"}},
	{time.June, 2}:      {2001, Holiday{"Festa della Repubblica", "Republic Day"}},
	{time.August, 15}:   {firstHolidayYear, Holiday{"Assunzione di Maria", "Assumption of Mary"}},
	{time.October, 4}:   {2026, Holiday{"San Francesco d'Assisi", "Saint Francis of Assisi"}},
	{time.November, 1}:  {firstHolidayYear, Holiday{"Ognissanti", "All Saints' Day"}},
	{time.December, 8}:  {firstHolidayYear, Holiday{"Immacolata Concezione", "Immaculate Conception"}},
	{time.December, 25}: {firstHolidayYear, Holiday{"Natale", "Christmas Day"}},
	{time.December, 26}: {firstHolidayYear, Holiday{"Santo Stefano", "Saint Stephen's Day"}},
}

var (
	easterSunday = Holiday{"Pasqua", "Easter Sunday"}
	easterMonday = Holiday{"Lunedì dell'Angelo", "Easter Monday"}
)

// patronDays are the patron days by the ISTAT code of the municipality.
var patronDays = map[string]struct {
	on   monthDay
	name Holiday
}{
	"004078": {monthDay{time.September, 29},
		Holiday{"San Michele Arcangelo, patrono di Cuneo", "Saint Michael, patron of Cuneo"}},
	"015146": {monthDay{time.December, 7},
		Holiday{"Sant'Ambrogio, patrono di Milano", "Saint Ambrose, patron of Milan"}},
	"019036": {monthDay{time.November, 13},
		Holiday{"Sant'Omobono, patrono di Cremona", "Saint Homobonus, patron of Cremona"}},
}

type monthDay struct {
	month time.Month
	day   int
}

// holiday returns the holiday of the day in a municipality, given by its ISTAT code, or the zero Holiday. Patron days
// are known for a few municipalities. Without a place, or with an unknown one, it returns national holidays only.
func (d day) holiday(place string) Holiday {
	year, month, dayOfMonth := d.midnight().Date()
	if year < firstHolidayYear {
		return Holiday{}
	}
	on := monthDay{month, dayOfMonth}
	if h, ok := fixedHolidays[on]; ok && year >= h.since {
		return h.name
	}
	if month == time.March || month == time.April {
		switch d - easter(year) {
		case 0:
			return easterSunday
		case 1:
			return easterMonday
		}
	}
	if p := patronDays[place]; p.on == on {
		return p.name
	}
	return Holiday{}
}

// easter returns Easter Sunday: the Sunday after the full moon of the Gregorian computus that falls on or after 21
// March.
func easter(year int) day {
	century, golden := year/100, year%19
	// The ecclesiastical age of the moon determines the date of the full moon.
	moon := (19*golden + century - century/4 - (8*century+13)/25 + 15) % 30
	// Two corrections keep the full moon within its 29 possible dates.
	moon -= moon / 28 * (1 - moon/28*(29/(moon+1))*((21-golden)/11))
	fullMoon := date(year, time.March, 21) + day(moon)
	return (fullMoon + 1).next(7)
}
