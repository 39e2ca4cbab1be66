package opening

import (
	"iter"
	"time"

	"github.com/retepari/pari/pkg/tz"
)

// State is the opening state at a moment.
type State struct {
	// Known is false if nothing is known about the day. Then only Holiday is set.
	Known bool
	Open  bool
	// Until is the closing time if it is open. It is zero if it does not close within HorizonDays.
	Until time.Time
	// Next is the next opening time if it is closed. It is zero if it does not open within HorizonDays.
	Next time.Time
	// Reason tells what determined the day.
	Reason Reason
	// Note is the reason that the source gives for the exception that applies.
	Note string
	// Holiday is the holiday of the day, whatever determined it. An open state with a holiday means that it opens on
	// the holiday.
	Holiday Holiday
}

// Span is a time range with From included and To excluded.
type Span struct{ From, To time.Time }

// StateAt returns the opening state at a moment.
func (p *Plan) StateAt(moment time.Time) State {
	d, ok := dayAt(moment)
	if !ok {
		return State{}
	}
	decision := p.decide(d)
	state := State{Known: decision.known, Reason: decision.reason, Note: decision.note, Holiday: decision.holiday}
	if !decision.known {
		return state
	}
	second := moment.Unix()
	p.walk(d, d+HorizonDays, func(from, to int64) bool {
		switch {
		case to <= second:
			return true
		case from > second:
			state.Next = romeTime(from)
		default:
			state.Open = true
			if to < min(d+HorizonDays, lastDay).end() {
				state.Until = romeTime(to)
			}
		}
		return false
	})
	return state
}

// Spans yields the merged openings between two moments in order, clipped to them.
func (p *Plan) Spans(from, to time.Time) iter.Seq[Span] {
	return func(yield func(Span) bool) {
		for opening := range p.openings(from, to) {
			s := Span{From: later(opening.From, from), To: earlier(opening.To, to)}
			if s.From.Before(s.To) && !yield(s) {
				return
			}
		}
	}
}

// openings yields the openings of the days of a time range, not clipped to it.
func (p *Plan) openings(from, to time.Time) iter.Seq[Span] {
	return func(yield func(Span) bool) {
		p.walk(clampDay(from), clampDay(to), func(opens, closes int64) bool {
			return yield(Span{From: romeTime(opens), To: romeTime(closes)})
		})
	}
}

func romeTime(second int64) time.Time { return time.Unix(second, 0).In(tz.Rome) }

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
