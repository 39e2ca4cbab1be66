package territory

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// keys are the two normalised forms in which names are compared. Plain holds the letters and digits without case,
// accents, apostrophes, hyphens and spaces. Loose also maps all saints to one word and drops articles and prepositions,
// which people write or omit: "Reggio Emilia" for "Reggio nell'Emilia", "S. Angelo" for "Sant'Angelo".
type keys struct{ plain, loose string }

var saints = wordSet("s san santo santa sant saint sainte st ste sankt")

var stopWords = wordSet("a ad ai al all alla alle allo am an con d da dal dalla de dei degli del dell della delle " +
	"dello der di du e ed et gli i il im in l la le les lo nel nell nella nelle sui sul sull sulla sur und")

func wordSet(list string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(list) {
		set[word] = true
	}
	return set
}

// fold returns the keys of a name.
func fold(name string) keys {
	var plain, loose strings.Builder
	for _, word := range splitWords(name) {
		plain.WriteString(word)
		switch {
		case saints[word]:
			loose.WriteString("s")
		case !stopWords[word]:
			loose.WriteString(word)
		}
	}
	k := keys{plain: plain.String(), loose: loose.String()}
	if k.loose == "" || k.loose == "s" {
		k.loose = k.plain
	}
	return k
}

// splitWords returns the words of a name in lower case and without accents. All other characters separate words.
func splitWords(name string) []string {
	var out []string
	var word strings.Builder
	flush := func() {
		if word.Len() > 0 {
			out = append(out, word.String())
			word.Reset()
		}
	}
	for _, c := range norm.NFKD.String(name) {
		switch {
		case unicode.Is(unicode.Mn, c):
		case c == 'ß' || c == 'ẞ':
			word.WriteString("ss")
		case unicode.IsLetter(c) || unicode.IsDigit(c):
			word.WriteRune(unicode.ToLower(c))
		default:
			flush()
		}
	}
	flush()
	return out
}

// equalNames reports whether two names differ only in case, surrounding spaces and the encoding of accents.
func equalNames(a, b string) bool {
	return strings.EqualFold(norm.NFC.String(strings.TrimSpace(a)), norm.NFC.String(strings.TrimSpace(b)))
}
