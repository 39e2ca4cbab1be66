package territory

import (
	"cmp"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"
	"unicode/utf8"
)

// Reason tells why a place is a candidate.
type Reason string

// The reasons, best first. Exact is the place's own name or code, except for case. Normalised differs in accents,
// apostrophes, hyphens, saints, articles or prepositions, or is one part of a bilingual name. OtherName is another
// Italian name, a former name or the abbreviation of a province. BecamePart names an ended place whose successor is the
// candidate.
const (
	Exact         Reason = "EXACT"
	Normalised    Reason = "NORMALISED"
	OtherLanguage Reason = "OTHER_LANGUAGE"
	OtherName     Reason = "OTHER_NAME"
	BecamePart    Reason = "BECAME_PART"
	Prefix        Reason = "PREFIX"
	Typo          Reason = "TYPO"
)

// Candidate is a place that a name may refer to.
type Candidate struct {
	Place Place
	// Score is from 0 to 1, higher is better. It orders the candidates of one query; it is not a probability.
	Score  float64
	Reason Reason
	// Matched is the name that matched.
	Matched string
}

const (
	maxQueryRunes = 120 // runes of a query, far above the longest name
	minPrefix     = 3   // letters of a prefix

	scoreExact      = 1.0
	scoreNormalised = 0.97
	scoreOther      = 0.94
	penaltyEnded    = 0.04 // the candidate is the successor
	penaltyMismatch = 0.3  // another province or level than requested
	scoreTypo       = 0.9  // minus the share of wrong letters
	scorePrefix     = 0.5  // plus prefixRange times the share of the name
	prefixRange     = 0.35
	bonusCapital    = 0.02 // similar names: provincial capitals first,
	bonusLarge      = 0.01 // then provinces and regions
)

var (
	abbreviationSuffix = regexp.MustCompile(`^(.*\S)\s*(?:\(\s*([A-Za-z]{2})\s*\)|,\s*([A-Za-z]{2}))\s*$`)
	kindPrefix         = regexp.MustCompile(`(?i)^\s*` +
		`(?:(comune|municipality|gemeinde|commune)|(provincia|province|provinz|città metropolitana)|` +
		`(regione|region|région))(?:\s+autonoma)?\s+(?:(?:di|of|de)\s+|d['’])?(.+)$`)
	bilingualSeparator = regexp.MustCompile(`\s*/\s*|\s+[-–]\s+`)
)

// Resolve returns at most limit places that a name may refer to on a day, best first. An abbreviation in brackets or
// after a comma ("Castro (BG)") and a level in front ("provincia di Cremona") rank other places lower. All homonyms are
// returned, the municipality before the province of the same name. A place that ended before the day stands for its
// successor.
//
// Prefixes and typing errors are tried only if no place has the name.
func (x *Index) Resolve(name string, day time.Time, limit int) []Candidate {
	if limit <= 0 || utf8.RuneCountInString(name) > maxQueryRunes {
		return nil
	}
	s := search{x: x, day: day.Format(time.DateOnly), found: map[int]Candidate{}}
	s.searchExact(name)
	query := name
	if m := abbreviationSuffix.FindStringSubmatch(query); m != nil {
		query, s.abbreviation = m[1], strings.ToUpper(m[2]+m[3])
	}
	if m := kindPrefix.FindStringSubmatch(query); m != nil {
		query = m[4]
		switch {
		case m[1] != "":
			s.kind = Municipality
		case m[2] != "":
			s.kind = Province
		default:
			s.kind = Region
		}
	}
	if query != name {
		s.searchExact(query)
	}
	if parts := bilingualSeparator.Split(query, 3); len(parts) == 2 {
		for _, part := range parts {
			s.searchName(part, scoreNormalised)
		}
	}
	if len(s.found) == 0 {
		s.searchSimilar(fold(query))
	}
	return s.ranked(limit)
}

// search is the state of one query.
type search struct {
	x            *Index
	day          string
	abbreviation string
	kind         Kind
	found        map[int]Candidate
}

// searchExact finds places by code or full name.
func (s *search) searchExact(name string) {
	if i, ok := s.x.byCode[strings.TrimSpace(name)]; ok {
		s.addCandidate(i, scoreExact, Exact, s.x.places[i].Code)
	}
	s.searchName(name, scoreExact)
}

// searchName finds places by one of their names. No candidate scores above maxScore.
func (s *search) searchName(name string, maxScore float64) {
	k := fold(name)
	for _, key := range []string{k.plain, k.loose} {
		for _, f := range s.x.byKey[key] {
			form := s.x.forms[f]
			score, reason := scoreOther, form.reason
			if reason == Exact {
				score = scoreExact
				if maxScore < scoreExact || !equalNames(form.name, name) {
					score, reason = scoreNormalised, Normalised
				}
			}
			s.addCandidate(int(form.place), min(score, maxScore), reason, form.name)
		}
	}
}

// searchSimilar finds names that begin with the keys or differ from them by typing errors.
func (s *search) searchSimilar(k keys) {
	variants := []string{k.plain, k.loose}
	if k.plain == k.loose {
		variants = variants[:1]
	}
	for _, key := range variants {
		if len(key) >= minPrefix {
			for _, match := range s.x.sorted[sort.SearchStrings(s.x.sorted, key):] {
				if !strings.HasPrefix(match, key) {
					break
				}
				s.addCandidates(match, scorePrefix+prefixRange*float64(len(key))/float64(len(match)), Prefix)
			}
		}
		s.x.similarKeys(key, func(near string, distance int) {
			score := scoreTypo - float64(distance)/float64(len(key))
			if near[0] != key[0] { // the first letter is rarely wrong
				score -= 0.01
			}
			s.addCandidates(near, score, Typo)
		})
	}
}

// addCandidates adds all places with a key. It ranks provincial capitals and larger places slightly higher.
func (s *search) addCandidates(key string, score float64, reason Reason) {
	for _, f := range s.x.byKey[key] {
		form := s.x.forms[f]
		bonus := 0.0
		switch {
		case s.x.isProvinceCapital(int(form.place)):
			bonus = bonusCapital
		case s.x.places[form.place].Kind != Municipality:
			bonus = bonusLarge
		}
		s.addCandidate(int(form.place), score+bonus, reason, form.name)
	}
}

// addCandidate adds a place, or its successor on the day, unless it already has a better score.
func (s *search) addCandidate(place int, score float64, reason Reason, matched string) {
	current, ok := s.x.currentIndex(place, s.day)
	if !ok {
		return
	}
	if current != place {
		score -= penaltyEnded
		if reason != Prefix && reason != Typo {
			reason = BecamePart
		}
	}
	p := &s.x.places[current]
	if s.abbreviation != "" && p.Abbreviation != s.abbreviation || s.kind != "" && p.Kind != s.kind {
		score -= penaltyMismatch
	}
	if s.found[current].Score < score { // every score is positive
		s.found[current] = Candidate{Place: *p, Score: score, Reason: reason, Matched: matched}
	}
}

// ranked returns the candidates, best first.
func (s *search) ranked(limit int) []Candidate {
	out := make([]Candidate, 0, len(s.found))
	for _, c := range s.found {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(len(b.Place.Code), len(a.Place.Code)),
			cmp.Compare(a.Place.Code, b.Place.Code))
	})
	return slices.Clip(out[:min(limit, len(out))])
}
