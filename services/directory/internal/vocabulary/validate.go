package vocabulary

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

var (
	nameFormat = regexp.MustCompile(`^[a-z][a-z_]{0,39}$`)
	codeFormat = regexp.MustCompile(`^[A-Z0-9][A-Z0-9_]{0,39}$`)
)

// Validate tells everything that is wrong with the lists, taken together: names, versions, titles, codes, labels, days, and
// groups that their group list does not hold.
func Validate(lists []List) error {
	byName := make(map[string]List, len(lists))
	var problems []error
	for _, l := range lists {
		if _, twice := byName[l.Name]; twice {
			problems = append(problems, fmt.Errorf("list %s is there twice", l.Name))
		}
		byName[l.Name] = l
	}
	for _, l := range lists {
		for _, problem := range l.problems(byName) {
			problems = append(problems, fmt.Errorf("list %s: %s", l.Name, problem))
		}
	}
	return errors.Join(problems...)
}

func (l List) problems(lists map[string]List) []string {
	var problems []string
	say := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if !nameFormat.MatchString(l.Name) {
		say("name is not lower-case words")
	}
	if l.Version < 1 {
		say("version is below 1")
	}
	if blank(l.TitleIT) || blank(l.TitleEN) {
		say("a title is missing")
	}
	if len(l.Terms) == 0 {
		say("no terms")
	}
	groups, hasGroups := map[string]bool{}, l.Groups != ""
	if hasGroups {
		from, ok := lists[l.Groups]
		if !ok {
			say("list of groups %s is missing", l.Groups)
		}
		for _, t := range from.Terms {
			groups[t.Code] = true
		}
	}
	seen := make(map[string]bool, len(l.Terms))
	for _, t := range l.Terms {
		if seen[t.Code] {
			say("code %s is there twice", t.Code)
		}
		seen[t.Code] = true
		switch {
		case !hasGroups && t.Group != "":
			say("code %s has a group, the list has none", t.Code)
		case hasGroups && l.Name != TerritoryList && !groups[t.Group]:
			say("group %q of code %s is not in list %s", t.Group, t.Code, l.Groups)
		}
		for _, problem := range t.problems() {
			say("code %q: %s", t.Code, problem)
		}
	}
	if l.Name == TerritoryList {
		problems = append(problems, l.placeProblems(lists[RegionList])...)
	}
	return problems
}

func (t Term) problems() []string {
	var problems []string
	if !codeFormat.MatchString(t.Code) {
		problems = append(problems, "not upper-case letters, digits and underscores")
	}
	if blank(t.LabelIT) || blank(t.LabelEN) {
		problems = append(problems, "a label is missing")
	}
	for _, day := range []string{t.ValidFrom, t.ValidTo} {
		if _, err := time.Parse(time.DateOnly, day); day != "" && err != nil {
			problems = append(problems, fmt.Sprintf("%q is not a day", day))
		}
	}
	if t.ValidFrom != "" && t.ValidTo != "" && t.ValidTo < t.ValidFrom {
		problems = append(problems, "ends before it begins")
	}
	return problems
}

// placeProblems checks the two levels of the list of territories: a municipality lies in a province of the list, a province
// in a region, and a place without ISTAT code nowhere.
func (l List) placeProblems(regions List) []string {
	holds := func(terms []Term) map[string]bool {
		codes := make(map[string]bool, len(terms))
		for _, t := range terms {
			codes[t.Code] = true
		}
		return codes
	}
	places, inRegions := holds(l.Terms), holds(regions.Terms)
	var problems []string
	for _, t := range l.Terms {
		ok := false
		switch len(strings.TrimLeft(t.Code, "0123456789")) {
		case 0:
			ok = len(t.Code) == 6 && len(t.Group) == 3 && places[t.Group] || len(t.Code) == 3 && inRegions[t.Group]
		case len(t.Code):
			ok = t.Group == ""
		}
		if !ok {
			problems = append(problems, fmt.Sprintf("place %s does not lie in a province or region of the lists", t.Code))
		}
	}
	return problems
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }
