package office

import "slices"

// Codes with the same meaning in two code lists or fields.
const (
	signLanguage     = "LIS"                          // of the list of languages
	signBookable     = "LIS_BOOKABLE"                 // of the list of accessibility
	separateEntrance = "SEPARATE_ACCESSIBLE_ENTRANCE" // of the list of accessibility
)

// rankPreferences ranks an office by how much of the preferences it meets, and adds the reasons.
func (r *ranked) rankPreferences(q Query) {
	o := r.Office
	r.language = r.rankPreference(q.Languages, o.hasLanguage, ReasonLanguage, ReasonLanguagePartly)
	r.accessibility = r.rankPreference(q.Accessibility, o.hasAccessibility, ReasonAccessibility,
		ReasonAccessibilityPartly)
}

// rankPreference returns 0 for an office that meets all of a preference, 1 for one that meets some, and 2 for one that
// meets none or gives no information.
func (r *ranked) rankPreference(wanted []string, has func(code string) bool, all, some string) int {
	met := 0
	for _, code := range wanted {
		if has(code) {
			met++
		}
	}
	switch met {
	case 0:
		return 2
	case len(wanted):
		r.Reasons = append(r.Reasons, all)
		return 0
	}
	r.Reasons = append(r.Reasons, some)
	return 1
}

// hasLanguage reports whether the office offers a language. A bookable interpreter counts as offering the sign
// language.
func (o *Office) hasLanguage(code string) bool {
	return slices.Contains(o.Languages, code) || code == signLanguage && slices.Contains(o.Accessibility, signBookable)
}

// hasAccessibility reports whether the office offers an accessibility feature, in its list or by its addresses and
// languages.
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
