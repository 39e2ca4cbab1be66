package disclosure

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The attacker of this test knows the program: for every table that can be, he has computed how it would be served. What
// he is shown he looks up, and is left with all tables that would have looked the same. A small count that is the same
// in all of them is told, and so is a line that in all of them holds one and the same category only.
//
// Shapes are small so that every table up to a grand total can be tried; served tables whose grand total could lie above
// that are left out, because not all that look like them were tried.
func TestAttack_Everything(t *testing.T) {
	t.Parallel()
	lenient := Rule{Threshold: 5, Base: 5}
	lone := Rule{Threshold: 5, Base: 5, Lone: true}
	art9 := Rule{Threshold: 10, Base: 5, Lone: true}
	for name, c := range map[string]struct {
		rule      Rule
		axes      []Axis
		limit     int64
		remainder int64 // up to so many more in the grand total than in all categories
	}{
		"two categories":                     {lenient, oneAxis(2), 60, 0},
		"three categories":                   {lenient, oneAxis(3), 45, 0},
		"three categories and a remainder":   {lenient, oneAxis(3), 30, 12},
		"four categories":                    {lenient, oneAxis(4), 28, 0},
		"two by two":                         {lenient, twoAxes(2, 2), 34, 0},
		"two by two and a remainder":         {lenient, twoAxes(2, 2), 24, 6},
		"two by two, no lone ones":           {lone, twoAxes(2, 2), 34, 0},
		"two by three":                       {lenient, twoAxes(2, 3), 18, 0},
		"two by three, no lone ones":         {lone, twoAxes(2, 3), 18, 0},
		"threshold ten, three categories":    {art9, oneAxis(3), 60, 0},
		"threshold ten, two by two":          {art9, twoAxes(2, 2), 42, 0},
		"a line of two and an axis of units": {lenient, []Axis{{2, false}, {3, true}}, 32, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := exhaust(c.axes, c.limit, c.remainder, c.rule, func(g Grid) []Cell { return Protect(c.rule, g) })
			t.Logf("%d small counts in served tables", f.small)
			if f.small == 0 || f.told != 0 {
				t.Errorf("%d of %d small counts can be told from what is served", f.told, f.small)
			}
			if c.rule.Lone && f.uniform != 0 {
				t.Errorf("%d lines are known to be of one category", f.uniform)
			}
		})
	}
}

// The attacker above must find what weaker protections let through; one who finds nothing proves nothing.
func TestAttack_CatchesMutants(t *testing.T) {
	t.Parallel()
	rule := Rule{Threshold: 5, Base: 5, Lone: true}
	threshold := func(g Grid, show func(int64) int64) []Cell {
		cells := make([]Cell, len(g.Counts))
		for i, n := range g.Counts {
			if cells[i] = showing(show(n)); n < rule.Threshold {
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
						cells[i] = showing(0)
					}
				}
				return cells
			}, findings.counts,
		},
		"total not rounded": {
			func(g Grid) []Cell {
				cells := threshold(g, rule.round)
				cells[3] = showing(g.Counts[3])
				return cells
			}, findings.counts,
		},
		"lone categories shown as they are": {
			func(g Grid) []Cell { return threshold(g, func(n int64) int64 { return n }) }, findings.lines,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if f := exhaust(oneAxis(3), 30, 0, rule, c.protect); c.found(f) == 0 {
				t.Error("the attacker found nothing in a table that leaks")
			}
		})
	}
}

// Larger tables, as large as those of the catalogue, cannot be tried out; they are attacked by bounds, with an attacker of
// the test's own who knows which hidden cells are small.
func TestAttack_Bounds(t *testing.T) {
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
					var others [2]int64 // lower and upper sum of the line but cell i and the total
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
				t.Fatalf("the attacker is wrong: %d is not within %d-%d", n, lo[i], hi[i])
			}
			if n < rule.Threshold && (lo[i] > 0 || hi[i] < rule.Threshold-1) {
				t.Fatalf("a count below %d is known to be %d-%d", rule.Threshold, lo[i], hi[i])
			}
		}
	})
}

// findings of the attacker.
type findings struct {
	small, told int // small counts in what is served; those that are certain
	uniform     int // lines that are certain to be of one category
}

func (f findings) counts() int { return f.told }
func (f findings) lines() int  { return f.uniform }

// exhaust tries every table of the shape up to a grand total.
func exhaust(axes []Axis, limit, remainder int64, rule Rule, protect func(Grid) []Cell) findings {
	type seen struct {
		lo, hi []int64
		only   []int // per line: the one category that it holds in every table so far, else -1
	}
	look := map[string]*seen{}
	eachTable(axes, limit, func(g Grid) {
		last := len(g.Counts) - 1
		for range remainder + 1 {
			key := served(protect(g))
			only := lone(g)
			s, ok := look[key]
			if !ok {
				s = &seen{append([]int64(nil), g.Counts...), append([]int64(nil), g.Counts...), only}
				look[key] = s
			}
			for i, n := range g.Counts {
				s.lo[i], s.hi[i] = min(s.lo[i], n), max(s.hi[i], n)
			}
			for i := range only {
				if s.only[i] != only[i] {
					s.only[i] = -1
				}
			}
			g.Counts[last]++
		}
		g.Counts[last] -= remainder + 1
	})
	var f findings
	for _, s := range look {
		if s.hi[len(s.hi)-1] > limit-rule.Base {
			continue
		}
		for i := range s.lo {
			if s.lo[i] < rule.Threshold {
				f.small++
				if s.lo[i] == s.hi[i] {
					f.told++
				}
			}
		}
		for _, category := range s.only {
			if category >= 0 {
				f.uniform++
			}
		}
	}
	return f
}

// lone tells for each line which single category is not zero, or -1.
func lone(g Grid) []int {
	lines := g.lines()
	only := make([]int, len(lines))
	for n, l := range lines {
		only[n] = -1
		for i, p := range l.parts {
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

// eachTable calls f with every table of the shape whose grand total is at most limit. The grid is used again.
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

func served(cells []Cell) string {
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
