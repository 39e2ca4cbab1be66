package disclosure

import "fmt"

// Rule is how strictly a table is protected.
type Rule struct {
	Threshold int64 // smallest count that is shown
	Base      int64 // counts are rounded to multiples of it; odd, and not above the threshold
	Lone      bool  // hide a category shown alone in its line: for dimensions that tell something of a person
}

// Axis is one dimension of a grid.
type Axis struct {
	Size int // number of categories, the total included
	// Total tells that the last category is the total of the others. Without it the categories do not add up to
	// anything, as with units.
	Total bool
}

// Grid is a table of true counts, the last axis running fastest.
type Grid struct {
	Axes   []Axis
	Counts []int64
}

// Cell is a count as it may be shown.
type Cell struct {
	Value  int64 // rounded; 0 when hidden
	Hidden bool
}

// line is the cells of a grid along one axis, and their total.
type line struct {
	parts  []int
	total  int
	closed bool // the parts make up the whole total
}

// cells lists the parts and the total.
func (l line) cells() []int { return append(l.parts[:len(l.parts):len(l.parts)], l.total) }

// lines lists every line of every axis that has a total.
func (g Grid) lines() []line {
	var all []line
	stride := 1
	for a := len(g.Axes) - 1; a >= 0; a-- {
		size := g.Axes[a].Size
		if g.Axes[a].Total && size > 1 {
			for start := range g.Counts {
				if start/stride%size != 0 {
					continue
				}
				l := line{parts: make([]int, size-1), total: start + (size-1)*stride}
				var sum int64
				for i := range l.parts {
					l.parts[i] = start + i*stride
					sum += g.Counts[l.parts[i]]
				}
				l.closed = sum == g.Counts[l.total]
				all = append(all, l)
			}
		}
		stride *= size
	}
	return all
}

func (g Grid) check() {
	n := 1
	for _, a := range g.Axes {
		n *= a.Size
	}
	if n != len(g.Counts) {
		panic(fmt.Sprintf("disclosure: %d counts for a grid of %d", len(g.Counts), n))
	}
}

// Public is the rule for counts that tell nothing of a person and that everybody can look up: they are shown as they are, zero
// too. Which tables may have it is decided by the catalogue, and explained in docs/decisions/0010-activity-is-public.md.
var Public = Rule{Threshold: 0, Base: 1}

func (r Rule) check() {
	if r == Public {
		return
	}
	if r.Threshold < 1 || r.Base < 1 || r.Base%2 == 0 || r.Base > r.Threshold {
		panic("disclosure: rule makes no sense")
	}
}

// round returns the nearest multiple of the base.
func (r Rule) round(n int64) int64 { return (n + r.Base/2) / r.Base * r.Base }
