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

// Validate checks names, versions, titles, codes, labels and days of the lists, and that the groups of their terms
// exist. It returns one error with all problems.
func Validate(lists []List) error {
	byName := make(map[string]List, len(lists))
	var problems []error
	for _, l := range lists {
		if _, ok := byName[l.Name]; ok {
			problems = append(problems, fmt.Errorf("list %s exists twice", l.Name))
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
	add := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if !nameFormat.MatchString(l.Name) {
		add("name is not lower-case letters and underscores")
	}
	if l.Version < 1 {
		add("version is below 1")
	}
	if blank(l.TitleIT) || blank(l.TitleEN) {
		add("a title is missing")
	}
	if len(l.Terms) == 0 {
		add("no terms")
	}
	hasGroups, groups := l.Groups != "", codesOf(lists[l.Groups])
	if _, ok := lists[l.Groups]; hasGroups && !ok {
		add("list of groups %s is missing", l.Groups)
	}
	seen := make(map[string]bool, len(l.Terms))
	for _, t := range l.Terms {
		if seen[t.Code] {
			add("code %s exists twice", t.Code)
		}
		seen[t.Code] = true
		switch {
		case !hasGroups && t.Group != "":
			add("code %s has a group, the list has none", t.Code)
		case hasGroups && l.Name != TerritoryList && !groups[t.Group]:
			add("group %q of code %s is not in list %s", t.Group, t.Code, l.Groups)
		}
		for _, problem := range t.problems() {
			add("code %q: %s", t.Code, problem)
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

// placeProblems checks the two levels of the list of territories: the group of a municipality is a province of the
// list, that of a province is a region, and a place without an ISTAT code has no group.
func (l List) placeProblems(regions List) []string {
	places, regionCodes := codesOf(l), codesOf(regions)
	var problems []string
	for _, t := range l.Terms {
		ok := false
		switch len(strings.TrimLeft(t.Code, "0123456789")) {
		case 0: // an ISTAT code
			isMunicipality, isProvince := len(t.Code) == 6, len(t.Code) == 3
			ok = isMunicipality && len(t.Group) == 3 && places[t.Group] || isProvince && regionCodes[t.Group]
		case len(t.Code): // no digits in front: a place without an ISTAT code
			ok = t.Group == ""
		}
		if !ok {
			problems = append(problems, fmt.Sprintf("place %s is not in a province or region of the lists", t.Code))
		}
	}
	return problems
}

func codesOf(l List) map[string]bool {
	codes := make(map[string]bool, len(l.Terms))
	for _, t := range l.Terms {
		codes[t.Code] = true
	}
	return codes
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }
