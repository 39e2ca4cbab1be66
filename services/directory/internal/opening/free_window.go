package opening

import (
	"iter"
	"slices"
	"time"
)

// FreeWindows yields the free windows of a length between two moments, in order: each lies within one opening and touches nothing
// that is busy. Windows begin at the opening and every step after it, whatever is busy, so that they stay the same while
// others are taken; when step is less than length they overlap, and the caller takes one. Busy spans may come in any order
// and overlap. An opening that went on over midnight into the first day counts from that midnight. Without a length,
// or with steps of less than a minute, there are none.
func (p *Plan) FreeWindows(from, to time.Time, length, step time.Duration, busy []Span) iter.Seq[Span] {
	taken := slices.SortedFunc(slices.Values(busy), func(a, b Span) int { return a.From.Compare(b.From) })
	return func(yield func(Span) bool) {
		if length <= 0 || step < time.Minute {
			return
		}
		rest := taken
		// busyUntil is the latest end of what began before the window ends.
		var busyUntil time.Time
		for whole := range p.openings(from, to) {
			start := whole.From
			if behind := from.Sub(start); behind > 0 {
				start = start.Add(behind.Truncate(step))
				if start.Before(from) {
					start = start.Add(step)
				}
			}
			end := earlier(whole.To, to)
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
