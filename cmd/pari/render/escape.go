package render

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// isUnsafe reports whether a rune could change what a terminal shows around it: control characters, and the invisible
// ones that reorder or hide text. The joiners of Persian, of Indic scripts and of emoji are safe.
func isUnsafe(r rune) bool {
	const nonJoiner, joiner = '\u200c', '\u200d'
	switch r {
	case nonJoiner, joiner:
		return false
	case '\u2028', '\u2029': // separators of lines and paragraphs
		return true
	}
	return unicode.Is(unicode.C, r)
}

// Escape makes a text safe for a terminal, on one line: a character that could act on the terminal is written in the
// notation of Go, for instance \x1b, \n or \u202e.
func Escape(text string) string { return escape(text, false) }

// EscapeLines is Escape for a document: it leaves line ends and tabs as they are.
func EscapeLines(text string) string { return escape(text, true) }

func escape(text string, keepLines bool) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case keepLines && keepsLines(text[i:]), !isUnsafe(r):
			b.WriteString(text[i : i+size])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < utf8.RuneSelf:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += size
	}
	return b.String()
}

// keepsLines reports whether a text begins with a line feed, with one after a carriage return, or with a tab.
func keepsLines(text string) bool {
	return text[0] == '\n' || text[0] == '\t' || strings.HasPrefix(text, "\r\n")
}

// EscapeJSON makes a JSON document safe for a terminal. It stays the same document: JSON is ASCII except within
// strings, where a character may be written as its number.
func EscapeJSON(raw []byte) []byte {
	var b bytes.Buffer
	for _, r := range string(raw) {
		switch high, low := utf16.EncodeRune(r); {
		case r == '\n' || !isUnsafe(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}

// Printf writes a line or more with the arguments escaped.
func Printf(w io.Writer, format string, args ...any) error {
	for i, arg := range args {
		switch v := arg.(type) {
		case string:
			args[i] = Escape(v)
		case error:
			args[i] = Escape(v.Error())
		}
	}
	_, err := fmt.Fprintf(w, format, args...)
	return err
}
