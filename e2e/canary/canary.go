// Package canary provides personal content with unique words, and searches data for these words in every encoding in
// which they could leak: plain, in another case, hexadecimal, base64, URL or JSON escapes, UTF-16.
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

// Words are the unique parts of a name, a phone number, an e-mail address, a narrative and a safe-contact note. They
// occur nowhere else in the system.
var Words = []string{"Qzxvarnelli", "0990441773", "qzx.mailbird", "Zyxcanarino", "Wqzxrichiamo"}

// Name, Phone, Email, Narrative and Safe return the content of the n-th report.
func Name(n int) string      { return fmt.Sprintf("%s Fiordàliso %d", Words[0], n) }
func Phone(n int) string     { return fmt.Sprintf("%s%d", Words[1], n) }
func Email(n int) string     { return fmt.Sprintf("%s%d@example.it", Words[2], n) }
func Narrative(n int) string { return fmt.Sprintf("%s: «l'hanno insultata» numero %d", Words[3], n) }
func Safe(n int) string      { return fmt.Sprintf("%s solo di mattina %d", Words[4], n) }

// encodings returns the encoded forms of a word.
func encodings(word string) [][]byte {
	raw := []byte(word)
	all := [][]byte{
		raw, bytes.ToLower(raw), bytes.ToUpper(raw),
		[]byte(hex.EncodeToString(raw)), []byte(strings.ToUpper(hex.EncodeToString(raw))),
		[]byte(url.QueryEscape(word)),
	}
	// A word has three forms in base64, depending on its offset in the text. Its first and last characters depend on
	// the neighbouring bytes, so they are left out.
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

// Find returns the first word that data contains in any encoding, or "".
func Find(data []byte) string {
	for _, word := range Words {
		for _, encoded := range encodings(word) {
			if bytes.Contains(data, encoded) {
				return word
			}
		}
	}
	return ""
}

// Folder searches all files below a folder. It returns the number of bytes that it read, and a line for each file that
// contains a word.
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
