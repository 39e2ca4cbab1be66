package opening

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/teambition/rrule-go"

	"github.com/retepari/pari/pkg/tz"
)

// Limits of a recurrence rule.
const (
	maxRuleText = 200
	maxInterval = 100
	maxCount    = 11_000
)

// ruleParts are the supported parts of a rule. A rule repeats days, never hours; weeks and days of the year are of no
// use to an office.
var ruleParts = map[string]bool{
	"FREQ": true, "INTERVAL": true, "COUNT": true, "UNTIL": true, "WKST": true,
	"BYMONTH": true, "BYMONTHDAY": true, "BYDAY": true, "BYSETPOS": true,
}

// parseRule parses a rule and rejects those that are expensive to expand or crash the library.
func parseRule(text string) (*rrule.ROption, error) {
	if len(text) > maxRuleText {
		return nil, fmt.Errorf("rule is longer than %d characters", maxRuleText)
	}
	seen := map[string]bool{}
	for part := range strings.SplitSeq(text, ";") {
		name, _, _ := strings.Cut(part, "=")
		if !ruleParts[name] || seen[name] {
			return nil, fmt.Errorf("rule part %q is unknown or repeated", name)
		}
		seen[name] = true
	}
	option, err := rrule.StrToROptionInLocation(text, tz.Rome)
	if err != nil {
		return nil, err
	}
	return option, errors.Join(checkBounds(option, seen), checkOrdinals(option))
}

// checkBounds checks the frequency and the values of a rule.
func checkBounds(o *rrule.ROption, seen map[string]bool) error {
	switch {
	case o.Freq > rrule.DAILY:
		return errors.New("frequency is below a day")
	case seen["INTERVAL"] && (o.Interval < 1 || o.Interval > maxInterval):
		return fmt.Errorf("interval is not 1 to %d", maxInterval)
	case seen["COUNT"] && (o.Count < 1 || o.Count > maxCount):
		return fmt.Errorf("count is not 1 to %d", maxCount)
	case seen["COUNT"] && seen["UNTIL"]:
		return errors.New("rule has both a count and an end")
	case seen["BYSETPOS"] && !seen["BYDAY"] && !seen["BYMONTHDAY"] && !seen["BYMONTH"]:
		return errors.New("position has no days to choose from")
	case seen["BYMONTHDAY"] && o.Freq == rrule.WEEKLY:
		return errors.New("weekly rule has days of the month")
	case o.Wkst.N() != 0:
		return errors.New("week start has an ordinal")
	case seen["UNTIL"] && (o.Until.Year() < firstYear || o.Until.Year() > lastYear):
		return fmt.Errorf("end is outside the years %d to %d", firstYear, lastYear)
	}
	_, err := rrule.NewRRule(*o)
	return err
}

// checkOrdinals checks the ordinals of weekdays, as in "first Monday".
func checkOrdinals(o *rrule.ROption) error {
	limit := 0
	switch {
	case o.Freq == rrule.MONTHLY, o.Freq == rrule.YEARLY && len(o.Bymonth) > 0:
		limit = 5
	case o.Freq == rrule.YEARLY:
		limit = 53
	}
	for _, w := range o.Byweekday {
		if n := max(w.N(), -w.N()); n > limit {
			return fmt.Errorf("weekday ordinal %d is out of range", w.N())
		}
	}
	return nil
}

// expand returns the days of a rule from first, where the rule starts, to last, for at most RuleYears. The library
// searches until the year 9999 if no day is left. So the rule is expanded a multiple of 400 years later, near that
// year: dates and weekdays repeat after 400 years.
func expand(text string, first, last day) ([]day, error) {
	option, err := parseRule(text)
	if err != nil {
		return nil, err
	}
	start := first.midnight()
	shift := (9999 - RuleYears - start.Year()) / 400 * 400
	option.Dtstart = start.AddDate(shift, 0, 0)
	if !option.Until.IsZero() {
		year, month, d := option.Until.In(tz.Rome).Date()
		option.Until = time.Date(year+shift, month, d, 0, 0, 0, 0, time.UTC)
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
		d := dayOf(occurrence.AddDate(-shift, 0, 0))
		if d > last {
			return days, nil
		}
		days = append(days, d)
	}
}

// ruleEnd returns the last day on which a rule that starts on first can apply.
func ruleEnd(first day) day {
	return min(dayOf(first.midnight().AddDate(RuleYears, 0, 0))-1, lastDay)
}
