// Package vocabulary holds the code lists of the directory and checks the codes of messages against them. The contract
// names the list of each field: (pari.vocabulary.v1.list). A Set is immutable; package replica keeps one current.
package vocabulary

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/tz"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
)

// Set is all code lists at one point in time.
type Set struct {
	lists  map[string]*vocabularyv1.Vocabulary
	terms  map[string]map[string]*vocabularyv1.Term
	digest string
}

// NewSet indexes lists. It retains them and does not change them.
func NewSet(lists ...*vocabularyv1.Vocabulary) *Set {
	s := &Set{
		lists: map[string]*vocabularyv1.Vocabulary{}, terms: map[string]map[string]*vocabularyv1.Term{},
		digest: Digest(lists),
	}
	for _, l := range lists {
		s.lists[l.GetName()] = l
		terms := make(map[string]*vocabularyv1.Term, len(l.GetTerms()))
		for _, t := range l.GetTerms() {
			terms[t.GetCode()] = t
		}
		s.terms[l.GetName()] = terms
	}
	return s
}

// Digest returns the SHA-256 over lists in the order of their names, in hexadecimal. Two sets with the same digest are
// equal.
func Digest(lists []*vocabularyv1.Vocabulary) string {
	sorted := slices.SortedFunc(slices.Values(lists), func(a, b *vocabularyv1.Vocabulary) int {
		return strings.Compare(a.GetName(), b.GetName())
	})
	sum := sha256.New()
	for _, l := range sorted {
		raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(l)
		if err != nil {
			continue // a list that cannot be encoded cannot be sent either
		}
		one := sha256.Sum256(raw)
		_, _ = sum.Write(one[:])
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// Digest returns the digest of the set.
func (s *Set) Digest() string { return s.digest }

// Lists returns the lists with these names, or all lists, in the order of their names.
func (s *Set) Lists(names ...string) []*vocabularyv1.Vocabulary {
	var found []*vocabularyv1.Vocabulary
	for name, l := range s.lists {
		if len(names) == 0 || slices.Contains(names, name) {
			found = append(found, l)
		}
	}
	slices.SortFunc(found, func(a, b *vocabularyv1.Vocabulary) int { return strings.Compare(a.GetName(), b.GetName()) })
	return found
}

// Lookup returns the term of a code.
func (s *Set) Lookup(list, code string) (*vocabularyv1.Term, bool) {
	t, ok := s.terms[list][code]
	return t, ok
}

// Group returns the table group of a code, "" when the code is unknown or has none.
func (s *Set) Group(list, code string) string { return s.terms[list][code].GetGroup() }

// Label returns the label of a code in a language ("it" or "en"), or the code itself.
func (s *Set) Label(list, code, language string) string {
	t, ok := s.terms[list][code]
	switch {
	case !ok:
		return code
	case language == "en" && t.GetLabelEn() != "":
		return t.GetLabelEn()
	default:
		return t.GetLabelIt()
	}
}

// Check returns "" when the code is valid on the day of now in Italy, else UNKNOWN_CODE or EXPIRED_CODE.
func (s *Set) Check(list, code string, now time.Time) fault.Reason {
	return s.CheckSince(list, code, "", now)
}

// CheckSince is like Check, and also accepts a code that was valid on any day from since on, ISO 8601. An empty since
// is the day of now.
func (s *Set) CheckSince(list, code, since string, now time.Time) fault.Reason {
	t, ok := s.terms[list][code]
	if !ok {
		return fault.UnknownCode
	}
	today := now.In(tz.Rome).Format(time.DateOnly)
	if since == "" || since > today {
		since = today
	}
	if (t.GetValidFrom() != "" && today < t.GetValidFrom()) || (t.GetValidTo() != "" && since > t.GetValidTo()) {
		return fault.ExpiredCode
	}
	return ""
}
