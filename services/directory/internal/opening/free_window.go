package opening

import (
	"iter"
	"slices"
	"time"
)

// FreeWindows yields the free windows of a length between two moments, in order. Each lies within one opening and
// overlaps no busy span. Windows start at the opening and at every step after it, whatever is busy, so they stay the
// same while others are booked. If step is less than length they overlap, and the caller takes one. Busy spans may be
// unordered and may overlap. An opening that began before midnight of the first day counts from that midnight. Without
// a positive length, or with a step below a minute, there are no windows.
func (p *Plan) FreeWindows(from, to time.Time, length, step time.Duration, busy []Span) iter.Seq[Span] {
	sorted := slices.SortedFunc(slices.Values(busy), func(a, b Span) int { return a.From.Compare(b.From) })
	return func(yield func(Span) bool) {
		if length <= 0 || step < time.Minute {
			return
		}
		rest := sorted
		// busyUntil is the latest end of the busy spans that start before the window ends.
		var busyUntil time.Time
		for opening := range p.openings(from, to) {
			start := opening.From
			if elapsed := from.Sub(start); elapsed > 0 {
				start = start.Add(elapsed.Truncate(step))
				if start.Before(from) {
					start = start.Add(step)
				}
			}
			end := earlier(opening.To, to)
			for ; !start.Add(length).After(end); start = start.Add(step) {
				window := Span{From: start, To: start.Add(length)}
				for len(rest) > 0 && rest[0].From.Before(window.To) {
					if rest[0].From.Before(rest[0].To) {
						busyUntil = later(busyUntil, rest[0].To)
					}
					rest = rest[1:]
				}
				if !busyUntil.After(window.From) && !yield(window) {
					return
				}
			}
		}
	}
}
