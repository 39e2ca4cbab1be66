package opening

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/teambition/rrule-go"

	"github.com/retepari/pari/pkg/tz"
)

// Bounds of a recurrence rule.
const (
	maxRuleText = 200
	maxInterval = 100
	maxCount    = 11_000
)

// ruleParts are the parts that a rule may have. Days repeat here, never hours; week and year days are of no use to an office.
var ruleParts = map[string]bool{
	"FREQ": true, "INTERVAL": true, "COUNT": true, "UNTIL": true, "WKST": true,
	"BYMONTH": true, "BYMONTHDAY": true, "BYDAY": true, "BYSETPOS": true,
}

// parseRule reads a rule and refuses what could cost much or what the library does not survive.
func parseRule(text string) (*rrule.ROption, error) {
	if len(text) > maxRuleText {
		return nil, errors.New("the rule is too long")
	}
	seen := map[string]bool{}
	for part := range strings.SplitSeq(text, ";") {
		name, _, _ := strings.Cut(part, "=")
		if !ruleParts[name] || seen[name] {
			return nil, fmt.Errorf("%q has no place in the rule", name)
		}
		seen[name] = true
	}
	option, err := rrule.StrToROptionInLocation(text, tz.Rome)
	if err != nil {
		return nil, err
	}
	return option, errors.Join(bounded(option, seen), ordinals(option))
}

func bounded(o *rrule.ROption, seen map[string]bool) error {
	switch {
	case o.Freq > rrule.DAILY:
		return errors.New("a rule repeats days")
	case seen["INTERVAL"] && (o.Interval < 1 || o.Interval > maxInterval):
		return fmt.Errorf("an interval is 1 to %d", maxInterval)
	case seen["COUNT"] && (o.Count < 1 || o.Count > maxCount):
		return fmt.Errorf("a count is 1 to %d", maxCount)
	case seen["COUNT"] && seen["UNTIL"]:
		return errors.New("a rule ends by a count or by a date")
	case seen["BYSETPOS"] && !seen["BYDAY"] && !seen["BYMONTHDAY"] && !seen["BYMONTH"]:
		return errors.New("a position needs days to choose from")
	case seen["BYMONTHDAY"] && o.Freq == rrule.WEEKLY:
		return errors.New("a week has no days of the month")
	case seen["WKST"] && o.Wkst.N() != 0:
		return errors.New("a week begins on a weekday")
	case seen["UNTIL"] && (o.Until.Year() < firstYear || o.Until.Year() > lastYear):
		return errors.New("the rule ends in no year that is known")
	}
	_, err := rrule.NewRRule(*o)
	return err
}

// ordinals checks the first of "first Monday": it counts within a month or a year.
func ordinals(o *rrule.ROption) error {
	most := 0
	switch {
	case o.Freq == rrule.MONTHLY, o.Freq == rrule.YEARLY && len(o.Bymonth) > 0:
		most = 5
	case o.Freq == rrule.YEARLY:
		most = 53
	}
	for _, w := range o.Byweekday {
		if n := max(w.N(), -w.N()); n > most {
			return fmt.Errorf("there is no weekday number %d", w.N())
		}
	}
	for _, n := range o.Bymonthday {
		if n == 0 {
			return errors.New("there is no day 0")
		}
	}
	return nil
}

// expand returns the days of a rule from first, from which it counts, to last, over RuleYears at most. The library goes on
// to the year 9999 when no day is left, so the rule is expanded near that year, a multiple of 400 years away: dates and
// weekdays repeat after 400 years.
func expand(text string, first, last day) ([]day, error) {
	option, err := parseRule(text)
	if err != nil {
		return nil, err
	}
	start := first.midnight()
	away := (9999 - RuleYears - start.Year()) / 400 * 400
	option.Dtstart = start.AddDate(away, 0, 0)
	if !option.Until.IsZero() {
		year, month, d := option.Until.In(tz.Rome).Date()
		option.Until = time.Date(year+away, month, d, 0, 0, 0, 0, time.UTC)
	}
	rule, err := rrule.NewRRule(*option)
	if err != nil {
		return nil, err
	}
	last = min(last, ruleEnd(first))
	var days []day
	for next := rule.Iterator(); ; {
		occurrence, ok := next()
		if !ok {
			return days, nil
		}
		d := dayOf(occurrence.AddDate(-away, 0, 0))
		if d > last {
			return days, nil
		}
		days = append(days, d)
	}
}

// ruleEnd returns the last day that a rule which counts from first can speak for.
func ruleEnd(first day) day {
	return min(dayOf(first.midnight().AddDate(RuleYears, 0, 0))-1, lastDay)
}
