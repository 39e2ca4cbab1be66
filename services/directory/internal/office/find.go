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
	// ReasonTerritory: it serves the place asked for.
	ReasonTerritory = "TERRITORY"
	// ReasonProvince: it serves the province of the municipality asked for, or a part of the province asked for.
	ReasonProvince = "TERRITORY_PROVINCE"
	// ReasonFallback: nobody who serves the place has what is asked for, and this office of the same region takes people in.
	ReasonFallback = "NODE_FALLBACK"
	// ReasonGround: it names the ground among those it deals with.
	ReasonGround = "GROUND"
	// ReasonAllGrounds: it deals with discrimination on whatever ground.
	ReasonAllGrounds = "ALL_GROUNDS"
	// ReasonAccessMode: it can be reached like that.
	ReasonAccessMode = "ACCESS_MODE"
	// ReasonService: it gives the service.
	ReasonService = "SERVICE"
	// ReasonOpen: it is open at the time asked for.
	ReasonOpen = "OPEN"
	// ReasonLanguage and ReasonAccessibility: it gives all that was wished for.
	ReasonLanguage, ReasonAccessibility = "LANGUAGE", "ACCESSIBILITY"
	// ReasonLanguagePartly and ReasonAccessibilityPartly: it gives some of it.
	ReasonLanguagePartly, ReasonAccessibilityPartly = "LANGUAGE_PARTLY", "ACCESSIBILITY_PARTLY"
)

// MaxMatches is how many offices Find returns at most.
const MaxMatches = 50

// Query is what somebody needs. Empty fields do not restrict.
type Query struct {
	Territory, Ground, AccessMode, Service string
	// Languages and Accessibility are wishes: they rank, and never restrict.
	Languages, Accessibility []string
	// OpenAt asks for what is open at that moment.
	OpenAt time.Time
	// Now is the time of the question. It must be set.
	Now time.Time
	// Limit is how many offices to return at most, up to MaxMatches; 0 for that many.
	Limit int

	day string // that the answer is about, in Rome
}

// moment is the moment that the answer is about.
func (q Query) moment() time.Time {
	if q.OpenAt.IsZero() {
		return q.Now
	}
	return q.OpenAt
}

// Match is an office that was found.
type Match struct {
	Office *Office
	// State is that of the telephone when one wants to call and the telephone has hours of its own, else of the counter.
	State opening.State
	// Reasons say why, the territory first.
	Reasons []string
}

// Find returns the offices that can help, best first: those that serve the place before those that serve its province;
// those that name the ground before those that deal with all; those that take people in before the others; those that give
// the languages wished for, then the accessibility, before those that give some of it, before those that do not say; then in the
// order of the directory. Where an office is and what it does comes before wishes: who serves the place can bring an interpreter,
// and who does not say what they have may have it. Only offices that work on that day are found. When nobody who serves the
// place has what is asked for, the offices of the same region that take people in are found instead; for a place without
// region, those of all regions.
func (x *Index) Find(q Query) []Match {
	var found []ranked
	q.day = q.moment().In(tz.Rome).Format(time.DateOnly)
	if q.Territory == "" {
		for i := range x.offices {
			found = x.appendIfMatching(found, i, q, "")
		}
		return x.topMatches(found, q)
	}
	for _, i := range x.byTerritory[q.Territory] {
		found = x.appendIfMatching(found, i, q, ReasonTerritory)
	}
	around := x.byProvince[q.Territory]
	if province := x.places.Province(q.Territory); province != "" {
		around = x.byTerritory[province]
	}
	for _, i := range around {
		if !slices.Contains(x.byTerritory[q.Territory], i) {
			found = x.appendIfMatching(found, i, q, ReasonProvince)
		}
	}
	if len(found) > 0 {
		return x.topMatches(found, q)
	}
	for i := range x.fallbackPositions(q.Territory) {
		if x.offices[i].offersIntake() {
			found = x.appendIfMatching(found, i, q, ReasonFallback)
		}
	}
	return x.topMatches(found, q)
}

// fallbackPositions yields the positions of the offices of a place's region, or of all offices for a place without region.
func (x *Index) fallbackPositions(territory string) func(yield func(int) bool) {
	region := x.places.Region(territory)
	return func(yield func(int) bool) {
		if region != "" {
			for _, i := range x.byRegion[region] {
				if !yield(i) {
					return
				}
			}
			return
		}
		for i := range x.offices {
			if !yield(i) {
				return
			}
		}
	}
}

// ranked is a match with what it is sorted by; smaller is better.
type ranked struct {
	Match
	territory, ground, reception, language, accessibility, position int
}

// appendIfMatching adds the office at a position when it has all that is asked for.
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
		r.reception = 1
	}
	if len(q.Languages)+len(q.Accessibility) > 0 {
		r.rankPreferences(q)
	}
	return append(found, r)
}

// topMatches returns the first matches, with the state that the question needs.
func (x *Index) topMatches(found []ranked, q Query) []Match {
	slices.SortFunc(found, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(a.territory, b.territory), cmp.Compare(a.ground, b.ground),
			cmp.Compare(a.reception, b.reception),
			cmp.Compare(a.language, b.language), cmp.Compare(a.accessibility, b.accessibility), cmp.Compare(a.position, b.position))
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

// isActiveOn tells whether the office is active and its entry holds on a day.
func (o *Office) isActiveOn(day string) bool {
	return o.State == "ACTIVE" && (o.ValidFrom == "" || o.ValidFrom <= day) && (o.ValidTo == "" || day <= o.ValidTo)
}

// offersIntake tells whether people can turn to the office with discrimination, whatever the ground: it gives one of the services
// that a report begins with. An office that names no ground but lends a room, say, does not.
func (o *Office) offersIntake() bool {
	return slices.ContainsFunc(o.Services, func(s Service) bool {
		switch s.Type {
		case "RECEPTION", "ORIENTATION", "COUNSELLING", "REPORT_COLLECTION", "CASE_MANAGEMENT", "INTERVIEW":
			return true
		}
		return false
	})
}

// isReachable tells whether the office gives a service ("" for any) in an access mode ("" for any). A service without modes
// of its own is reached the way the office is.
func (o *Office) isReachable(service, mode string) bool {
	if service == "" && (mode == "" || o.hasContactFor(mode)) {
		return true
	}
	return slices.ContainsFunc(o.Services, func(s Service) bool {
		return (service == "" || s.Type == service) &&
			(mode == "" || slices.Contains(s.AccessModes, mode) || len(s.AccessModes) == 0 && o.hasContactFor(mode))
	})
}

// hasContactFor tells whether the office's own contacts give an access mode.
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

// acceptsCalls tells whether one can call: a number for WhatsApp takes messages only, unless it has hours.
func (p Phone) acceptsCalls() bool { return p.Number != "" && (!p.WhatsApp || len(p.Hours) > 0) }
