package disclosure

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The attacker of this test knows the program and has computed how every possible table would be published. A published
// table leaves the attacker with the set of all tables that look the same. A primary count that is equal in all of them
// is disclosed. So is a constraint that has one and the same category in all of them.
//
// Shapes are small, so that every table up to a grand total can be enumerated. Published tables whose grand total may
// be higher are skipped, because not all tables that look like them were enumerated.
func TestProtect_ResistsEnumeration(t *testing.T) {
	t.Parallel()
	lenient := Rule{Threshold: 5, Base: 5}
	group := Rule{Threshold: 5, Base: 5, GroupDisclosure: true}
	art9 := Rule{Threshold: 10, Base: 5, GroupDisclosure: true}
	for name, c := range map[string]struct {
		rule      Rule
		axes      []Axis
		limit     int64
		remainder int64 // at most so many more in the grand total than in all categories
	}{
		"two categories":                      {lenient, oneAxis(2), 60, 0},
		"three categories":                    {lenient, oneAxis(3), 45, 0},
		"three categories and a remainder":    {lenient, oneAxis(3), 30, 12},
		"four categories":                     {lenient, oneAxis(4), 28, 0},
		"two by two":                          {lenient, twoAxes(2, 2), 34, 0},
		"two by two and a remainder":          {lenient, twoAxes(2, 2), 24, 6},
		"two by two, group disclosure":        {group, twoAxes(2, 2), 34, 0},
		"two by three":                        {lenient, twoAxes(2, 3), 18, 0},
		"two by three, group disclosure":      {group, twoAxes(2, 3), 18, 0},
		"threshold ten, three categories":     {art9, oneAxis(3), 60, 0},
		"threshold ten, two by two":           {art9, twoAxes(2, 2), 42, 0},
		"two categories and an axis of units": {lenient, []Axis{{2, false}, {3, true}}, 32, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := enumerate(c.axes, c.limit, c.remainder, c.rule, func(g Grid) []Cell { return Protect(c.rule, g) })
			t.Logf("%d primary counts in published tables", f.primary)
			if f.primary == 0 || f.disclosed != 0 {
				t.Errorf("%d of %d primary counts are disclosed", f.disclosed, f.primary)
			}
			if c.rule.GroupDisclosure && f.uniform != 0 {
				t.Errorf("%d constraints are known to have one category", f.uniform)
			}
		})
	}
}

// Ensure that the attacker finds what weaker protections disclose: an attacker who finds nothing proves nothing.
func TestEnumerate_FindsWeakProtections(t *testing.T) {
	t.Parallel()
	rule := Rule{Threshold: 5, Base: 5, GroupDisclosure: true}
	threshold := func(g Grid, show func(int64) int64) []Cell {
		cells := make([]Cell, len(g.Counts))
		for i, n := range g.Counts {
			if cells[i] = visible(show(n)); n < rule.Threshold {
				cells[i] = hidden
			}
		}
		return cells
	}
	for name, c := range map[string]struct {
		protect func(Grid) []Cell
		found   func(findings) int
	}{
		"threshold without rounding": {
			func(g Grid) []Cell { return threshold(g, func(n int64) int64 { return n }) }, findings.counts,
		},
		"threshold and rounding without audit": {
			func(g Grid) []Cell { return threshold(g, rule.round) }, findings.counts,
		},
		"zero shown": {
			func(g Grid) []Cell {
				cells := Protect(rule, g)
				for i, n := range g.Counts {
					if n == 0 {
						cells[i] = visible(0)
					}
				}
				return cells
			}, findings.counts,
		},
		"total not rounded": {
			func(g Grid) []Cell {
				cells := threshold(g, rule.round)
				cells[3] = visible(g.Counts[3])
				return cells
			}, findings.counts,
		},
		"only one category shown": {
			func(g Grid) []Cell { return threshold(g, func(n int64) int64 { return n }) }, findings.constraints,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if f := enumerate(oneAxis(3), 30, 0, rule, c.protect); c.found(f) == 0 {
				t.Error("the attacker found nothing in a table that discloses")
			}
		})
	}
}

// Tables as large as those of the catalogue cannot be enumerated. They are attacked by bounds, with an implementation
// of the test's own that knows which hidden cells are primary.
func TestProtect_ResistsBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rule := rapid.SampledFrom([]Rule{plain, strict}).Draw(t, "rule")
		rows, columns := rapid.IntRange(2, 9).Draw(t, "rows"), rapid.IntRange(2, 12).Draw(t, "columns")
		g := Grid{Axes: twoAxes(rows, columns), Counts: make([]int64, (rows+1)*(columns+1))}
		for i := range g.Counts {
			if !g.onTotal(i) {
				g.Counts[i] = quantity.Draw(t, "count")
			}
		}
		g.addUp()
		cells := Protect(rule, g)
		lo, hi := make([]int64, len(cells)), make([]int64, len(cells))
		for i, c := range cells {
			switch {
			case !c.Hidden:
				lo[i], hi[i] = max(rule.Threshold, c.Value-rule.Base/2), c.Value+rule.Base/2
			case g.Counts[i] < rule.Threshold:
				hi[i] = rule.Threshold - 1
			default:
				hi[i] = 1 << 30
			}
		}
		for range 200 {
			for i := range cells {
				at := g.coords(i)
				for a, axis := range g.Axes {
					var others [2]int64 // sums of the lower and upper bounds of the other parts
					for k := range axis.Size - 1 {
						if k != at[a] {
							j := append([]int(nil), at...)
							j[a] = k
							others[0] += lo[g.index(j)]
							others[1] += hi[g.index(j)]
						}
					}
					if at[a] == axis.Size-1 {
						lo[i], hi[i] = max(lo[i], others[0]), min(hi[i], others[1])
						continue
					}
					total := append([]int(nil), at...)
					total[a] = axis.Size - 1
					lo[i] = max(lo[i], lo[g.index(total)]-others[1])
					hi[i] = min(hi[i], hi[g.index(total)]-others[0])
				}
			}
		}
		for i, n := range g.Counts {
			if lo[i] > n || hi[i] < n {
				t.Fatalf("the attacker's bounds are wrong: %d is not within %d-%d", n, lo[i], hi[i])
			}
			if n < rule.Threshold && (lo[i] > 0 || hi[i] < rule.Threshold-1) {
				t.Fatalf("a count below %d is known to be %d-%d", rule.Threshold, lo[i], hi[i])
			}
		}
	})
}

// findings of the attacker.
type findings struct {
	primary   int // primary counts in published tables
	disclosed int // of these, the ones that are certain
	uniform   int // constraints that certainly have one category
}

func (f findings) counts() int      { return f.disclosed }
func (f findings) constraints() int { return f.uniform }

// enumerate attacks every table of the shape up to a grand total.
func enumerate(axes []Axis, limit, remainder int64, rule Rule, protect func(Grid) []Cell) findings {
	// candidates are the tables that look the same when published.
	type candidates struct {
		lo, hi []int64
		only   []int // by constraint: the single category that it has in all of them, else -1
	}
	byLook := map[string]*candidates{}
	eachTable(axes, limit, func(g Grid) {
		last := len(g.Counts) - 1
		for range remainder + 1 {
			look := format(protect(g))
			only := onlyCategories(g)
			c, ok := byLook[look]
			if !ok {
				c = &candidates{slices.Clone(g.Counts), slices.Clone(g.Counts), only}
				byLook[look] = c
			}
			for i, n := range g.Counts {
				c.lo[i], c.hi[i] = min(c.lo[i], n), max(c.hi[i], n)
			}
			for i := range only {
				if c.only[i] != only[i] {
					c.only[i] = -1
				}
			}
			g.Counts[last]++
		}
		g.Counts[last] -= remainder + 1
	})
	var f findings
	for _, c := range byLook {
		if c.hi[len(c.hi)-1] > limit-rule.Base {
			continue
		}
		for i := range c.lo {
			if c.lo[i] < rule.Threshold {
				f.primary++
				if c.lo[i] == c.hi[i] {
					f.disclosed++
				}
			}
		}
		for _, category := range c.only {
			if category >= 0 {
				f.uniform++
			}
		}
	}
	return f
}

// onlyCategories returns for each constraint its single category that is not zero, or -1.
func onlyCategories(g Grid) []int {
	constraints := g.constraints()
	only := make([]int, len(constraints))
	for n, c := range constraints {
		only[n] = -1
		for i, p := range c.parts {
			switch {
			case g.Counts[p] == 0:
			case only[n] == -1:
				only[n] = i
			default:
				only[n] = -2
			}
		}
		only[n] = max(only[n], -1)
	}
	return only
}

// eachTable calls f with every table of the shape whose grand total is at most limit. It reuses the grid.
func eachTable(axes []Axis, limit int64, f func(Grid)) {
	g := Grid{Axes: axes}
	n := 1
	for _, a := range axes {
		n *= a.Size
	}
	g.Counts = make([]int64, n)
	var inner []int
	for i := range n {
		if !g.onTotal(i) {
			inner = append(inner, i)
		}
	}
	var fill func(k int, left int64)
	fill = func(k int, left int64) {
		if k == len(inner) {
			g.addUp()
			f(g)
			return
		}
		for v := int64(0); v <= left; v++ {
			g.Counts[inner[k]] = v
			fill(k+1, left-v)
		}
		g.Counts[inner[k]] = 0
	}
	fill(0, limit)
}

// format returns a published table as text.
func format(cells []Cell) string {
	var b strings.Builder
	for _, c := range cells {
		if c.Hidden {
			b.WriteString("*,")
		} else {
			fmt.Fprintf(&b, "%d,", c.Value)
		}
	}
	return b.String()
}
