package seal

import (
	"crypto/sha256"
	_ "embed"
	"strings"

	"github.com/retepari/pari/pkg/tenant"
)

// receiptWords is the number of words that carry entropy, 11 bits each. One word more is a checksum.
const receiptWords = 8

//go:embed wordlist/italian.txt
var italian string

var (
	words     = strings.Fields(italian)
	wordIndex = func() map[string]int {
		m := make(map[string]int, len(words))
		for i, w := range words {
			m[w] = i
		}
		return m
	}()
)

// Receipt derives the receipt code of a request: 88 bits as eight Italian words, and a checksum word. The same request
// always gets the same code, and nobody without the key can compute it.
func (s *Secrets) Receipt(t tenant.ID, requestID string) string {
	bits := s.of(t).derive("receipt", []byte(t.String()+"\x00"+requestID))
	var code []string
	for i := range receiptWords {
		// Word i is the 11 bits from bit 11·i on; they lie within three bytes.
		first := i * 11
		window := uint32(bits[first/8])<<16 | uint32(bits[first/8+1])<<8 | uint32(bits[first/8+2])
		code = append(code, words[window>>(13-first%8)&2047])
	}
	return strings.Join(append(code, checksumWord(code)), " ")
}

func checksumWord(code []string) string {
	sum := sha256.Sum256([]byte(strings.Join(code, " ")))
	return words[(int(sum[0])<<8|int(sum[1]))&2047]
}

// ParseReceipt reads a code as people write it: any case; blanks, hyphens or commas between the words. ok is false when
// a word is not in the list or the checksum is wrong, which catches 2047 of 2048 slips.
func ParseReceipt(s string) (code string, ok bool) {
	parts := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r < 'a' || r > 'z' })
	if len(parts) != receiptWords+1 {
		return "", false
	}
	for _, w := range parts {
		if _, known := wordIndex[w]; !known {
			return "", false
		}
	}
	if checksumWord(parts[:receiptWords]) != parts[receiptWords] {
		return "", false
	}
	return strings.Join(parts, " "), true
}

// ReceiptLookup is the keyed hash by which a report is found from its receipt code. A slow hash would add nothing: the
// code has 88 bits.
func (s *Secrets) ReceiptLookup(t tenant.ID, code string) []byte {
	return s.of(t).derive("receipt-lookup", []byte(t.String()+"\x00"+code))
}
