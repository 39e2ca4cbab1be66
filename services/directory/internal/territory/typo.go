package territory

import (
	"math/bits"

	"github.com/hbollon/go-edlib"
)

// shape is a key with the set of its letters. Two keys that are d slips apart differ in at most 2d letters of their sets and
// in at most d places of their lengths; that leaves few keys to compare in full.
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

// letters is the set of bytes of a key, folded into 64 bits.
func letters(key string) uint64 {
	var set uint64
	for i := range len(key) {
		set |= 1 << (key[i] & 63)
	}
	return set
}

// maxTypos is how many typing errors are forgiven in a key: a letter too many, missing or wrong, or two in the wrong order.
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

// similarKeys calls the function with each key that is a typing error away from the given one, and how many errors it takes.
func (x *Index) similarKeys(key string, found func(key string, distance int)) {
	most, set := maxTypos(key), letters(key)
	if most == 0 {
		return
	}
	for n := max(len(key)-most, 3); n <= len(key)+most && n < len(x.shapes); n++ {
		for _, s := range x.shapes[n] {
			if bits.OnesCount64(s.letters^set) > 2*most {
				continue
			}
			if d := edlib.OSADamerauLevenshteinDistance(key, s.key); d > 0 && d <= most {
				found(s.key, d)
			}
		}
	}
}
