package disclosure

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var (
	plain    = Rule{Threshold: 5, Base: 5}
	strict   = Rule{Threshold: 10, Base: 5, GroupDisclosure: true}
	oneAxis  = func(n int) []Axis { return []Axis{{n + 1, true}} }
	twoAxes  = func(a, b int) []Axis { return []Axis{{a + 1, true}, {b + 1, true}} }
	hidden   = Cell{Hidden: true}
	visible  = func(n int64) Cell { return Cell{Value: n} }
	quantity = rapid.OneOf(rapid.Int64Range(0, 12), rapid.Just[int64](0), rapid.Int64Range(0, 200))
)

func TestProtect(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rule   Rule
		axes   []Axis
		counts []int64
		want   []Cell
	}{
		"rounds every count from its true value, totals included": {
			plain, oneAxis(3), []int64{12, 13, 22, 47}, []Cell{visible(10), visible(15), visible(20), visible(45)},
		},
		"hides below the threshold, zero included": {
			plain, oneAxis(4), []int64{0, 1, 4, 40, 45}, []Cell{hidden, hidden, hidden, visible(40), visible(45)},
		},
		"shows the threshold itself": {
			plain, oneAxis(3), []int64{5, 5, 5, 15}, []Cell{visible(5), visible(5), visible(5), visible(15)},
		},
		"hides a total that bounds its two primary parts": {
			plain, oneAxis(2), []int64{4, 4, 8}, []Cell{hidden, hidden, hidden},
		},
		"hides a constraint where rounding bounds its primary part": {
			Rule{Threshold: 10, Base: 5}, oneAxis(3), []int64{47, 47, 9, 103}, []Cell{hidden, hidden, hidden, hidden},
		},
		"hides only the constraint that bounds a primary part": {
			plain, twoAxes(2, 2),
			[]int64{
				45, 5, 50,
				42, 0, 42,
				87, 5, 92,
			},
			[]Cell{
				visible(45), hidden, visible(50),
				visible(40), hidden, visible(40),
				visible(85), hidden, visible(90),
			},
		},
		"hides a single category that is not zero, and shows the total": {
			strict, oneAxis(3), []int64{0, 60, 0, 60}, []Cell{hidden, hidden, hidden, visible(60)},
		},
		"hides the only category that is not small": {
			strict, oneAxis(3), []int64{3, 60, 0, 63}, []Cell{hidden, hidden, hidden, visible(65)},
		},
		"shows the only category without the rule of group disclosure": {
			plain, oneAxis(3), []int64{0, 64, 0, 64}, []Cell{hidden, visible(65), hidden, visible(65)},
		},
		"hides the only category shown and shows the other constraints": {
			Rule{Threshold: 5, Base: 5, GroupDisclosure: true}, twoAxes(3, 3),
			[]int64{
				50, 60, 20, 130,
				40, 0, 0, 40,
				70, 80, 30, 180,
				160, 140, 50, 350,
			},
			[]Cell{
				visible(50), visible(60), visible(20), visible(130),
				hidden, hidden, hidden, visible(40),
				visible(70), visible(80), visible(30), visible(180),
				visible(160), visible(140), visible(50), visible(350),
			},
		},
		"does not take a total with a remainder for additive": {
			strict, oneAxis(3), []int64{20, 30, 0, 80}, []Cell{visible(20), visible(30), hidden, visible(80)},
		},
		"has no constraints along an axis of nothing but a total": {
			plain, []Axis{{1, true}, {3, true}}, []int64{0, 20, 20}, []Cell{hidden, visible(20), visible(20)},
		},
		"returns public counts unchanged, zero included": {
			Public, oneAxis(3), []int64{0, 1, 22, 23}, []Cell{visible(0), visible(1), visible(22), visible(23)},
		},
		"has no constraints along an axis without total": {
			plain, []Axis{{2, false}, {3, true}},
			[]int64{
				20, 30, 50,
				3, 9, 12,
			},
			[]Cell{
				visible(20), visible(30), visible(50),
				hidden, visible(10), visible(10),
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Protect(c.rule, Grid{c.axes, c.counts})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestProtect_PanicsOnInvalidInput(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rule   Rule
		counts int
		valid  bool
	}{
		"a strict rule":                   {strict, 3, true},
		"public":                          {Public, 3, true},
		"the base is the threshold":       {Rule{Threshold: 5, Base: 5}, 3, true},
		"shows every count":               {Rule{Threshold: 0, Base: 1, GroupDisclosure: true}, 3, false},
		"a base below one":                {Rule{Threshold: 5, Base: -1}, 3, false},
		"an even base":                    {Rule{Threshold: 5, Base: 4}, 3, false},
		"the base is above the threshold": {Rule{Threshold: 5, Base: 7}, 3, false},
		"fewer counts than on axes":       {strict, 2, false},
		"more counts than on axes":        {strict, 6, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if ok := recover() == nil; ok != c.valid {
					t.Errorf("accepted: %t", ok)
				}
			}()
			Protect(c.rule, Grid{oneAxis(2), make([]int64, c.counts)})
		})
	}
}

// Ensure that one constraint bounds a cell by the others, and not beyond what it knows.
func TestConstraint_Bound(t *testing.T) {
	t.Parallel()
	const part, total = 0, 2
	for name, c := range map[string]struct {
		remainder bool
		cells     []bounds // two parts and the total
		i         int
		want      bounds
	}{
		"a total by the sums of its parts": {
			false, []bounds{{5, 10}, {2, 4}, {0, 99}}, total, bounds{7, 14},
		},
		"a total with a remainder only from below": {
			true, []bounds{{5, 10}, {2, 4}, {0, 99}}, total, bounds{7, 99},
		},
		"a total with an unbounded part only from below": {
			false, []bounds{{5, unbounded}, {2, 4}, {0, 99}}, total, bounds{7, 99},
		},
		"a part by the total and the other part": {
			false, []bounds{{0, 99}, {2, 4}, {20, 30}}, part, bounds{16, 28},
		},
		"a part with a remainder only from above": {
			true, []bounds{{0, 99}, {2, 4}, {20, 30}}, part, bounds{0, 28},
		},
		"an unbounded part by the total and the other part": {
			false, []bounds{{5, unbounded}, {2, 4}, {20, 30}}, part, bounds{16, 28},
		},
		"a part beside an unbounded part only from above": {
			false, []bounds{{0, 99}, {2, unbounded}, {20, 30}}, part, bounds{0, 28},
		},
		"an unbounded part beside another only from above": {
			false, []bounds{{5, unbounded}, {2, unbounded}, {20, 30}}, part, bounds{5, 28},
		},
		"a part below an unbounded total only from below": {
			false, []bounds{{0, 99}, {2, 4}, {20, unbounded}}, part, bounds{16, 99},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			constraint := constraint{parts: []int{0, 1}, total: 2, additive: !c.remainder}
			if got := constraint.bound(c.cells, c.i, c.cells[c.i]); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestProtect_Invariants(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rule := rapid.SampledFrom([]Rule{plain, strict, {3, 3, true}, Public}).Draw(t, "rule")
		g := drawGrid(t)
		cells := Protect(rule, g)
		again := Protect(rule, g)
		if diff := cmp.Diff(cells, again); diff != "" {
			t.Fatalf("the result is not deterministic: %s", diff)
		}
		for i, c := range cells {
			switch {
			case rule == Public && c != visible(g.Counts[i]):
				t.Fatalf("%d of a public table is %+v", g.Counts[i], c)
			case c.Hidden && c.Value != 0:
				t.Fatal("a hidden cell has a value")
			case !c.Hidden && g.Counts[i] < rule.Threshold:
				t.Fatalf("%d is shown, threshold %d", g.Counts[i], rule.Threshold)
			case !c.Hidden && (c.Value%rule.Base != 0 || abs(c.Value-g.Counts[i]) > rule.Base/2):
				t.Fatalf("%d is shown as %d, base %d", g.Counts[i], c.Value, rule.Base)
			}
		}
		for _, constraint := range g.constraints() {
			n := 0
			for _, p := range constraint.parts {
				if !cells[p].Hidden {
					n++
				}
			}
			if rule.GroupDisclosure && n == 1 {
				t.Fatal("a constraint shows only one category")
			}
		}
	})
}

// drawGrid draws a table with up to three axes and its totals. Some have a remainder that only totals count.
func drawGrid(t *rapid.T) Grid {
	var g Grid
	n := 1
	for _, size := range rapid.SliceOfN(rapid.IntRange(1, 4), 1, 3).Draw(t, "sizes") {
		total := rapid.IntRange(0, 4).Draw(t, "has total") > 0
		g.Axes = append(g.Axes, Axis{size + btoi(total), total})
		n *= size + btoi(total)
	}
	g.Counts = make([]int64, n)
	for i := range n {
		if !g.onTotal(i) {
			g.Counts[i] = quantity.Draw(t, "count")
		}
	}
	g.addUp()
	if rapid.Bool().Draw(t, "remainder") {
		for i := range n {
			if g.onlyTotals(i) {
				g.Counts[i] += rapid.Int64Range(0, 20).Draw(t, "remainder of a table")
			}
		}
	}
	return g
}

// coords is the inverse of index. Both are written for the tests, which must not share the code under test.
func (g Grid) coords(i int) []int {
	at := make([]int, len(g.Axes))
	for a := len(g.Axes) - 1; a >= 0; a-- {
		at[a], i = i%g.Axes[a].Size, i/g.Axes[a].Size
	}
	return at
}

func (g Grid) index(at []int) int {
	i := 0
	for a, axis := range g.Axes {
		i = i*axis.Size + at[a]
	}
	return i
}

func (g Grid) onTotal(i int) bool {
	for a, c := range g.coords(i) {
		if g.Axes[a].Total && c == g.Axes[a].Size-1 {
			return true
		}
	}
	return false
}

func (g Grid) onlyTotals(i int) bool {
	for a, c := range g.coords(i) {
		if g.Axes[a].Total && c != g.Axes[a].Size-1 {
			return false
		}
	}
	return true
}

// addUp computes every total from the other cells.
func (g Grid) addUp() {
	for i := range g.Counts {
		if g.onTotal(i) {
			g.Counts[i] = 0
		}
	}
	for i := range g.Counts {
		if g.onTotal(i) {
			continue
		}
		at := g.coords(i)
		for subset := 1; subset < 1<<len(at); subset++ {
			to, ok := append([]int(nil), at...), true
			for a := range at {
				if subset>>a&1 == 1 {
					ok = ok && g.Axes[a].Total
					to[a] = g.Axes[a].Size - 1
				}
			}
			if ok {
				g.Counts[g.index(to)] += g.Counts[i]
			}
		}
	}
}

func abs(n int64) int64 { return max(n, -n) }

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
