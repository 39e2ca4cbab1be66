// Package canary makes reports full of words that occur nowhere else, and searches bytes for them in every shape in which
// they could have slipped out: as written, in another case, as hexadecimal, base64, URL or JSON escapes, or UTF-16.
package canary

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf16"
)

// Words mark what a canary report holds: a name, a telephone, an e-mail, a text, a rule for calling back. No other word
// of the system contains them.
var Words = []string{"Qzxvarnelli", "0990441773", "qzx.mailbird", "Zyxcanarino", "Wqzxrichiamo"}

// Name, Phone, Email, Narrative and Safe return what the n-th report holds.
func Name(n int) string      { return fmt.Sprintf("%s Fiordàliso %d", Words[0], n) }
func Phone(n int) string     { return fmt.Sprintf("%s%d", Words[1], n) }
func Email(n int) string     { return fmt.Sprintf("%s%d@example.it", Words[2], n) }
func Narrative(n int) string { return fmt.Sprintf("%s: «l'hanno insultata» numero %d", Words[3], n) }
func Safe(n int) string      { return fmt.Sprintf("%s solo di mattina %d", Words[4], n) }

// shapes are the byte strings that give a word away.
func shapes(word string) [][]byte {
	raw := []byte(word)
	all := [][]byte{
		raw, bytes.ToLower(raw), bytes.ToUpper(raw),
		[]byte(hex.EncodeToString(raw)), []byte(strings.ToUpper(hex.EncodeToString(raw))),
		[]byte(url.QueryEscape(word)),
	}
	// In base64 a word shows in one of three ways, depending on where in the text it starts; its first and last
	// characters mix with their neighbours and are left out.
	for shift := range 3 {
		padded := append(bytes.Repeat([]byte{0}, shift), raw...)
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := e.EncodeToString(padded)
			all = append(all, []byte(text[(shift*8+5)/6:len(text)-1]))
		}
	}
	var little, big, escaped []byte
	for _, unit := range utf16.Encode([]rune(word)) {
		little = append(little, byte(unit), byte(unit>>8))
		big = append(big, byte(unit>>8), byte(unit))
		escaped = fmt.Appendf(escaped, `\u%04x`, unit)
	}
	return append(all, little, big, escaped)
}

// Find names the first word that the bytes give away, or returns "".
func Find(data []byte) string {
	for _, word := range Words {
		for _, shape := range shapes(word) {
			if bytes.Contains(data, shape) {
				return word
			}
		}
	}
	return ""
}

// Folder searches every file below a folder and returns how many bytes it read and where it found a word.
func Folder(root string) (read int64, found []string, err error) {
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		data, err := os.ReadFile(path) //nolint:gosec // a folder of the test's own
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		read += int64(len(data))
		if word := Find(data); word != "" {
			found = append(found, fmt.Sprintf("%s holds %s", path, word))
		}
		return nil
	})
	return read, found, err
}
