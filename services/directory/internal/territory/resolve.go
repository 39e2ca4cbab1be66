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

// The reasons, from the best to the least. Exact is the place's own name or code but for case. Normalised differs in accents,
// apostrophes, hyphens, saints, articles or prepositions, or is half of a name in two languages. OtherName is another Italian
// form, a former name or the sign of a province. BecamePart names a place that has since gone into the candidate.
const (
	Exact         Reason = "EXACT"
	Normalised    Reason = "NORMALISED"
	OtherLanguage Reason = "OTHER_LANGUAGE"
	OtherName     Reason = "OTHER_NAME"
	BecamePart    Reason = "BECAME_PART"
	Prefix        Reason = "PREFIX"
	Typo          Reason = "TYPO"
)

// Candidate is a place that a name may mean.
type Candidate struct {
	Place Place
	// Score is from 0 to 1, higher is better. It orders candidates of one answer; it is no probability.
	Score  float64
	Reason Reason
	// Matched is the form of the name that was found.
	Matched string
}

const (
	maxQueryRunes     = 120 // runes of a query; no name comes near
	minPrefix = 3   // letters from which on the beginning of a name is enough

	scoreExact      = 1.0
	scoreNormalised = 0.97
	scoreOther      = 0.94
	penaltyEnded       = 0.04 // the place named has become part of the candidate
	penaltyMismatch   = 0.3  // another province or level than asked for
	scoreTypo       = 0.9  // less the share of letters that are wrong
	scorePrefix     = 0.5  // more by the share of the name that is there
	prefixRange      = 0.35
	bonusCapital     = 0.02 // a guess is rather the town that gives a province its name,
	bonusLarge       = 0.01 // or a province or region, than any other
)

var (
	signSuffix   = regexp.MustCompile(`^(.*\S)\s*(?:\(\s*([A-Za-z]{2})\s*\)|,\s*([A-Za-z]{2}))\s*$`)
	kindPrefix = regexp.MustCompile(`(?i)^\s*(?:(comune|municipality|gemeinde|commune)|(provincia|province|provinz|città metropolitana)|(regione|region|région))(?:\s+autonoma)?\s+(?:(?:di|of|de)\s+|d['’])?(.+)$`)
	bilingualSeparator      = regexp.MustCompile(`\s*/\s*|\s+[-–]\s+`)
)

// Resolve returns the places that a name may mean on a day, best first, at most limit of them. A sign in brackets or after a
// comma ("Castro (BG)") and a level in front ("provincia di Cremona") put others behind. Homonyms are all returned, the
// municipality before the province of the same name. A place that ended before the day stands for what it became part of.
//
// A name that some place bears is taken at its word: only when nobody bears it are beginnings and typing errors tried.
func (x *Index) Resolve(name string, day time.Time, limit int) []Candidate {
	if limit <= 0 || utf8.RuneCountInString(name) > maxQueryRunes {
		return nil
	}
	s := search{x: x, day: day.Format(time.DateOnly), found: map[int]Candidate{}}
	s.searchExact(name)
	wanted := name
	if m := signSuffix.FindStringSubmatch(wanted); m != nil {
		wanted, s.sign = m[1], strings.ToUpper(m[2]+m[3])
	}
	if m := kindPrefix.FindStringSubmatch(wanted); m != nil {
		wanted = m[4]
		switch {
		case m[1] != "":
			s.kind = Municipality
		case m[2] != "":
			s.kind = Province
		default:
			s.kind = Region
		}
	}
	if wanted != name {
		s.searchExact(wanted)
	}
	if parts := bilingualSeparator.Split(wanted, 3); len(parts) == 2 {
		for _, part := range parts {
			s.searchName(part, scoreNormalised)
		}
	}
	if len(s.found) == 0 {
		s.searchSimilar(fold(wanted))
	}
	return s.ranked(limit)
}

// search is one question on its way to an answer.
type search struct {
	x     *Index
	day   string
	sign  string
	kind  Kind
	found map[int]Candidate
}

// searchExact looks for a code or a full name.
func (s *search) searchExact(name string) {
	if i, ok := s.x.byCode[strings.TrimSpace(name)]; ok {
		s.addCandidate(i, scoreExact, Exact, s.x.places[i].Code)
	}
	s.searchName(name, scoreExact)
}

// searchName looks for places that bear the name in one of its forms; none gets more than the score.
func (s *search) searchName(name string, most float64) {
	k := fold(name)
	for _, key := range []string{k.plain, k.loose} {
		for _, f := range s.x.byKey[key] {
			form := s.x.forms[f]
			score, reason := scoreOther, form.reason
			if reason == Exact {
				score = scoreExact
				if most < scoreExact || !equalNames(form.name, name) {
					score, reason = scoreNormalised, Normalised
				}
			}
			s.addCandidate(int(form.place), min(score, most), reason, form.name)
		}
	}
}

// searchSimilar looks for names that begin with the keys, and for those that are typing errors away.
func (s *search) searchSimilar(k keys) {
	tried := []string{k.plain, k.loose}
	if k.plain == k.loose {
		tried = tried[:1]
	}
	for _, key := range tried {
		if len(key) >= minPrefix {
			for i := sort.SearchStrings(s.x.sorted, key); i < len(s.x.sorted) && strings.HasPrefix(s.x.sorted[i], key); i++ {
				s.addCandidates(s.x.sorted[i], scorePrefix+prefixRange*float64(len(key))/float64(len(s.x.sorted[i])), Prefix)
			}
		}
		s.x.similarKeys(key, func(near string, distance int) {
			score := scoreTypo - float64(distance)/float64(len(key))
			if near[0] != key[0] { // the first letter is seldom wrong
				score -= 0.01
			}
			s.addCandidates(near, score, Typo)
		})
	}
}

func (s *search) addCandidates(key string, score float64, reason Reason) {
	for _, f := range s.x.byKey[key] {
		form := s.x.forms[f]
		gain := 0.0
		switch {
		case s.x.isProvinceCapital(int(form.place)):
			gain = bonusCapital
		case s.x.places[form.place].Kind != Municipality:
			gain = bonusLarge
		}
		s.addCandidate(int(form.place), score+gain, reason, form.name)
	}
}

// addCandidate notes a candidate, or what it has become by the day, unless the place is there already with a better score.
func (s *search) addCandidate(place int, score float64, reason Reason, matched string) {
	now, ok := s.x.currentIndex(place, s.day)
	if !ok {
		return
	}
	if now != place {
		score -= penaltyEnded
		if reason != Prefix && reason != Typo {
			reason = BecamePart
		}
	}
	p := &s.x.places[now]
	if s.sign != "" && p.Sign != s.sign || s.kind != "" && p.Kind != s.kind {
		score -= penaltyMismatch
	}
	if was, there := s.found[now]; !there || was.Score < score {
		s.found[now] = Candidate{Place: *p, Score: max(score, 0), Reason: reason, Matched: matched}
	}
}

func (s *search) ranked(limit int) []Candidate {
	out := make([]Candidate, 0, len(s.found))
	for _, c := range s.found {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(len(b.Place.Code), len(a.Place.Code)), cmp.Compare(a.Place.Code, b.Place.Code))
	})
	return slices.Clip(out[:min(limit, len(out))])
}
