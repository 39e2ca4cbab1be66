package territory

import (
	"math/bits"

	"github.com/hbollon/go-edlib"
)

// shape is a key with the set of its letters. Two keys at distance d differ in at most 2d letters of their sets and
// by d in length, so few keys need a full comparison.
type shape struct {
	key     string
	letters uint64
}

func (x *Index) addShape(key string) {
	for len(x.shapes) <= len(key) {
		x.shapes = append(x.shapes, nil)
	}
	x.shapes[len(key)] = append(x.shapes[len(key)], shape{key: key, letters: letters(key)})
}

// letters returns the set of bytes of a key, folded into 64 bits.
func letters(key string) uint64 {
	var set uint64
	for i := range len(key) {
		set |= 1 << (key[i] & 63)
	}
	return set
}

// maxTypos returns the number of typing errors to accept in a key: an extra, missing or wrong letter, or two swapped
// ones.
func maxTypos(key string) int {
	switch n := len(key); {
	case n < 4:
		return 0
	case n < 8:
		return 1
	default:
		return 2
	}
}

// similarKeys calls found with each key within maxTypos of the given one, and the distance.
func (x *Index) similarKeys(key string, found func(key string, distance int)) {
	limit, set := maxTypos(key), letters(key)
	for n := max(len(key)-limit, 3); n <= len(key)+limit && n < len(x.shapes); n++ {
		for _, s := range x.shapes[n] {
			if bits.OnesCount64(s.letters^set) > 2*limit {
				continue
			}
			if d := edlib.OSADamerauLevenshteinDistance(key, s.key); d <= limit {
				found(s.key, d)
			}
		}
	}
}
