package opening

import (
	"iter"
	"time"

	"github.com/retepari/pari/pkg/tz"
)

// State tells whether something is open at a moment, and why.
type State struct {
	// Known is false when nobody said anything about the day; then only Holiday is said besides.
	Known bool
	Open  bool
	// Until is when it closes, if it is open. Zero: not within HorizonDays.
	Until time.Time
	// Next is when it next opens, if it is closed. Zero: not within HorizonDays.
	Next time.Time
	// Reason is what decided about the day.
	Reason Reason
	// Note is what the source says about the exception that decided.
	Note string
	// Holiday is the holiday of that day, whatever decided. When something is said to be open, it is open on that holiday.
	Holiday Holiday
}

// Span is a stretch of time, its beginning included and its end excluded.
type Span struct{ From, To time.Time }

// StateAt tells whether it is open at a moment.
func (p *Plan) StateAt(moment time.Time) State {
	d, ok := dayAt(moment)
	if !ok {
		return State{}
	}
	said := p.decide(d)
	state := State{Known: said.known, Reason: said.reason, Note: said.note, Holiday: said.holiday}
	if !said.known {
		return state
	}
	second := moment.Unix()
	p.walk(d, d+HorizonDays, func(from, to int64) bool {
		switch {
		case to <= second:
			return true
		case from > second:
			state.Next = local(from)
		default:
			state.Open = true
			if to < min(d+HorizonDays, lastDay).ends() {
				state.Until = local(to)
			}
		}
		return false
	})
	return state
}

// NextOpening returns the first moment from after on at which it is open: after itself if it is open then. It is false when
// there is none within HorizonDays.
func (p *Plan) NextOpening(after time.Time) (time.Time, bool) {
	d, ok := dayAt(after)
	if !ok {
		return time.Time{}, false
	}
	var next time.Time
	found, second := false, after.Unix()
	p.walk(d, d+HorizonDays, func(from, to int64) bool {
		if to <= second {
			return true
		}
		next, found = after, true
		if from > second {
			next = local(from)
		}
		return false
	})
	return next, found
}

// Spans yields the openings from a moment to another, in order and apart from each other, cut at both.
func (p *Plan) Spans(from, to time.Time) iter.Seq[Span] {
	return func(yield func(Span) bool) {
		for whole := range p.openings(from, to) {
			s := Span{From: later(whole.From, from), To: earlier(whole.To, to)}
			if s.From.Before(s.To) && !yield(s) {
				return
			}
		}
	}
}

// openings yields the openings that have something between two moments, not cut at them.
func (p *Plan) openings(from, to time.Time) iter.Seq[Span] {
	return func(yield func(Span) bool) {
		if !from.Before(to) {
			return
		}
		p.walk(clampDay(from), clampDay(to), func(opens, closes int64) bool {
			s := Span{From: local(opens), To: local(closes)}
			return !s.To.After(from) || s.From.Before(to) && yield(s)
		})
	}
}

func local(second int64) time.Time { return time.Unix(second, 0).In(tz.Rome) }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
