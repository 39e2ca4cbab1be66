package disclosure

// Protect returns the table as it may be published, cell by cell. It panics on an invalid grid or rule: both are fixed
// in code.
func Protect(r Rule, g Grid) []Cell {
	g.check()
	r.check()
	a := newAudit(r, g)
	for changed := true; changed; {
		changed = r.GroupDisclosure && a.suppressOnlyShown()
		changed = a.suppressContributing() || changed
	}
	cells := make([]Cell, len(g.Counts))
	for i, s := range a.state {
		if s == shown {
			cells[i].Value = r.round(g.Counts[i])
		} else {
			cells[i].Hidden = true
		}
	}
	return cells
}

// audit is a table in the course of protection.
type audit struct {
	r             Rule
	g             Grid
	constraints   []constraint
	constraintsOf [][]int // by cell: the constraints that contain it
	state         []suppression
}

// newAudit applies primary suppression.
func newAudit(r Rule, g Grid) *audit {
	a := &audit{
		r: r, g: g, constraints: g.constraints(),
		constraintsOf: make([][]int, len(g.Counts)), state: make([]suppression, len(g.Counts)),
	}
	for n, c := range a.constraints {
		for _, i := range c.cells() {
			a.constraintsOf[i] = append(a.constraintsOf[i], n)
		}
	}
	for i, n := range g.Counts {
		if n < r.Threshold {
			a.state[i] = primary
		}
	}
	return a
}

// suppress hides those of the cells that are shown, and reports whether there were any.
func (a *audit) suppress(cells ...int) bool {
	changed := false
	for _, i := range cells {
		if a.state[i] == shown {
			a.state[i], changed = secondary, true
		}
	}
	return changed
}

// suppressOnlyShown hides every category that is the only one shown of a constraint, and reports whether there were
// any. It checks all constraints before it changes any.
func (a *audit) suppressOnlyShown() bool {
	var only []int
	for _, c := range a.constraints {
		last, n := 0, 0
		for _, p := range c.parts {
			if a.state[p] == shown {
				last = p
				n++
			}
		}
		if n == 1 {
			only = append(only, last)
		}
	}
	return a.suppress(only...)
}

// suppressContributing attacks the table and hides the constraints that narrow the bounds of a primary cell. It checks
// all cells before it changes any.
func (a *audit) suppressContributing() bool {
	known := a.attack()
	var contributing []int
	for i, b := range known {
		if a.state[i] == primary && b != a.primaryBounds() {
			contributing = append(contributing, a.contributingConstraints(known, i)...)
		}
	}
	changed := false
	for _, n := range contributing {
		changed = a.suppress(a.constraints[n].cells()...) || changed
	}
	return changed
}

// contributingConstraints returns the constraints that narrow the bounds of primary cell i, given the bounds of the
// other cells. When none of these contains a shown cell, every constraint of the table contributes.
func (a *audit) contributingConstraints(known []bounds, i int) []int {
	var found []int
	hasShown := false
	for _, n := range a.constraintsOf[i] {
		c := a.constraints[n]
		if c.bound(known, i, a.primaryBounds()) != a.primaryBounds() {
			found = append(found, n)
			for _, p := range c.cells() {
				hasShown = hasShown || a.state[p] == shown
			}
		}
	}
	if hasShown {
		return found
	}
	for n := range a.constraints {
		found = append(found, n)
	}
	return found
}
