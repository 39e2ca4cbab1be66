package disclosure

// unbounded is above every count, and small enough to be added up.
const unbounded = int64(1) << 40

// bounds is what the attacker knows of one cell: its count is at least lo and at most hi.
type bounds struct{ lo, hi int64 }

// suppression is the reason why a cell is hidden, if it is.
type suppression uint8

const (
	shown     suppression = iota
	primary               // below the threshold
	secondary             // not below it, but the only one shown of a constraint, or in a contributing one
)

// primaryBounds is what everyone may know of a cell with primary suppression.
func (a *audit) primaryBounds() bounds { return bounds{0, a.r.Threshold - 1} }

// attack returns the attacker's bounds of every cell, given the shown cells and the kind of suppression of the others.
func (a *audit) attack() []bounds {
	b := make([]bounds, len(a.state))
	for i, s := range a.state {
		switch s {
		case shown:
			v := a.r.round(a.g.Counts[i])
			b[i] = bounds{max(a.r.Threshold, v-a.r.Base/2), v + a.r.Base/2}
		case primary:
			b[i] = a.primaryBounds()
		case secondary:
			b[i] = bounds{a.r.Threshold, unbounded}
		}
	}
	for changed := true; changed; {
		changed = false
		for _, c := range a.constraints {
			changed = c.tighten(b) || changed
		}
	}
	return b
}

// tighten bounds every cell of the constraint by the others, and reports whether any bounds changed.
func (c constraint) tighten(b []bounds) bool {
	sum := c.sum(b)
	total := c.boundTotal(sum, b[c.total])
	changed := total != b[c.total]
	b[c.total] = total
	for _, p := range c.parts {
		// The sum is that of the old bounds: changes are used in the next pass.
		if next := c.boundPart(sum, b[p], b[p], total); next != b[p] {
			b[p], changed = next, true
		}
	}
	return changed
}

// bound returns the bounds that this constraint alone gives cell i, starting from start.
func (c constraint) bound(b []bounds, i int, start bounds) bounds {
	sum := c.sum(b)
	if i == c.total {
		return c.boundTotal(sum, start)
	}
	return c.boundPart(sum, b[i], start, b[c.total])
}

// sums are the sums of the bounds of a constraint's parts.
type sums struct {
	lo, hi    int64
	unbounded int // parts without an upper bound; hi does not contain them
}

func (c constraint) sum(b []bounds) sums {
	var s sums
	for _, p := range c.parts {
		s.lo += b[p].lo
		if b[p].hi == unbounded {
			s.unbounded++
		} else {
			s.hi += b[p].hi
		}
	}
	return s
}

func (c constraint) boundTotal(s sums, total bounds) bounds {
	total.lo = max(total.lo, s.lo)
	if c.additive && s.unbounded == 0 {
		total.hi = min(total.hi, s.hi)
	}
	return total
}

// boundPart returns the bounds of a part, starting from part: at most what the total leaves when all other parts are at
// their lower bounds, at least what it needs when they are at their upper bounds. s contains the part itself, with the
// bounds summed.
func (c constraint) boundPart(s sums, summed, part, total bounds) bounds {
	if total.hi != unbounded {
		part.hi = min(part.hi, total.hi-(s.lo-summed.lo))
	}
	switch {
	case !c.additive:
	case s.unbounded == 0:
		part.lo = max(part.lo, total.lo-(s.hi-summed.hi))
	case s.unbounded == 1 && summed.hi == unbounded:
		part.lo = max(part.lo, total.lo-s.hi)
	}
	return part
}
