package opening

import (
	"fmt"
	"strconv"
)

// TimeOfDay is a local time in Rome in minutes since midnight; 24:00 is the end of the day.
type TimeOfDay int

// endOfDay is 24:00.
const endOfDay TimeOfDay = 24 * 60

// String formats the time as 09:00.
func (t TimeOfDay) String() string { return fmt.Sprintf("%02d:%02d", int(t)/60, int(t)%60) }

// MarshalText formats the time as 09:00.
func (t TimeOfDay) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText parses a time such as 09:00, at most 24:00.
func (t *TimeOfDay) UnmarshalText(text []byte) error {
	if len(text) != 5 || text[2] != ':' {
		return fmt.Errorf("time %q is not of the form 09:00", text)
	}
	hour, hourErr := strconv.ParseUint(string(text[:2]), 10, 8)
	minute, minuteErr := strconv.ParseUint(string(text[3:]), 10, 8)
	if hourErr != nil || minuteErr != nil || minute > 59 || hour*60+minute > 24*60 {
		return fmt.Errorf("time %q is not between 00:00 and 24:00", text)
	}
	*t = TimeOfDay(hour*60 + minute)
	return nil
}
