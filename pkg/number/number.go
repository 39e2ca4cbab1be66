// Package number makes the numbers that people use for records, for instance CR-2026-K7Q4M-X: prefix, year, code and
// check character.
//
// It promises that a number tells its year and no more, because the code is random, and that a wrong character or two
// characters in each other's place do not pass the check. It does not promise that a number is new: a unique
// constraint decides, and the caller draws again. The package is pure but for the random source of the system.
package number

import (
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// alphabet is that of Crockford's base 32: without I, L, O and U, which are taken for others when they are read.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// codeLength is the number of random characters: 32⁵ ≈ 33 million numbers per prefix and year.
const codeLength = 5

// ErrNumber is returned for a text that is no number, or whose check character is wrong.
var ErrNumber = errors.New("number: not a number, or misspelt")

// Number is the number of a record.
type Number struct {
	Prefix string // for instance CR or CR-C
	Year   int
	Code   string // random
}

// Draw returns a random number of a prefix and year.
func Draw(prefix string, year int) Number {
	var raw [codeLength]byte
	_, _ = rand.Read(raw[:]) // crypto/rand never fails
	for i, b := range raw {
		raw[i] = alphabet[b%byte(len(alphabet))] // 256 is a multiple of 32, so each is as likely
	}
	return Number{prefix, year, string(raw[:])}
}

// String formats the number with its check character.
func (n Number) String() string {
	return fmt.Sprintf("%s-%04d-%s-%c", n.Prefix, n.Year, n.Code, n.check())
}

// pattern limits the prefix, so that every character has a weight of its own.
var pattern = regexp.MustCompile(`^([A-Z][A-Z0-9-]{0,15})-(\d{4})-([0-9A-HJKMNP-TV-Z]{5})-([0-9A-HJKMNP-TV-Z])$`)

// Parse reads a number as people write it, and verifies its check character: small letters are as good as capital ones,
// and where the code has O, I or L, it reads 0 and 1.
func Parse(s string) (Number, error) {
	m := written.FindStringSubmatch(strings.ToUpper(strings.TrimSpace(s)))
	if m == nil {
		return Number{}, ErrNumber
	}
	return parse(m[1] + strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(m[2]))
}

// written divides a number before its code.
var written = regexp.MustCompile(`^(.*-\d{4}-)([0-9A-Z]{5}-[0-9A-Z])$`)

func parse(s string) (Number, error) {
	m := pattern.FindStringSubmatch(s)
	if m == nil {
		return Number{}, ErrNumber
	}
	year, err := strconv.Atoi(m[2])
	n := Number{m[1], year, m[3]}
	if err != nil || n.check() != m[4][0] {
		return Number{}, ErrNumber
	}
	return n, nil
}

// check is the character that makes the weighted sum of all characters in GF(32) zero. The weights are distinct powers
// of a generator, and that of the check character is 1. Therefore any single wrong character changes the sum, and so
// does the exchange of any two different ones.
func (n Number) check() byte {
	var sum, weight byte = 0, 1
	text := n.Prefix + fmt.Sprintf("%04d", n.Year) + n.Code
	for i := len(text) - 1; i >= 0; i-- {
		weight = double(weight)
		sum ^= multiply(value(text[i]), weight)
	}
	return alphabet[sum]
}

// value is the value of a character from 0 to 31. Letters that only prefixes have share the values of those that they
// are taken for.
func value(c byte) byte {
	switch c {
	case 'I', 'L':
		c = '1'
	case 'O':
		c = '0'
	case 'U':
		c = 'V'
	}
	return byte(max(0, strings.IndexByte(alphabet, c)))
}

// double multiplies by the generator x of GF(32) modulo x⁵+x²+1.
func double(a byte) byte {
	if a <<= 1; a&32 != 0 {
		a ^= 0b100101
	}
	return a
}

// multiply multiplies in GF(32).
func multiply(a, b byte) (product byte) {
	for ; b != 0; a, b = double(a), b>>1 {
		if b&1 != 0 {
			product ^= a
		}
	}
	return product
}
