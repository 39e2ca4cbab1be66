package vocabulary

import (
	"testing"
	"time"

	"github.com/retepari/pari/pkg/fault"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
)

func ground() *vocabularyv1.Vocabulary {
	return &vocabularyv1.Vocabulary{Name: "ground", Version: 1, Terms: []*vocabularyv1.Term{
		{Code: "SKIN_COLOUR", LabelIt: "colore della pelle", LabelEn: "skin colour", Group: "G_ETHNIC"},
		{Code: "OLD", LabelIt: "vecchio", LabelEn: "old", ValidTo: "2025-12-31"},
		{Code: "NEW", LabelIt: "nuovo", LabelEn: "new", ValidFrom: "2027-01-01"},
	}}
}

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestSet_Check(t *testing.T) {
	t.Parallel()
	s := NewSet(ground())
	// The last evening of 2025 in London is already 2026 in Rome.
	night := time.Date(2025, 12, 31, 23, 30, 0, 0, time.UTC)
	for _, c := range []struct {
		list, code string
		on         time.Time
		want       fault.Reason
	}{
		{"ground", "SKIN_COLOUR", now, ""}, {"ground", "skin_colour", now, fault.UnknownCode}, {"field", "SKIN_COLOUR", now, fault.UnknownCode},
		{"ground", "OLD", now, fault.ExpiredCode}, {"ground", "OLD", night.Add(-time.Hour), ""}, {"ground", "OLD", night, fault.ExpiredCode},
		{"ground", "NEW", now, fault.ExpiredCode}, {"ground", "NEW", now.AddDate(1, 0, 0), ""},
	} {
		if got := s.Check(c.list, c.code, c.on); got != c.want {
			t.Errorf("%s %s on %s: %q, want %q", c.list, c.code, c.on, got, c.want)
		}
	}
	if s.Group("ground", "SKIN_COLOUR") != "G_ETHNIC" || s.Label("ground", "SKIN_COLOUR", "en") != "skin colour" || s.Label("ground", "X", "it") != "X" {
		t.Error("group or label is wrong")
	}
}

func TestSet_DigestTellsChanges(t *testing.T) {
	t.Parallel()
	changed := ground()
	changed.Terms[0].LabelIt = "altro"
	if first, again := NewSet(ground()).Digest(), NewSet(ground()).Digest(); first != again || first == NewSet(changed).Digest() {
		t.Error("digest does not follow the content")
	}
}
