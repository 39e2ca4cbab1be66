package vocabulary_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/vocabulary"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
)

func ground() *vocabularyv1.Vocabulary {
	return &vocabularyv1.Vocabulary{Name: "ground", Version: 1, Terms: []*vocabularyv1.Term{
		{Code: "SKIN_COLOUR", LabelIt: "colore della pelle", LabelEn: "skin colour", Group: "G_ETHNIC"},
		{Code: "OLD", LabelIt: "vecchio", LabelEn: "old", ValidTo: "2025-12-31"},
		{Code: "NEW", LabelIt: "nuovo", ValidFrom: "2027-01-01"},
	}}
}

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// Ensure a code is valid from its first to its last day, both included, in Italy's time zone.
func TestSet_Check(t *testing.T) {
	t.Parallel()
	s := vocabulary.NewSet(ground())
	for _, c := range []struct {
		list, code, at string
		want           fault.Reason
	}{
		{"ground", "SKIN_COLOUR", "2026-11-23T12:00:00Z", ""},
		{"ground", "skin_colour", "2026-11-23T12:00:00Z", fault.UnknownCode},
		{"field", "SKIN_COLOUR", "2026-11-23T12:00:00Z", fault.UnknownCode},
		{"ground", "OLD", "2025-12-31T22:30:00Z", ""},
		{"ground", "OLD", "2025-12-31T23:30:00Z", fault.ExpiredCode}, // 2026 in Rome
		{"ground", "NEW", "2026-12-31T22:30:00Z", fault.ExpiredCode},
		{"ground", "NEW", "2026-12-31T23:30:00Z", ""}, // 2027 in Rome
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Check(c.list, c.code, at); got != c.want {
			t.Errorf("%s %s at %s: %q, want %q", c.list, c.code, c.at, got, c.want)
		}
	}
}

func TestSet_Label(t *testing.T) {
	t.Parallel()
	s := vocabulary.NewSet(ground())
	for _, c := range []struct{ code, language, want string }{
		{"SKIN_COLOUR", "en", "skin colour"},
		{"SKIN_COLOUR", "it", "colore della pelle"},
		{"NEW", "en", "nuovo"}, // has no English label
		{"UNKNOWN", "it", "UNKNOWN"},
	} {
		if got := s.Label("ground", c.code, c.language); got != c.want {
			t.Errorf("%s in %s: %q, want %q", c.code, c.language, got, c.want)
		}
	}
}

func TestSet_Lookup(t *testing.T) {
	t.Parallel()
	s := vocabulary.NewSet(ground())
	if term, ok := s.Lookup("ground", "OLD"); !ok || term.GetValidTo() != "2025-12-31" {
		t.Errorf("got %v, %t", term, ok)
	}
	if term, ok := s.Lookup("field", "OLD"); ok {
		t.Errorf("another list has %v", term)
	}
	if got := s.Group("ground", "SKIN_COLOUR") + s.Group("ground", "OLD") + s.Group("field", "X"); got != "G_ETHNIC" {
		t.Errorf("groups are %q", got)
	}
}

// Ensure Lists returns the named lists, or all, in the order of their names.
func TestSet_Lists(t *testing.T) {
	t.Parallel()
	var lists []*vocabularyv1.Vocabulary
	for _, name := range []string{"c", "a", "d", "b"} {
		lists = append(lists, &vocabularyv1.Vocabulary{Name: name})
	}
	s := vocabulary.NewSet(lists...)
	for _, c := range []struct{ names, want []string }{
		{nil, []string{"a", "b", "c", "d"}}, {[]string{"d", "b", "x"}, []string{"b", "d"}},
	} {
		var got []string
		for _, l := range s.Lists(c.names...) {
			got = append(got, l.GetName())
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%v: %s", c.names, diff)
		}
	}
}

// Ensure the digest changes with the content of the lists, and not with their order.
func TestSet_Digest(t *testing.T) {
	t.Parallel()
	field, changed := &vocabularyv1.Vocabulary{Name: "field"}, ground()
	changed.Terms[0].LabelIt = "altro"
	digest := vocabulary.NewSet(ground(), field).Digest()
	if vocabulary.NewSet(field, ground()).Digest() != digest {
		t.Error("the digest depends on the order")
	}
	if vocabulary.NewSet(changed, field).Digest() == digest || vocabulary.NewSet(ground()).Digest() == digest {
		t.Error("the digest does not depend on the content")
	}
}
