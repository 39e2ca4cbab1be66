package render_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/retepari/pari/cmd/pari/render"
)

// Ensure that no character of a text can act on a terminal, and that text in any script stays readable.
func TestEscape(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                         "",
		"Città, ਪੰਜਾਬੀ, عربي":      "Città, ਪੰਜਾਬੀ, عربي",
		"می\u200cخواهم 👩\u200d⚖️":  "می\u200cخواهم 👩\u200d⚖️",
		"a\x1b[2Jb":                `a\x1b[2Jb`,
		"a\r\nb\tc\x00\x07\x7f":    `a\x0d\nb\tc\x00\x07\x7f`,
		"\u009b31m\u0085":          `\u009b31m\u0085`,
		"\u202egnp\u2066x\u200f":   `\u202egnp\u2066x\u200f`,
		"a\u2028b\ufeff\u200b":     `a\u2028b\ufeff\u200b`,
		"\U000e0041":               `\U000e0041`,
		"\xff\x9b31m":              `\xff\x9b31m`,
		"\u061c\u00adsoft\u206e":   `\u061c\u00adsoft\u206e`,
		"a backslash \\x1b stays.": `a backslash \x1b stays.`,
	} {
		if got := render.Escape(text); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got, want := render.EscapeLines("a\r\n\tb\rc\x1b\n"), "a\r\n\tb"+`\x0dc\x1b`+"\n"; got != want {
		t.Errorf("lines: got %q, want %q", got, want)
	}
}

// Ensure that an escaped JSON document holds the same text as before, and only safe characters.
func TestEscapeJSON(t *testing.T) {
	t.Parallel()
	const text = "\x1b[2J \u009b \u202e \U000e0041 \x7f è"
	raw, err := json.Marshal(map[string]string{"a": text})
	if err != nil {
		t.Fatal(err)
	}
	safe := render.EscapeJSON(raw)
	var got map[string]string
	if err := json.Unmarshal(safe, &got); err != nil || got["a"] != text {
		t.Errorf("got %q, %v", got["a"], err)
	}
	if render.Escape(string(safe)) != string(safe) {
		t.Errorf("unsafe: %q", safe)
	}
}

// Ensure that a cell stays one cell of one line.
func TestRows_Escapes(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := render.Rows(&out, func(row render.Row) {
		row("a\tb\nc", 1)
		render.Lines(row, "text", "one\r\ntwo\x1b")
	})
	want := "a\\tb\\nc  1\ntext     one\n         two\\x1b\n"
	if err != nil || out.String() != want {
		t.Errorf("got %q, %v", out.String(), err)
	}
}
