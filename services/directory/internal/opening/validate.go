package opening

import (
	"fmt"
)

// Validate returns everything that is wrong with a schedule.
func Validate(s Schedule) []Problem {
	c := &checker{}
	switch s.Holidays {
	case "", HolidaysClosed, HolidaysNotGiven, HolidaysOpen:
	default:
		c.need(false, UnknownValue, "holidays")
	}
	c.need(s.Place == "" || municipality(s.Place), BadPlace, "place")
	hours := c.need(len(s.Hours) <= MaxHours, TooMany, "hours")
	if !c.need(len(s.Exceptions) <= MaxExceptions, TooMany, "exceptions") || !hours {
		return c.problems // what is too much is not looked at
	}
	c.hours(s.Hours)
	rules := 0
	for i, e := range s.Exceptions {
		path := fmt.Sprintf("exceptions[%d]", i)
		if e.RRule != "" {
			rules++
			c.need(rules <= MaxRules, TooMany, path+".rrule")
		}
		c.exception(path, e, rules <= MaxRules)
		if e.RRule == "" {
			c.shared(path, s.Exceptions[:i], e)
		}
	}
	return c.problems
}

// municipality tells whether a code has the form of a municipality's: six digits.
func municipality(code string) bool {
	for _, r := range code {
		if r < '0' || r > '9' {
			return false
		}
	}
	return len(code) == 6
}

type checker struct{ problems []Problem }

func (c *checker) need(ok bool, reason ProblemCode, path string) bool {
	if !ok {
		c.problems = append(c.problems, Problem{Path: path, Code: reason})
	}
	return ok
}

// hours checks weekly hours: possible days and times, and no two at once while both are in force.
func (c *checker) hours(hours []Hours) {
	for i, h := range hours {
		path := fmt.Sprintf("hours[%d]", i)
		c.need(h.Weekday >= 1 && h.Weekday <= 7, BadWeekday, path+".weekday")
		c.times(path, TimeRange{h.Opens, h.Closes})
		first, last, ok := c.dates(path+".valid_from", h.ValidFrom, path+".valid_to", h.ValidTo)
		for _, other := range hours[:i] {
			otherFirst, otherLast, otherOK := parseRange(other.ValidFrom, other.ValidTo)
			both := ok && otherOK && first <= otherLast && otherFirst <= last
			if both && h.Weekday == other.Weekday && h.Opens < other.Closes && other.Opens < h.Closes {
				c.need(false, Overlap, path)
				break
			}
		}
	}
}

// times checks one opening and tells whether it is possible.
func (c *checker) times(path string, t TimeRange) bool {
	opens := c.need(t.Opens >= 0 && t.Opens <= endOfDay, BadTime, path+".opens")
	closes := c.need(t.Closes >= 0 && t.Closes <= endOfDay, BadTime, path+".closes")
	return opens && closes && c.need(t.Opens < t.Closes, ClosesBeforeOpens, path+".closes")
}

// dates checks a range of days whose ends may be left out.
func (c *checker) dates(fromPath, from, toPath, to string) (first, last day, ok bool) {
	first, last = always, never
	ok = true
	if from != "" {
		first, ok = parseDay(from)
		c.need(ok, BadDate, fromPath)
	}
	if to != "" {
		d, good := parseDay(to)
		ok = c.need(good, BadDate, toPath) && ok
		last = d
	}
	return first, last, ok && c.need(first <= last, RangeReversed, toPath)
}

func (c *checker) exception(path string, e Exception, expanded bool) {
	c.need(e.Closed || len(e.Hours) > 0, Empty, path)
	c.need(!e.Closed || len(e.Hours) == 0, ClosedWithHours, path+".hours")
	ok := c.need(e.From != "", Empty, path+".from")
	first, last, dated := c.dates(path+".from", e.From, path+".to", e.To)
	ok = ok && dated
	if ok && e.RRule == "" && e.To == "" {
		last = first
	}
	if e.RRule != "" && expanded {
		// A rule that cannot be read is said even when its dates cannot.
		_, err := parseRule(e.RRule)
		if c.need(err == nil, BadRRule, path+".rrule") && ok {
			days, err := expand(e.RRule, first, last)
			c.need(err == nil && len(days) > 0, BadRRule, path+".rrule")
		}
	}
	if !c.need(len(e.Hours) <= MaxHours, TooMany, path+".hours") {
		return
	}
	for i, t := range e.Hours {
		at := fmt.Sprintf("%s.hours[%d]", path, i)
		possible := c.times(at, t)
		for _, other := range e.Hours[:i] {
			if t.Opens < other.Closes && other.Opens < t.Closes {
				c.need(false, Overlap, at)
				break
			}
		}
		if possible && ok && e.RRule == "" {
			c.shown(at, t, first, last)
		}
	}
}

// shared checks that no other dated exception has a day of this one.
func (c *checker) shared(path string, others []Exception, e Exception) {
	first, last, ok := e.days()
	for _, other := range others {
		otherFirst, otherLast, otherOK := other.days()
		if ok && otherOK && other.RRule == "" && first <= otherLast && otherFirst <= last {
			c.need(false, Overlap, path+".from")
			return
		}
	}
}

// shown checks that the clock shows the times on every day of a range: when the clocks go forward an hour is left out.
func (c *checker) shown(path string, t TimeRange, first, last day) {
	opens, closes := true, true
	all := turns()
	for i := turnAt(int64(first)*secondsPerDay-3*3600) + 1; i < len(all); i++ {
		before, after := all[i].at+all[i-1].ahead, all[i].at+all[i].ahead
		d := day(before / secondsPerDay)
		if d > last {
			break
		}
		if d < first || after <= before {
			continue
		}
		midnight := int64(d) * secondsPerDay
		left := TimeRange{TimeOfDay((before - midnight) / 60), TimeOfDay((after - midnight) / 60)}
		// To close when the left-out hour would have begun is to close at the change itself.
		opens = opens && (t.Opens < left.Opens || t.Opens >= left.Closes)
		closes = closes && (t.Closes <= left.Opens || t.Closes >= left.Closes)
	}
	c.need(opens, HourSkipped, path+".opens")
	c.need(closes, HourSkipped, path+".closes")
}
