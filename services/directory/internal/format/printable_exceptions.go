package format

import (
	"slices"
	"strings"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// exceptions writes what holds instead of the usual hours, from today on: whoever reads the page does not stand before a shut
// door. What is over is left out.
func (s *sheet) exceptions() {
	coming := slices.DeleteFunc(slices.Clone(s.office.GetExceptions()), func(e *directoryv1.OpeningException) bool {
		last := e.GetTo()
		if last == "" && e.GetRrule() == "" {
			last = e.GetFrom()
		}
		return last != "" && last < s.today
	})
	slices.SortStableFunc(coming, func(a, b *directoryv1.OpeningException) int { return strings.Compare(a.GetFrom(), b.GetFrom()) })
	s.section(s.words.exceptions, len(coming) > 0, func() {
		s.element("ul", nil, func() {
			for _, e := range coming {
				s.element("li", nil, func() {
					s.text("strong", s.daysOf(e))
					s.text("span", s.openOn(e))
					s.text("span", noted("", e.GetReason()), s.own()...)
				})
			}
		})
	})
}

// daysOf says on which days an exception holds. A rule stands as it is written, beside the days between which it picks.
func (s *sheet) daysOf(e *directoryv1.OpeningException) string {
	days := e.GetFrom()
	switch {
	case e.GetTo() != "" && e.GetTo() != e.GetFrom():
		days = filled(" ", s.words.from, e.GetFrom(), s.words.to, e.GetTo())
	case e.GetTo() == "" && e.GetRrule() != "":
		days = filled(" ", s.words.from, e.GetFrom())
	}
	return noted(days, e.GetRrule())
}

func (s *sheet) openOn(e *directoryv1.OpeningException) string {
	if len(e.GetHours()) == 0 {
		return s.words.closed
	}
	return strings.Join(every(e.GetHours(), func(h *directoryv1.OpeningTimes) string { return h.GetOpens() + "–" + h.GetCloses() }), ", ")
}
