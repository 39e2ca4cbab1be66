package office

import (
	"cmp"
	"slices"
	"time"

	"github.com/retepari/pari/pkg/tz"
	"github.com/retepari/pari/services/directory/internal/opening"
)

// Reasons why an office was found.
const (
	// ReasonTerritory: it serves the place.
	ReasonTerritory = "TERRITORY"
	// ReasonProvince: it serves the province of the municipality, or a municipality of the province.
	ReasonProvince = "TERRITORY_PROVINCE"
	// ReasonFallback: no office that serves the place meets the query, and this office of the region offers intake.
	ReasonFallback = "NODE_FALLBACK"
	// ReasonGround: it lists the ground among those it handles.
	ReasonGround = "GROUND"
	// ReasonAllGrounds: it handles discrimination on any ground.
	ReasonAllGrounds = "ALL_GROUNDS"
	// ReasonAccessMode: it offers the access mode.
	ReasonAccessMode = "ACCESS_MODE"
	// ReasonService: it offers the service.
	ReasonService = "SERVICE"
	// ReasonOpen: it is open at the requested time.
	ReasonOpen = "OPEN"
	// ReasonLanguage and ReasonAccessibility: it meets the whole preference.
	ReasonLanguage, ReasonAccessibility = "LANGUAGE", "ACCESSIBILITY"
	// ReasonLanguagePartly and ReasonAccessibilityPartly: it meets a part of the preference.
	ReasonLanguagePartly, ReasonAccessibilityPartly = "LANGUAGE_PARTLY", "ACCESSIBILITY_PARTLY"
)

// MaxMatches is the maximum number of offices that Find returns.
const MaxMatches = 50

// Query describes what a person needs. An empty field matches every office.
type Query struct {
	Territory, Ground, AccessMode, Service string
	// Languages and Accessibility are preferences: they rank offices and never exclude one.
	Languages, Accessibility []string
	// OpenAt restricts the result to offices that are open at that moment.
	OpenAt time.Time
	// Now is the time of the query. It must be set.
	Now time.Time
	// Limit is the maximum number of offices to return, at most MaxMatches. 0 means MaxMatches.
	Limit int

	day string // the day of moment in Rome
}

// moment returns the time that the result refers to.
func (q Query) moment() time.Time {
	if q.OpenAt.IsZero() {
		return q.Now
	}
	return q.OpenAt
}

// Match is an office that was found.
type Match struct {
	Office *Office
	// State is the opening state of the telephone if the query is for it and it has its own hours, else of the counter.
	State opening.State
	// Reasons list why it matches, the territory first.
	Reasons []string
}

// Find returns the offices that match a query, best first. It considers offices that are active on the day, and ranks
// them:
//
//   - by territory: those that serve the place, then those that serve its province;
//   - by ground: those that list it, then those that handle all grounds;
//   - by intake: those that offer it, then the others;
//   - by languages, then by accessibility: those that meet all of the preference, some of it, none of it;
//   - by the order of the directory.
//
// Territory and services rank above preferences: an office that serves the place can bring an interpreter, and one that
// does not list a language may still have it. If no office that serves the place matches, Find falls back to the
// offices of its region that offer intake, or to those of all regions for a place without a region.
func (x *Index) Find(q Query) []Match {
	var matches []ranked
	q.day = q.moment().In(tz.Rome).Format(time.DateOnly)
	if q.Territory == "" {
		for i := range x.offices {
			matches = x.appendIfMatching(matches, i, q, "")
		}
		return x.topMatches(matches, q)
	}
	for _, i := range x.byTerritory[q.Territory] {
		matches = x.appendIfMatching(matches, i, q, ReasonTerritory)
	}
	nearby := x.byProvince[q.Territory]
	if province := x.places.Province(q.Territory); province != "" {
		nearby = x.byTerritory[province]
	}
	for _, i := range nearby {
		if !slices.Contains(x.byTerritory[q.Territory], i) {
			matches = x.appendIfMatching(matches, i, q, ReasonProvince)
		}
	}
	if len(matches) > 0 {
		return x.topMatches(matches, q)
	}
	for _, i := range x.fallbackPositions(q.Territory) {
		if x.offices[i].offersIntake() {
			matches = x.appendIfMatching(matches, i, q, ReasonFallback)
		}
	}
	return x.topMatches(matches, q)
}

// fallbackPositions returns the positions of the offices of a place's region, or of all offices for a place without
// region.
func (x *Index) fallbackPositions(territory string) []int {
	if region := x.places.Region(territory); region != "" {
		return x.byRegion[region]
	}
	all := make([]int, len(x.offices))
	for i := range all {
		all[i] = i
	}
	return all
}

// ranked is a match with its sort keys; smaller is better.
type ranked struct {
	Match
	territory, ground, intake, language, accessibility, position int
}

// appendIfMatching appends the office at a position if it matches the query. The reason territory tells how it was
// selected.
func (x *Index) appendIfMatching(found []ranked, i int, q Query, territory string) []ranked {
	o := &x.offices[i].Office
	if !o.isActiveOn(q.day) {
		return found
	}
	r := ranked{Match: Match{Office: o}, position: i}
	switch territory {
	case ReasonProvince:
		r.territory = 1
	case ReasonFallback:
		r.territory = 2
	}
	if territory != "" {
		r.Reasons = append(r.Reasons, territory)
	}
	if q.Ground != "" {
		switch {
		case slices.Contains(o.Grounds, q.Ground):
			r.Reasons = append(r.Reasons, ReasonGround)
		case len(o.Grounds) == 0 && o.offersIntake():
			r.ground, r.Reasons = 1, append(r.Reasons, ReasonAllGrounds)
		default:
			return found
		}
	}
	if !o.isReachable(q.Service, q.AccessMode) {
		return found
	}
	if q.AccessMode != "" {
		r.Reasons = append(r.Reasons, ReasonAccessMode)
	}
	if q.Service != "" {
		r.Reasons = append(r.Reasons, ReasonService)
	}
	if !q.OpenAt.IsZero() {
		if r.State = x.offices[i].plans.stateAt(q.AccessMode, q.OpenAt); !r.State.Open {
			return found
		}
		r.Reasons = append(r.Reasons, ReasonOpen)
	}
	if !o.offersIntake() {
		r.intake = 1
	}
	if len(q.Languages)+len(q.Accessibility) > 0 {
		r.rankPreferences(q)
	}
	return append(found, r)
}

// topMatches sorts the matches, applies the limit and adds the opening state where the query did not need it.
func (x *Index) topMatches(found []ranked, q Query) []Match {
	slices.SortFunc(found, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(a.territory, b.territory), cmp.Compare(a.ground, b.ground),
			cmp.Compare(a.intake, b.intake),
			cmp.Compare(a.language, b.language), cmp.Compare(a.accessibility, b.accessibility),
			cmp.Compare(a.position, b.position))
	})
	if q.Limit == 0 {
		q.Limit = MaxMatches
	}
	found = found[:min(len(found), q.Limit, MaxMatches)]
	matches := make([]Match, 0, len(found))
	for _, r := range found {
		if q.OpenAt.IsZero() {
			r.State = x.offices[r.position].plans.stateAt(q.AccessMode, q.Now)
		}
		matches = append(matches, r.Match)
	}
	return matches
}

// isActiveOn reports whether the office is active and its entry is valid on a day.
func (o *Office) isActiveOn(day string) bool {
	return o.State == "ACTIVE" && o.ValidFrom <= day && (o.ValidTo == "" || day <= o.ValidTo)
}

// offersIntake reports whether people can turn to the office about discrimination on any ground: it offers a service
// with which a report can begin. An office that only lends a room, say, does not.
func (o *Office) offersIntake() bool {
	return slices.ContainsFunc(o.Services, func(s Service) bool {
		switch s.Type {
		case "RECEPTION", "ORIENTATION", "COUNSELLING", "REPORT_COLLECTION", "CASE_MANAGEMENT", "INTERVIEW":
			return true
		}
		return false
	})
}

// isReachable reports whether the office offers a service ("" for any) in an access mode ("" for any). A service
// without access modes has those of the office.
func (o *Office) isReachable(service, mode string) bool {
	if service == "" && (mode == "" || o.hasContactFor(mode)) {
		return true
	}
	return slices.ContainsFunc(o.Services, func(s Service) bool {
		return (service == "" || s.Type == service) &&
			(mode == "" || slices.Contains(s.AccessModes, mode) || len(s.AccessModes) == 0 && o.hasContactFor(mode))
	})
}

// hasContactFor reports whether the office's own contacts offer an access mode.
func (o *Office) hasContactFor(mode string) bool {
	switch mode {
	case "PHONE":
		return slices.ContainsFunc(o.Phones, Phone.acceptsCalls)
	case "WHATSAPP":
		return slices.ContainsFunc(o.Phones, func(p Phone) bool { return p.WhatsApp && p.Number != "" })
	case "MAIL":
		return len(o.Emails) > 0
	case "DESK":
		return len(o.Hours) > 0 || slices.ContainsFunc(o.Addresses, func(a Address) bool { return a.Street != "" })
	}
	return false
}

// acceptsCalls reports whether the number takes voice calls. A WhatsApp number does only if it has hours.
func (p Phone) acceptsCalls() bool { return p.Number != "" && (!p.WhatsApp || len(p.Hours) > 0) }
