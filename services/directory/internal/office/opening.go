package office

import (
	"iter"
	"slices"
	"time"

	"github.com/retepari/pari/pkg/rome"
)

// horizon is how many days ahead an opening or closing is looked for. A week holds every one of them; a second week covers
// the single hour that a change of the clocks can leave out.
const horizon = 16

// OpenState tells whether something with weekly hours is open at a moment. Weekly hours say nothing about holidays: nor
// does this.
type OpenState struct {
	// Known is false without hours; then nothing else is said.
	Known bool
	Open  bool
	// Until is when it closes, if it is open. Zero: it never does.
	Until time.Time
	// Next is when it next opens, if it is closed.
	Next time.Time
}

// StateAt tells whether something with these hours is open at a moment: it is when a clock on a wall in Rome shows one of
// them, opening included and closing excluded. On the night on which the clocks go back, an hour that is shown twice counts
// twice; on the night on which they go forward, the hour that is left out does not happen. Openings that touch are one.
func StateAt(hours []Hours, at time.Time) OpenState {
	if len(hours) == 0 {
		return OpenState{}
	}
	state := OpenState{Known: true}
	for s := range openings(hours, at) {
		switch {
		case !s.to.After(at):
		case state.Open && !s.from.After(state.Until):
			state.Until = later(state.Until, s.to)
		case state.Open:
			return state
		case s.from.After(at):
			state.Next = s.from
			return state
		default:
			state.Open, state.Until = true, s.to
		}
	}
	state.Until = time.Time{}
	return state
}

// span is a stretch of time, its beginning included and its end excluded.
type span struct{ from, to time.Time }

// openings returns the spans of the hours, in order, from the day of the moment on.
func openings(hours []Hours, at time.Time) iter.Seq[span] {
	year, month, day := at.In(rome.Zone).Date()
	return func(yield func(span) bool) {
		for i := range horizon {
			for _, s := range openingsOf(hours, time.Date(year, month, day+i, 0, 0, 0, 0, time.UTC)) {
				if !yield(s) {
					return
				}
			}
		}
	}
}

// openingsOf returns the spans of one day, whose date is given as its midnight in UTC. A day on which the clocks change is
// put together from a part before and a part after.
func openingsOf(hours []Hours, date time.Time) []span {
	weekday := int(date.Weekday()+6)%7 + 1
	var out []span
	start, end := date.Add(-3*time.Hour), date.Add(24*time.Hour)
	for start.Before(end) {
		local := start.In(rome.Zone)
		_, ahead := local.Zone()
		midnight := date.Add(-time.Duration(ahead) * time.Second)
		_, change := local.ZoneBounds()
		if change.IsZero() || change.After(end) {
			change = end
		}
		for _, h := range hours {
			if h.Weekday != weekday {
				continue
			}
			from := later(midnight.Add(time.Duration(h.Opens)*time.Minute), start)
			to := earlier(midnight.Add(time.Duration(h.Closes)*time.Minute), change)
			if from.Before(to) {
				out = append(out, span{from: from, to: to})
			}
		}
		start = change
	}
	slices.SortFunc(out, func(a, b span) int { return a.from.Compare(b.from) })
	return out
}

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
