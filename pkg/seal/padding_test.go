package seal_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/retepari/pari/pkg/seal"
)

// Ensure a padded text is read back whole, whatever its bytes, and its length is a power of two.
func TestPad(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		zeros := make([]byte, rapid.IntRange(0, 600).Draw(t, "zeros"))
		text := append(rapid.SliceOf(rapid.Byte()).Draw(t, "text"), zeros...)
		padded := seal.PadForTest(text)
		got, err := seal.UnpadForTest(padded)
		if err != nil || !bytes.Equal(got, text) {
			t.Fatalf("got %q, %v", got, err)
		}
		if n := len(padded); n != 0 && (n < 256 || n&(n-1) != 0) {
			t.Fatalf("%d bytes were padded to %d", len(text), n)
		}
	})
}

// Ensure texts of about the same length are padded to the same.
func TestPad_HidesLengths(t *testing.T) {
	t.Parallel()
	for length, want := range map[int]int{1: 256, 255: 256, 256: 512, 511: 512, 20000: 32768} {
		if got := len(seal.PadForTest(make([]byte, length))); got != want {
			t.Errorf("%d bytes were padded to %d, want %d", length, got, want)
		}
	}
}

func TestUnpad_RefusesOtherTexts(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"x", "\x00\x00", "text\x00"} {
		if got, err := seal.UnpadForTest([]byte(text)); err == nil {
			t.Errorf("%q: got %q", text, got)
		}
	}
}
