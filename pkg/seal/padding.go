package seal

import (
	"bytes"
	"errors"
)

// minPadded is the smallest length of a padded text.
const minPadded = 256

// errPadding is returned for a text that pad did not pad.
var errPadding = errors.New("plaintext is not padded")

// pad lengthens a text to the next power of two, 256 bytes at least, so that its ciphertext tells the magnitude of its
// length only. The padding is that of ISO/IEC 7816-4: one byte 0x80, then zeros. Empty text stays empty.
func pad(plaintext []byte) []byte {
	if len(plaintext) == 0 {
		return nil
	}
	length := minPadded
	for length < len(plaintext)+1 {
		length *= 2
	}
	padded := make([]byte, length)
	padded[copy(padded, plaintext)] = 0x80
	return padded
}

// unpad returns the text that pad padded.
func unpad(padded []byte) ([]byte, error) {
	if len(padded) == 0 {
		return nil, nil
	}
	text := bytes.TrimRight(padded, "\x00")
	if len(text) == 0 || text[len(text)-1] != 0x80 {
		return nil, errPadding
	}
	return text[:len(text)-1], nil
}
