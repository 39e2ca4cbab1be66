package opening

import (
	"fmt"
)

// Validate returns all problems of a schedule.
func Validate(s Schedule) []Problem {
	c := &checker{}
	switch s.Holidays {
	case "", HolidaysClosed, HolidaysNotGiven, HolidaysOpen:
	default:
		c.require(false, UnknownValue, "holidays")
	}
	c.require(s.Place == "" || isMunicipalityCode(s.Place), BadPlace, "place")
	hours := c.require(len(s.Hours) <= MaxHours, TooMany, "hours")
	if !c.require(len(s.Exceptions) <= MaxExceptions, TooMany, "exceptions") || !hours {
		return c.problems // a list above its limit is not checked further
	}
	c.checkHours(s.Hours)
	rules := 0
	for i, e := range s.Exceptions {
		path := fmt.Sprintf("exceptions[%d]", i)
		if e.RRule != "" {
			rules++
			c.require(rules <= MaxRules, TooMany, path+".rrule")
		}
		c.checkException(path, e, rules <= MaxRules)
		if e.RRule == "" {
			c.checkSharedDays(path, s.Exceptions[:i], e)
		}
	}
	return c.problems
}

// isMunicipalityCode reports whether a code has the form of an ISTAT municipality code: six digits.
func isMunicipalityCode(code string) bool {
	for _, r := range code {
		if r < '0' || r > '9' {
			return false
		}
	}
	return len(code) == 6
}

type checker struct{ problems []Problem }

// require records a problem unless ok is true, and returns ok.
func (c *checker) require(ok bool, code ProblemCode, path string) bool {
	if !ok {
		c.problems = append(c.problems, Problem{Path: path, Code: code})
	}
	return ok
}

// checkHours checks weekly hours: weekdays, times and validity, and that no two overlap while both are in force.
func (c *checker) checkHours(hours []Hours) {
	for i, h := range hours {
		path := fmt.Sprintf("hours[%d]", i)
		c.require(h.Weekday >= 1 && h.Weekday <= 7, BadWeekday, path+".weekday")
		c.checkRange(path, TimeRange{h.Opens, h.Closes})
		first, last, ok := c.checkDates(path+".valid_from", h.ValidFrom, path+".valid_to", h.ValidTo)
		for _, other := range hours[:i] {
			otherFirst, otherLast, otherOK := parseRange(other.ValidFrom, other.ValidTo)
			both := ok && otherOK && first <= otherLast && otherFirst <= last
			if both && h.Weekday == other.Weekday && h.Opens < other.Closes && other.Opens < h.Closes {
				c.require(false, Overlap, path)
				break
			}
		}
	}
}

// checkRange checks one opening and reports whether it is valid.
func (c *checker) checkRange(path string, t TimeRange) bool {
	opens := c.require(t.Opens >= 0 && t.Opens <= endOfDay, BadTime, path+".opens")
	closes := c.require(t.Closes >= 0 && t.Closes <= endOfDay, BadTime, path+".closes")
	return opens && closes && c.require(t.Opens < t.Closes, ClosesBeforeOpens, path+".closes")
}

// checkDates checks a range of days with optional ends.
func (c *checker) checkDates(fromPath, from, toPath, to string) (first, last day, ok bool) {
	first, last = beforeFirstDay, afterLastDay
	ok = true
	if from != "" {
		first, ok = parseDay(from)
		c.require(ok, BadDate, fromPath)
	}
	if to != "" {
		d, toOK := parseDay(to)
		ok = c.require(toOK, BadDate, toPath) && ok
		last = d
	}
	return first, last, ok && c.require(first <= last, RangeReversed, toPath)
}

// checkException checks an exception. It expands the rule only if the number of rules is within its limit.
func (c *checker) checkException(path string, e Exception, expanded bool) {
	c.require(e.Closed || len(e.Hours) > 0, Empty, path)
	c.require(!e.Closed || len(e.Hours) == 0, ClosedWithHours, path+".hours")
	ok := c.require(e.From != "", Empty, path+".from")
	first, last, datesOK := c.checkDates(path+".from", e.From, path+".to", e.To)
	ok = ok && datesOK
	if e.RRule == "" && e.To == "" {
		last = first
	}
	if e.RRule != "" && expanded {
		// An invalid rule is reported even if the dates are invalid too.
		_, err := parseRule(e.RRule)
		if c.require(err == nil, BadRRule, path+".rrule") && ok {
			days, err := expand(e.RRule, first, last)
			c.require(err == nil && len(days) > 0, BadRRule, path+".rrule")
		}
	}
	if !c.require(len(e.Hours) <= MaxHours, TooMany, path+".hours") {
		return
	}
	for i, t := range e.Hours {
		hoursPath := fmt.Sprintf("%s.hours[%d]", path, i)
		valid := c.checkRange(hoursPath, t)
		for _, other := range e.Hours[:i] {
			if t.Opens < other.Closes && other.Opens < t.Closes {
				c.require(false, Overlap, hoursPath)
				break
			}
		}
		if valid && ok && e.RRule == "" {
			c.checkClockChange(hoursPath, t, first, last)
		}
	}
}

// checkSharedDays checks that a dated exception shares no day with the others.
func (c *checker) checkSharedDays(path string, others []Exception, e Exception) {
	first, last, ok := e.days()
	for _, other := range others {
		otherFirst, otherLast, otherOK := other.days()
		if ok && otherOK && other.RRule == "" && first <= otherLast && otherFirst <= last {
			c.require(false, Overlap, path+".from")
			return
		}
	}
}

// checkClockChange checks that the clocks show the times on every day of a range: when they go forward, an hour is
// skipped.
func (c *checker) checkClockChange(path string, t TimeRange, first, last day) {
	opens, closes := true, true
	all := clockChanges()
	for i := clockChangeAt(int64(first-1)*secondsPerDay) + 1; i < len(all); i++ {
		before, after := all[i].at+all[i-1].offset, all[i].at+all[i].offset
		d := day(before / secondsPerDay)
		if d > last {
			break
		}
		if d < first {
			continue
		}
		midnight := int64(d) * secondsPerDay
		skipped := TimeRange{TimeOfDay((before - midnight) / 60), TimeOfDay((after - midnight) / 60)}
		// When the clocks go back, the range is reversed and no time is in it.
		// Closing at the start of the skipped hour is closing at the change itself.
		opens = opens && (t.Opens < skipped.Opens || t.Opens >= skipped.Closes)
		closes = closes && (t.Closes <= skipped.Opens || t.Closes >= skipped.Closes)
	}
	c.require(opens, HourSkipped, path+".opens")
	c.require(closes, HourSkipped, path+".closes")
}
