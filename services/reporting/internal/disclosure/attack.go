package disclosure

// unbounded is above every count, and small enough to be added up.
const unbounded = int64(1) << 40

// bounds is what an attacker knows of one cell: it is at least lo and at most hi.
type bounds struct{ lo, hi int64 }

// why a cell is shown, or not.
type why uint8

const (
	shown why = iota
	small     // below the threshold
	kept      // not small: alone in its line, or in a line that would tell
)

// below is what everybody may know of a small cell.
func (a *audit) below() bounds { return bounds{0, a.r.Threshold - 1} }

// attack returns what can be known of every cell from those that are shown.
func (a *audit) attack() []bounds {
	b := make([]bounds, len(a.state))
	for i, s := range a.state {
		switch s {
		case shown:
			v := a.r.round(a.g.Counts[i])
			b[i] = bounds{max(a.r.Threshold, v-a.r.Base/2), v + a.r.Base/2}
		case small:
			b[i] = a.below()
		case kept:
			b[i] = bounds{a.r.Threshold, unbounded}
		}
	}
	for moved := true; moved; {
		moved = false
		for _, l := range a.lines {
			moved = l.narrow(b) || moved
		}
	}
	return b
}

// narrow bounds every cell of the line by the others, and tells whether anything moved.
func (l line) narrow(b []bounds) bool {
	sum := l.sum(b)
	total := l.boundTotal(sum, b[l.total])
	moved := total != b[l.total]
	b[l.total] = total
	for _, p := range l.parts {
		// The sum stays the one of before: bounds that moved meanwhile are used in the next pass.
		if next := l.boundPart(sum, b[p], b[p], total); next != b[p] {
			b[p], moved = next, true
		}
	}
	return moved
}

// bound returns what the line alone makes of cell i, of which nothing but start was known.
func (l line) bound(b []bounds, i int, start bounds) bounds {
	sum := l.sum(b)
	if i == l.total {
		return l.boundTotal(sum, start)
	}
	return l.boundPart(sum, b[i], start, b[l.total])
}

// sums of the bounds of a line's parts.
type sums struct {
	lo, hi int64
	open   int // parts without an upper bound, left out of hi
}

func (l line) sum(b []bounds) sums {
	var s sums
	for _, p := range l.parts {
		s.lo += b[p].lo
		if b[p].hi == unbounded {
			s.open++
		} else {
			s.hi += b[p].hi
		}
	}
	return s
}

func (l line) boundTotal(s sums, total bounds) bounds {
	total.lo = max(total.lo, s.lo)
	if l.closed && s.open == 0 {
		total.hi = min(total.hi, s.hi)
	}
	return total
}

// boundPart narrows now, a part that stands as was in the sums. In a line that is not closed the parts only cannot exceed
// the total.
func (l line) boundPart(s sums, was, now, total bounds) bounds {
	if total.hi != unbounded {
		now.hi = min(now.hi, total.hi-(s.lo-was.lo))
	}
	switch {
	case !l.closed:
	case s.open == 0:
		now.lo = max(now.lo, total.lo-(s.hi-was.hi))
	case s.open == 1 && was.hi == unbounded:
		now.lo = max(now.lo, total.lo-s.hi)
	}
	return now
}
