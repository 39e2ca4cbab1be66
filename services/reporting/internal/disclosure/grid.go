package disclosure

import "fmt"

// Rule is how strictly a table is protected.
type Rule struct {
	Threshold int64 // smallest count that is shown
	Base      int64 // rounding base; odd, and not above the threshold
	// GroupDisclosure prevents group disclosure: the only category shown of a constraint is hidden. It is for
	// dimensions that describe people.
	GroupDisclosure bool
}

// Public is the rule for counts that are public anyway and describe no person: they are returned unchanged, zero
// included. The catalogue decides which tables have it; see docs/decisions/0010-activity-is-public.md.
var Public = Rule{Threshold: 0, Base: 1}

func (r Rule) check() {
	if r == Public {
		return
	}
	if r.Threshold < 1 || r.Base < 1 || r.Base%2 == 0 || r.Base > r.Threshold {
		panic("disclosure: invalid rule")
	}
}

// round returns the nearest multiple of the base.
func (r Rule) round(n int64) int64 { return (n + r.Base/2) / r.Base * r.Base }

// Axis is one dimension of a grid.
type Axis struct {
	Size int // number of categories, the total included
	// Total tells that the last category is the total of the others. Without it the categories, units for instance, do
	// not add up to anything.
	Total bool
}

// Grid is a table of true counts, the last axis running fastest.
type Grid struct {
	Axes   []Axis
	Counts []int64
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

// Cell is a count as it may be published.
type Cell struct {
	Value  int64 // rounded; 0 when hidden
	Hidden bool
}

// constraint is the categories of a grid along one axis, and their total, by index.
type constraint struct {
	parts    []int
	total    int
	additive bool // the parts add up to the total; else they only cannot exceed it
}

// cells returns the parts and the total.
func (c constraint) cells() []int { return append(c.parts[:len(c.parts):len(c.parts)], c.total) }

// constraints returns every constraint of every axis that has a total.
func (g Grid) constraints() []constraint {
	var all []constraint
	stride := 1
	for a := len(g.Axes) - 1; a >= 0; a-- {
		size := g.Axes[a].Size
		if g.Axes[a].Total && size > 1 {
			for start := range g.Counts {
				if start/stride%size != 0 {
					continue
				}
				c := constraint{parts: make([]int, size-1), total: start + (size-1)*stride}
				var sum int64
				for i := range c.parts {
					c.parts[i] = start + i*stride
					sum += g.Counts[c.parts[i]]
				}
				c.additive = sum == g.Counts[c.total]
				all = append(all, c)
			}
		}
		stride *= size
	}
	return all
}
