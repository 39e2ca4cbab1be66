package number_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/retepari/pari/pkg/number"
)

const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

var numbers = rapid.Custom(func(t *rapid.T) number.Number {
	return number.Number{
		Prefix: rapid.StringMatching(`[A-Z]{1,3}(-C)?`).Draw(t, "prefix"),
		Year:   rapid.IntRange(2000, 2999).Draw(t, "year"),
		Code:   rapid.StringMatching(`[0-9A-HJKMNP-TV-Z]{5}`).Draw(t, "code"),
	}
})

func mustNotParse(t *rapid.T, text, change string) {
	if got, err := number.Parse(text); !errors.Is(err, number.ErrNumber) {
		t.Fatalf("%s passes as %+v, with %s", text, got, change)
	}
}

// Ensure the format and the check character of a number never change: numbers are on paper.
func TestNumber_String(t *testing.T) {
	t.Parallel()
	for want, n := range map[string]number.Number{
		"CR-2026-K7Q4M-V":   {Prefix: "CR", Year: 2026, Code: "K7Q4M"},
		"CR-C-2026-00000-Q": {Prefix: "CR-C", Year: 2026, Code: "00000"},
	} {
		if got := n.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestParse_ReadsWhatStringWrites(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := numbers.Draw(t, "number")
		if got, err := number.Parse(n.String()); err != nil || got != n {
			t.Fatalf("%s: got %+v, %v", n, got, err)
		}
	})
}

// Ensure a number is read as people write it.
func TestParse_AcceptsWhatPeopleWrite(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"cr-2026-k7q4m-v": "CR-2026-K7Q4M-V", " CR-2026-K7Q4M-V\n": "CR-2026-K7Q4M-V",
		"CR-2026-IOABC-B": "CR-2026-10ABC-B", "cr-c-2026-ooooo-q": "CR-C-2026-00000-Q",
	} {
		if got, err := number.Parse(text); err != nil || got.String() != want {
			t.Errorf("%q: got %s, %v", text, got, err)
		}
	}
}

// Ensure every wrong character of year, code and check is found.
func TestParse_FindsEverySingleError(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := numbers.Draw(t, "number").String()
		for i := len(text) - len("2026-K7Q4M-X"); i < len(text); i++ {
			for _, c := range []byte(alphabet) {
				if text[i] != '-' && text[i] != c {
					mustNotParse(t, text[:i]+string(c)+text[i+1:], "a wrong character")
				}
			}
		}
	})
}

// Ensure two characters of year, code and check that took each other's place are found, adjacent or not.
func TestParse_FindsEveryTransposition(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(numbers.Draw(t, "number").String())
		for i := len(text) - len("2026-K7Q4M-X"); i < len(text); i++ {
			for j := i + 1; j < len(text); j++ {
				if text[i] == text[j] || text[i] == '-' || text[j] == '-' {
					continue
				}
				text[i], text[j] = text[j], text[i]
				mustNotParse(t, string(text), "a transposition")
				text[i], text[j] = text[j], text[i]
			}
		}
	})
}

// Ensure the number of another node or kind does not pass when its prefix is misread.
func TestParse_ChecksThePrefix(t *testing.T) {
	t.Parallel()
	valid := number.Number{Prefix: "CR", Year: 2026, Code: "K7Q4M"}.String()
	for _, prefix := range []string{"CN", "RC", "C", "CR-C", "CRE"} {
		if _, err := number.Parse(prefix + strings.TrimPrefix(valid, "CR")); !errors.Is(err, number.ErrNumber) {
			t.Errorf("%s: %v", prefix, err)
		}
	}
}

func TestParse_RefusesOtherTexts(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "CR-2026-000042", "CR2026K7Q4MV", "CR-2026-K7QLM-V", "-2026-K7Q4M-V",
		"CR-26-K7Q4M-V", "CR-2026-K7Q4-V",
	} {
		if got, err := number.Parse(text); !errors.Is(err, number.ErrNumber) {
			t.Errorf("%q: got %+v, %v", text, got, err)
		}
	}
}

// Ensure drawn numbers parse, differ, and use every character in every place.
func TestDraw(t *testing.T) {
	t.Parallel()
	seen, used := map[string]bool{}, map[[2]byte]bool{}
	const draws = 3000
	for range draws {
		n := number.Draw("CR", 2026)
		text := n.String()
		if got, err := number.Parse(text); err != nil || got != n || !strings.HasPrefix(text, "CR-2026-") {
			t.Fatalf("drew %s, %v", text, err)
		}
		seen[text] = true
		for i, c := range []byte(n.Code) {
			used[[2]byte{byte(i), c}] = true
		}
	}
	if len(seen) < draws-5 || len(used) != 5*len(alphabet) {
		t.Errorf("%d numbers of %d differ; %d characters by place, want %d",
			len(seen), draws, len(used), 5*len(alphabet))
	}
}
