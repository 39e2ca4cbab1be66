package disclosure

// Protect returns the table as it may be shown, cell by cell. It panics when the grid or the rule makes no sense: both
// are code.
func Protect(r Rule, g Grid) []Cell {
	g.check()
	r.check()
	if r == Public {
		return exact(g)
	}
	a := newAudit(r, g)
	for moved := true; moved; {
		moved = r.Lone && a.hideLone()
		moved = a.hideTold() || moved
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

// exact shows everything.
func exact(g Grid) []Cell {
	cells := make([]Cell, len(g.Counts))
	for i, n := range g.Counts {
		cells[i].Value = n
	}
	return cells
}

// audit is a table on its way to be served.
type audit struct {
	r       Rule
	g       Grid
	lines   []line
	through [][]int // the lines that each cell is in
	state   []why
}

func newAudit(r Rule, g Grid) *audit {
	a := &audit{r: r, g: g, lines: g.lines(), through: make([][]int, len(g.Counts)), state: make([]why, len(g.Counts))}
	for n, l := range a.lines {
		for _, i := range l.cells() {
			a.through[i] = append(a.through[i], n)
		}
	}
	for i, n := range g.Counts {
		if n < r.Threshold {
			a.state[i] = small
		}
	}
	return a
}

// hide hides those of the cells that are shown, and tells whether there were any.
func (a *audit) hide(cells ...int) bool {
	any := false
	for _, i := range cells {
		if a.state[i] == shown {
			a.state[i], any = kept, true
		}
	}
	return any
}

// hideLone hides categories that are shown alone in their line. The lines are all judged before the first is changed.
func (a *audit) hideLone() bool {
	var lone []int
	for _, l := range a.lines {
		last, n := 0, 0
		for _, p := range l.parts {
			if a.state[p] == shown {
				last = p
				n++
			}
		}
		if n == 1 {
			lone = append(lone, last)
		}
	}
	return a.hide(lone...)
}

// hideTold attacks the table and hides the lines that narrow a small count. The cells are all judged before the first is
// changed.
func (a *audit) hideTold() bool {
	known := a.attack()
	var lines []int
	for i, b := range known {
		if a.state[i] == small && b != a.below() {
			lines = append(lines, a.culprits(known, i)...)
		}
	}
	any := false
	for _, n := range lines {
		any = a.hide(a.lines[n].cells()...) || any
	}
	return any
}

// culprits are the lines that narrow the small cell i, given what is known of the others. Where none does so alone with a
// cell that is shown, every line of the table that shows something is to blame.
func (a *audit) culprits(known []bounds, i int) []int {
	var found []int
	shows := false
	for _, n := range a.through[i] {
		l := a.lines[n]
		if l.bound(known, i, a.below()) != a.below() {
			found = append(found, n)
			for _, p := range l.cells() {
				shows = shows || a.state[p] == shown
			}
		}
	}
	if shows {
		return found
	}
	for n := range a.lines {
		found = append(found, n)
	}
	return found
}
