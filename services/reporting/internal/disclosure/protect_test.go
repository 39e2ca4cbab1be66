package disclosure

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var (
	plain    = Rule{Threshold: 5, Base: 5}
	strict   = Rule{Threshold: 10, Base: 5, Lone: true}
	oneAxis  = func(n int) []Axis { return []Axis{{n + 1, true}} }
	twoAxes  = func(a, b int) []Axis { return []Axis{{a + 1, true}, {b + 1, true}} }
	hidden   = Cell{Hidden: true}
	showing  = func(n int64) Cell { return Cell{Value: n} }
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
		"rounds every count from its true value, the total too": {
			plain, oneAxis(3), []int64{12, 13, 22, 47}, []Cell{showing(10), showing(15), showing(20), showing(45)},
		},
		"hides below the threshold, zero like one": {
			plain, oneAxis(4), []int64{0, 1, 4, 40, 45}, []Cell{hidden, hidden, hidden, showing(40), showing(45)},
		},
		"shows the threshold itself": {
			plain, oneAxis(3), []int64{5, 5, 5, 15}, []Cell{showing(5), showing(5), showing(5), showing(15)},
		},
		"hides a total that would tell its two small parts": {
			plain, oneAxis(2), []int64{4, 4, 8}, []Cell{hidden, hidden, hidden},
		},
		"hides a line where rounding would tell the small count in it": {
			Rule{Threshold: 10, Base: 5}, oneAxis(3), []int64{47, 47, 9, 103}, []Cell{hidden, hidden, hidden, hidden},
		},
		"hides a single category that is not zero, and keeps the total": {
			strict, oneAxis(3), []int64{0, 60, 0, 60}, []Cell{hidden, hidden, hidden, showing(60)},
		},
		"hides a category of which nearly all of the line are": {
			strict, oneAxis(3), []int64{3, 60, 0, 63}, []Cell{hidden, hidden, hidden, showing(65)},
		},
		"shows such a category where the dimension tells nothing of a person": {
			plain, oneAxis(3), []int64{0, 64, 0, 64}, []Cell{hidden, showing(65), hidden, showing(65)},
		},
		"hides a uniform line and leaves the others": {
			Rule{Threshold: 5, Base: 5, Lone: true}, twoAxes(3, 3),
			[]int64{
				50, 60, 20, 130,
				40, 0, 0, 40,
				70, 80, 30, 180,
				160, 140, 50, 350,
			},
			[]Cell{
				showing(50), showing(60), showing(20), showing(130),
				hidden, hidden, hidden, showing(40),
				showing(70), showing(80), showing(30), showing(180),
				showing(160), showing(140), showing(50), showing(350),
			},
		},
		"takes a remainder that no category counts for what it is": {
			strict, oneAxis(3), []int64{20, 30, 0, 80}, []Cell{showing(20), showing(30), hidden, showing(80)},
		},
		"adds nothing up along an axis without total": {
			plain, []Axis{{2, false}, {3, true}},
			[]int64{
				20, 30, 50,
				3, 9, 12,
			},
			[]Cell{
				showing(20), showing(30), showing(50),
				hidden, showing(10), showing(10),
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

func TestProtect_Always(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rule := rapid.SampledFrom([]Rule{plain, strict, {3, 3, true}}).Draw(t, "rule")
		g := drawGrid(t)
		cells := Protect(rule, g)
		again := Protect(rule, g)
		if diff := cmp.Diff(cells, again); diff != "" {
			t.Fatalf("the same table was protected in two ways: %s", diff)
		}
		for i, c := range cells {
			switch {
			case c.Hidden && c.Value != 0:
				t.Fatal("a hidden cell has a value")
			case !c.Hidden && g.Counts[i] < rule.Threshold:
				t.Fatalf("%d is shown, threshold %d", g.Counts[i], rule.Threshold)
			case !c.Hidden && (c.Value%rule.Base != 0 || abs(c.Value-g.Counts[i]) > rule.Base/2):
				t.Fatalf("%d is shown as %d, base %d", g.Counts[i], c.Value, rule.Base)
			}
		}
		for _, l := range g.lines() {
			seen := 0
			for _, p := range l.parts {
				if !cells[p].Hidden {
					seen++
				}
			}
			if rule.Lone && seen == 1 {
				t.Fatal("a category is shown alone in its line")
			}
		}
	})
}

// drawGrid draws a table with up to three axes and its margins, some with a remainder that only totals count.
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

// coords and its inverse are written out here on purpose: the tests must not share the code under test.
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

// addUp fills every total from the cells that are none.
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
