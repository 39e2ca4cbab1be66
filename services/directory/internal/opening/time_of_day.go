package opening

import (
	"errors"
	"fmt"
	"strconv"
)

// TimeOfDay is a time on a wall clock in Rome, in minutes since midnight; 24:00 is the end of the day.
type TimeOfDay int

// endOfDay is 24:00.
const endOfDay TimeOfDay = 24 * 60

// String writes the time as 09:00.
func (c TimeOfDay) String() string { return fmt.Sprintf("%02d:%02d", int(c)/60, int(c)%60) }

// MarshalText writes the time as 09:00.
func (c TimeOfDay) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads a time written as 09:00, at most 24:00.
func (c *TimeOfDay) UnmarshalText(text []byte) error {
	if len(text) != 5 || text[2] != ':' {
		return errors.New("a time is written as 09:00")
	}
	hour, hourErr := strconv.ParseUint(string(text[:2]), 10, 8)
	minute, minuteErr := strconv.ParseUint(string(text[3:]), 10, 8)
	if hourErr != nil || minuteErr != nil || minute > 59 || hour*60+minute > 24*60 {
		return errors.New("there is no such time")
	}
	*c = TimeOfDay(hour*60 + minute)
	return nil
}
