package opening

import "time"

// HolidayOn returns the holiday of a date in a municipality.
func HolidayOn(year int, month time.Month, dayOfMonth int, place string) Holiday {
	return date(year, month, dayOfMonth).holiday(place)
}
