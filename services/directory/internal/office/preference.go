package office

import "slices"

// Codes that say the same in two lists or fields.
const (
	signLanguage     = "LIS"                          // of the list of languages
	signBookable     = "LIS_BOOKABLE"                 // of the list of accessibility
	separateEntrance = "SEPARATE_ACCESSIBLE_ENTRANCE" // of the list of accessibility
)

// rankPreferences ranks an office by how much it gives of what was wished for, and says so.
func (r *ranked) rankPreferences(q Query) {
	o := r.Office
	r.language = r.rankPreference(q.Languages, o.hasLanguage, ReasonLanguage, ReasonLanguagePartly)
	r.accessibility = r.rankPreference(q.Accessibility, o.hasAccessibility, ReasonAccessibility, ReasonAccessibilityPartly)
}

// rankPreference returns 0 for an office that gives all, 1 for one that gives some, 2 for one that gives none or does not say.
func (r *ranked) rankPreference(wished []string, has func(code string) bool, all, some string) int {
	given := 0
	for _, code := range wished {
		if has(code) {
			given++
		}
	}
	switch given {
	case 0:
		return 2
	case len(wished):
		r.Reasons = append(r.Reasons, all)
		return 0
	}
	r.Reasons = append(r.Reasons, some)
	return 1
}

// hasLanguage tells whether the office gives a language. The sign language is also given by who books an interpreter of it.
func (o *Office) hasLanguage(code string) bool {
	return slices.Contains(o.Languages, code) || code == signLanguage && slices.Contains(o.Accessibility, signBookable)
}

// hasAccessibility tells whether the office gives a kind of accessibility, by its list or by what else it says.
func (o *Office) hasAccessibility(code string) bool {
	switch {
	case slices.Contains(o.Accessibility, code):
		return true
	case code == separateEntrance:
		return slices.ContainsFunc(o.Addresses, func(a Address) bool { return a.Purpose == PurposeAccessibleEntrance })
	case code == signBookable:
		return slices.Contains(o.Languages, signLanguage)
	}
	return false
}
